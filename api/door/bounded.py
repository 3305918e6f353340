"""The WebSocket parser with bounds: on fragments, on control frames, and on what it says to strangers.

`websockets` bounds the bytes of a message, but not the number of its fragments (an empty one costs memory too), nor how
many pings it answers.
"""

from __future__ import annotations

import http
import logging
from collections.abc import Callable

from websockets.datastructures import Headers
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.server import ServerProtocol

from api.door.problem import REASONS, problem_parts

MESSAGE_TOO_BIG = 1009
POLICY_VIOLATION = 1008
CONTROL = frozenset({Opcode.PING, Opcode.PONG, Opcode.CLOSE})

# At DEBUG the library logs request lines, and with them the ticket that stands in the query string.
_quiet = logging.getLogger("cosession.door.websocket")
_quiet.setLevel(logging.WARNING)


class BoundedProtocol(ServerProtocol):
    """One connection's parser and close handshake. Times come from `now`, in seconds."""

    def __init__(
        self,
        *,
        message_bytes: int,
        fragments: int,
        control_frames_per_second: int,
        now: Callable[[], float],
        on_close_sent: Callable[[], None],
    ) -> None:
        super().__init__(extensions=[], max_size=message_bytes, logger=_quiet)
        self._max_fragments = fragments
        self._max_control = control_frames_per_second
        self._now = now
        self._on_close_sent = on_close_sent
        self._fragments = 0
        self._control = 0
        self._second = 0.0
        self._verdict: tuple[int, str] | None = None

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode in CONTROL:
            self._count_control()
        else:
            self._count_fragment(frame)
        super().recv_frame(frame)

    def _count_control(self) -> None:
        now = self._now()
        if now - self._second >= 1.0:
            self._second = now
            self._control = 0
        self._control += 1
        if self._control > self._max_control:
            raise self._refusal(POLICY_VIOLATION, "too_many_control_frames")

    def _count_fragment(self, frame: Frame) -> None:
        self._fragments = 1 if frame.opcode is not Opcode.CONT else self._fragments + 1
        if self._fragments > self._max_fragments:
            raise self._refusal(MESSAGE_TOO_BIG, "too_many_fragments")

    def _refusal(self, code: int, reason: str) -> ProtocolError:
        self._verdict = (code, reason)
        return ProtocolError(reason)

    def fail(self, code: int, reason: str = "") -> None:
        if self._verdict is not None:
            code, reason = self._verdict
        elif code == MESSAGE_TOO_BIG:
            reason = "frame_too_large"
        super().fail(code, reason)

    def send_frame(self, frame: Frame) -> None:
        super().send_frame(frame)
        if frame.opcode is Opcode.CLOSE:
            self._on_close_sent()

    def reject(self, status: int, text: str) -> Response:
        """Every refusal of a handshake is a problem document; `text` is the library's own wording."""
        status = int(http.HTTPStatus(status))
        response = super().reject(http.HTTPStatus(status), text)
        headers, body = problem_parts(status, text.strip() or None)
        kept = [(name, value) for name, value in response.headers.raw_items() if name.lower() in _KEPT]
        own = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        return Response(status, REASONS[status], Headers([*kept, *own]), body)


_KEPT = frozenset({"allow", "date", "upgrade", "sec-websocket-version"})
