"""What the processes of one deployment tell each other beside the log: who is here, and frames for a person's tabs.

`wire` is what they say, `order` notices what was lost, `siblings` counts processes and connections, and `rooms` shows
each session's people in every process that has it open. None of it is stored: a lost signal is made good by the next
picture, and a process that says nothing more has left.
"""

from __future__ import annotations

from api.elsewhere.rooms import Elsewhere

__all__ = ["Elsewhere"]
