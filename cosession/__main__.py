"""`cosession …` and `python -P -m cosession …`."""

from __future__ import annotations

from cosession.cli import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
