"""The door for browsers and programs: HTTP and WebSocket.

Reading order: `frames` (the wire), `errors`, `tokens`, `auth`, `room`, `intake`, `feed`, `company` and `hub` (the
connections' reader of the log), `bulletin` and `news` (what other processes commit), `others` and `elsewhere` (who is
connected to them), `connection`, `upkeep`, `entering` (who comes in, and where they begin), `socket` and `stream`
(the two ways to listen), `incoming`, `forwarding` and `commands` (what is asked), `routes`, `app`; `client` is the
other end of the wire, and `door` hardens the server underneath.
"""
