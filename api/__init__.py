"""The door for browsers and programs: HTTP and WebSocket.

Reading order: `frames` (the wire), `errors`, `tokens`, `auth`, `hub` (the sockets' reader of the log), `connection`,
`upkeep`, `socket`, `commands`, `routes`, `app`; `door` hardens the server underneath.
"""
