"""The door itself: the HTTP and WebSocket server, hardened against clients that mean no good.

uvicorn does HTTP and runs the application; what it leaves open is closed here. WebSockets are this package's own. In
reading order:

- `settings`   every limit, in one frozen value
- `listen`     the listening socket, with the options that free a peer which stopped reading
- `address`    who the client is, behind which proxies
- `limits`     how many connections, in all and per address; `state` is what all connections of one server share
- `problem`    refusals as bytes, for where no application has run yet
- `front`, `request`   the first look at a connection: a plain handshake becomes a WebSocket at once, all else is HTTP
- `body`, `http`     one HTTP connection: deadlines and caps for bodies and heads
- `framing`, `outbox`, `wire`    the fast way out: frame once, join what one turn of the loop writes
- `handshake`, `bounded`, `keepalive`, `asgi`, `websocket`    one WebSocket: what a client may send, how long it may be
  silent, what the application sees of it, and how it is closed
- `headers`    security headers and the Origin check
- `serve`      runs it all
"""
