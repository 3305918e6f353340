"""Comments on lines of shared files: said, changed, resolved, and found again when the file moves on.

`commands` is what people do, `places` says which versions lie between a comment and the version that somebody looks at,
and `placing` carries it over them.
"""

from __future__ import annotations

from core.comments.commands import Draft, Posted, add_comment, delete_comment, edit_comment, reopen, resolve
from core.comments.places import Asked, Thread, every_thread, find_thread, find_threads
from core.comments.placing import Place, Placements

__all__ = [
    "Asked",
    "Draft",
    "Place",
    "Placements",
    "Posted",
    "Thread",
    "add_comment",
    "delete_comment",
    "edit_comment",
    "every_thread",
    "find_thread",
    "find_threads",
    "reopen",
    "resolve",
]
