"""What a session's files and comments must be, worked out from its log alone, and compared with the tables."""

from __future__ import annotations

import json
from typing import Any

from sqlmodel import col, select

from core import tables
from core.db import Transaction

Frame = dict[str, Any]


def check_files(tx: Transaction, session_id: str, entries: list[Frame]) -> None:
    shared = [entry for entry in entries if entry["type"] == "file_shared"]
    rows = tx.sql.exec(
        select(tables.FileVersion)
        .where(tables.FileVersion.session_id == session_id)
        .order_by(col(tables.FileVersion.seq))
    ).all()
    names = ("seq", "path", "version", "change", "old_path", "size", "lines", "is_binary")
    assert [{name: getattr(row, name) for name in names} for row in rows] == [
        {name: entry[name] for name in names} for entry in shared
    ]
    now: dict[str, tuple[str | None, int]] = {}
    for entry in shared:
        if entry["old_path"] in now:
            now[entry["old_path"]] = (None, entry["seq"])
        now[entry["path"]] = (entry["version"], entry["seq"])
    files = tx.sql.exec(select(tables.SharedFile).where(tables.SharedFile.session_id == session_id)).all()
    assert {file.path: (file.version, file.seq) for file in files} == now
    held = set(tx.sql.exec(select(tables.Blob.sha256).where(tables.Blob.session_id == session_id)))
    named = {version for entry in shared if (version := entry["version"])}
    assert named | {file.base_version for file in files if file.base_version} <= held


def check_comments(tx: Transaction, session_id: str, entries: list[Frame]) -> None:
    said: dict[str, tuple[str, str, list[str], bool, int]] = {}
    threads: dict[str, tuple[str, int, int, str | None, str | None, int]] = {}
    for entry in entries:
        seq = entry["seq"]
        match entry["type"]:
            case "code_comment":
                comment = entry["comment"]
                place = (comment["file"], comment["line"], comment["end_line"], comment["version"])
                said[comment["id"]] = (comment["thread_id"], comment["content"], comment["mentions"], False, seq)
                if comment["id"] == comment["thread_id"]:
                    threads[comment["id"]] = (*place, None, seq)
                else:
                    assert threads[comment["thread_id"]][:4] == place
            case "comment_edited":
                thread_id, *_ = said[entry["comment_id"]]
                said[entry["comment_id"]] = (thread_id, entry["content"], entry["mentions"], False, seq)
            case "comment_deleted":
                thread_id, *_ = said[entry["comment_id"]]
                said[entry["comment_id"]] = (thread_id, "", [], True, seq)
            case "comment_resolved" | "comment_reopened":
                by = entry["actor_id"] if entry["type"] == "comment_resolved" else None
                threads[entry["thread_id"]] = (*threads[entry["thread_id"]][:4], by, seq)
            case _:
                pass
    comments = tx.sql.exec(select(tables.Comment).where(tables.Comment.session_id == session_id)).all()
    assert said == {
        row.id: (row.thread_id, row.content, json.loads(row.mentions), row.deleted_at is not None, row.updated_seq)
        for row in comments
    }
    rows = tx.sql.exec(select(tables.CommentThread).where(tables.CommentThread.session_id == session_id)).all()
    assert threads == {
        row.id: (row.file, row.line, row.end_line, row.version, row.resolved_by, row.updated_seq) for row in rows
    }
    assert all((row.resolved_at is None) == (row.resolved_by is None) for row in rows)
