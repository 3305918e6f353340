"""The listening socket, with the options that every accepted connection inherits."""

from __future__ import annotations

import errno
import socket

from core.errors import Unavailable

# A peer that acknowledges nothing, or keeps its window shut, for this long is cut off by the kernel. Pings do not help
# there: they wait in the same send buffer as everything else.
UNREAD_TIMEOUT_MS = 10_000
SEND_BUFFER = 128 * 1024
BACKLOG = 1_024


class CannotListen(Unavailable):
    """The server cannot listen on that address."""

    code = "cannot_listen"


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening, non-blocking TCP socket on `host` (a name, IPv4 or IPv6 address) and `port` (0: any free one).

    Raises CannotListen, with a sentence that says what to do, where the system refuses.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not 0 <= port <= 65_535:
        raise CannotListen(f"Cannot listen on {where}: a port is a number from 0 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"Cannot listen on {where}: there is no such address. Check HOST.") from error
    family, kind, protocol, _, address = next((one for one in found if one[0] is socket.AF_INET), found[0])
    sock = socket.socket(family, kind, protocol)
    try:
        _set_options(sock)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise CannotListen(f"Cannot listen on {where}: {_advice(error)}") from error
    return sock


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Without a fixed size the kernel lets a connection that does not read grow to megabytes of its memory.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    unread_timeout: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux only
    if unread_timeout is not None:
        sock.setsockopt(socket.IPPROTO_TCP, unread_timeout, UNREAD_TIMEOUT_MS)


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses this port already. Stop it, or set PORT to another number."
    if error.errno == errno.EACCES:
        return "ports below 1024 need more rights than this program has. Set PORT to a higher number."
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address. Check HOST."
    return f"{error.strerror or error}."
