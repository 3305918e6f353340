"""The files of a shared folder: their contents by hash, and what the log says of each path.

Contents come first (`put_blob`), then the entry that names them (`share`), so that nobody is told of a version that is
not there. A content belongs to the session that holds it: the same bytes in another session are no way to them.
`files` and `file_versions` are projections of the `file_shared` entries.

Reading order: `contents`, `sharing`, `history`.
"""

from __future__ import annotations

from core.files.contents import MAX_BLOB, MAX_SESSION_BYTES, Content, blob, checked, holds_blob, lines_in, put_blob
from core.files.history import has_moved_away, shared_files, versions
from core.files.sharing import Change, Item, share

__all__ = [
    "MAX_BLOB",
    "MAX_SESSION_BYTES",
    "Change",
    "Content",
    "Item",
    "blob",
    "checked",
    "has_moved_away",
    "holds_blob",
    "lines_in",
    "put_blob",
    "share",
    "shared_files",
    "versions",
]
