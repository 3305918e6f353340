"""Log lines: one JSON object each, or short coloured lines on a terminal. Control characters never reach the output."""

from __future__ import annotations

import logging
import sys

import structlog


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
        shared = shared[:-1]
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
