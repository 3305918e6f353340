"""Our server with the limits of people raised, for loads that no person makes. Everything else is as it always is.

    python -m bench.unlimited

A hundred messages a minute is what the product lets one person say; a benchmark says thousands.
"""

from __future__ import annotations

import sys

import api.pace
import cosession.compose
from cosession import cli

ANY = 100_000_000


def main() -> None:
    cosession.compose.MESSAGES_PER_MINUTE = ANY
    api.pace.FRAMES_PER_MINUTE = api.pace.FRAMES_AT_ONCE = ANY
    sys.argv = ["cosession", "serve"]
    cli.app()


if __name__ == "__main__":
    main()
