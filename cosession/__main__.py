"""`cosession …` and `python -P -m cosession …`."""

from __future__ import annotations

import gc

# Nothing of what is loaded here is ever freed: looking for that again and again is a fifth of the time that it takes.
gc.set_threshold(50_000, 20, 50)

from cosession.cli import app  # noqa: E402


def main() -> None:
    app()


if __name__ == "__main__":
    main()
