"""Log lines: one JSON object each, or short coloured lines on a terminal. Control characters never reach the output."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

#: C0 and C1 controls, and what turns the direction of a line around.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Shows control characters instead of obeying them. In JSON they are escaped anyway."""
    return {name: _shown(value) if isinstance(value, str) else value for name, value in event.items()}


def _shown(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def configure(*, is_terminal: bool) -> None:
    """Sends everything that is logged, ours and the libraries', to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if is_terminal else structlog.processors.JSONRenderer()
    )
    if is_terminal:
        # The renderer writes exceptions out by itself.
        shared[-1] = printable
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in (
        "uvicorn.access",
        "uvicorn.error",
        "apscheduler",
        "httpx2",
        "httpcore2",
        "alembic",
        "slack_bolt",
        "slack_sdk",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)
