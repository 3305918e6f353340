"""Comments on lines over HTTP: each thread with its place in the version that somebody looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from api.auth import ApiDep, SignedInDep
from api.frames import CommentPlace, CommentThread, CommentView, ThreadView
from core import comments, paths, tables
from core.access import session_for
from core.clock import iso
from core.db import Transaction

router = APIRouter(prefix="/api/sessions/{session_id}/comments", tags=["comments"])


class CommentThreadList(BaseModel):
    items: list[CommentThread]


def comment_view(row: tables.Comment, thread: tables.CommentThread) -> CommentView:
    return CommentView.model_validate(
        {
            "id": row.id,
            "thread_id": row.thread_id,
            "user_id": row.user_id,
            "username": row.username,
            "file": thread.file,
            "line": thread.line,
            "end_line": thread.end_line,
            "version": thread.version,
            "code_snippet": thread.snippet,
            "before": thread.before,
            "after": thread.after,
            "content": row.content,
            "mentions": orjson.loads(row.mentions),
            "source": row.source,
            "timestamp": iso(row.created_at),
            "seq": row.seq,
            "updated_seq": row.updated_seq,
            "edited_at": iso(row.edited_at) if row.edited_at else None,
            "is_deleted": row.deleted_at is not None,
        }
    )


def thread_view(thread: comments.Thread) -> ThreadView:
    row = thread.row
    return ThreadView(
        id=row.id,
        is_resolved=row.resolved_at is not None,
        resolved_by=row.resolved_by,
        updated_seq=row.updated_seq,
        comments=[comment_view(comment, row) for comment in thread.comments],
    )


def placed_view(thread: comments.Thread, place: comments.Place) -> CommentThread:
    return CommentThread(**dict(thread_view(thread)), place=CommentPlace(**asdict(place)))


async def _placed(api: ApiDep, session_id: str, wanted: Sequence[comments.Asked]) -> list[CommentThread]:
    places = await api.placements.places(api.db, session_id, wanted)
    return [placed_view(asked.thread, place) for asked, place in zip(wanted, places, strict=True)]


@router.get("")
async def list_comments(
    session_id: str,
    api: ApiDep,
    who: SignedInDep,
    file: Annotated[str | None, Query(max_length=4_000)] = None,
    version: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")] = None,
    include_resolved: bool = False,
) -> CommentThreadList:
    """The threads of one file, or of the whole session, in the order in which they were begun.

    Each carries its place in `version` of the file, by default in the newest. A file is found by its former names too.
    """

    def read(tx: Transaction) -> list[comments.Asked]:
        session_for(tx, who.actor, session_id, "read", lock=False)
        path = paths.normal_path(file) if file is not None else None
        return comments.find_threads(tx, session_id, file=path, version=version, include_resolved=include_resolved)

    return CommentThreadList(items=await _placed(api, session_id, await api.db.read(read)))


@router.get("/{thread_id}")
async def get_thread(
    session_id: str, thread_id: Annotated[str, Path(max_length=64)], api: ApiDep, who: SignedInDep
) -> CommentThread:
    """One thread, resolved or not, with its place in its file's newest version."""

    def read(tx: Transaction) -> list[comments.Asked]:
        session_for(tx, who.actor, session_id, "read", lock=False)
        return [comments.find_thread(tx, session_id, thread_id)]

    (thread,) = await _placed(api, session_id, await api.db.read(read))
    return thread
