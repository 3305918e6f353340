"""Shared files over HTTP: contents by hash, which never change, and what became of each path.

A content is somebody's code, and may be a page or a picture with a script in it. It is therefore never served as what
it claims to be: text is plain text, what is a picture by its bytes is one (SVG is not), everything else a download, and
none of them has a sandbox to run in.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi import Body as RequestBody
from pydantic import BaseModel, Field

from api.auth import ApiDep, SignedInDep
from api.frames import FileVersion, FileView
from api.routes.accounts import Body
from core import files, paths, tables
from core.access import session_for
from core.clock import iso
from core.db import Transaction
from core.pictures import picture_in

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["files"])

MAX_ITEMS = 100
#: What is named by its hash cannot change; only its reader's rights can, so it is kept by nobody but them.
IMMUTABLE = "private, max-age=31536000, immutable"
INERT = {
    "Cache-Control": IMMUTABLE,
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the content, in lower-case hex.")]


class FileItem(Body):
    """`version` names a content that was put before; it is null for a deleted file, and for one that cannot be shown,
    with the `reason`."""

    key: str = Field(min_length=1, max_length=80)
    path: str = Field(max_length=4_000)
    change: files.Change
    old_path: str | None = Field(default=None, max_length=4_000)
    version: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    size: int = Field(default=0, ge=0)
    is_binary: bool = False
    reason: str = Field(default="", max_length=200)


class FileItems(Body):
    items: list[FileItem] = Field(min_length=1, max_length=MAX_ITEMS)


class SharedItem(BaseModel):
    key: str
    seq: int


class SharedItems(BaseModel):
    items: list[SharedItem]


class FileList(BaseModel):
    items: list[FileView]


class FileVersionList(BaseModel):
    items: list[FileVersion]


def file_view(row: tables.SharedFile) -> FileView:
    return FileView.model_validate({**row.model_dump(exclude={"session_id"}), "changed_at": iso(row.changed_at)})


def file_version(row: tables.FileVersion) -> FileVersion:
    return FileVersion.model_validate({**row.model_dump(exclude={"session_id"}), "at": iso(row.at)})


@router.put(
    "/blobs/{sha256}",
    status_code=201,
    response_class=Response,
    responses={204: {"description": "It was there already."}},
)
async def put_blob(
    session_id: str,
    sha256: Sha256,
    api: ApiDep,
    who: SignedInDep,
    content: Annotated[bytes, RequestBody(media_type="application/octet-stream")] = b"",
) -> Response:
    """Keeps a file's content, at most 1 MiB, under its hash."""
    data = files.checked(sha256, content)
    is_new = await api.db.write(lambda tx: files.put_blob(tx, who.actor, session_id, data))
    return Response(status_code=201 if is_new else 204)


@router.get(
    "/blobs/{sha256}",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}, "image/*": {}, "application/octet-stream": {}}},
        304: {"description": "You have it already."},
    },
)
async def get_blob(session_id: str, sha256: Sha256, request: Request, api: ApiDep, who: SignedInDep) -> Response:
    """A content that this session holds: text as plain text, pictures as such, anything else as a download."""
    etag = f'"{sha256}"'
    is_held = etag in request.headers.get("if-none-match", "")

    def read(tx: Transaction) -> files.Content | None:
        session_for(tx, who.actor, session_id, "read", lock=False)
        return None if is_held and files.holds_blob(tx, session_id, sha256) else files.blob(tx, session_id, sha256)

    content = await api.db.read(read)
    headers = {**INERT, "ETag": etag}
    if content is None:
        return Response(status_code=304, headers=headers)
    if content.lines is not None:
        return Response(content.data, media_type="text/plain; charset=utf-8", headers=headers)
    picture = picture_in(content.data)
    if picture is not None:
        return Response(content.data, media_type=picture.media_type, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{sha256[:12]}.bin"'
    return Response(content.data, media_type="application/octet-stream", headers=headers)


@router.post("/files")
async def share_files(session_id: str, body: FileItems, api: ApiDep, who: SignedInDep) -> SharedItems:
    """What became of files, reported by the operator's machine. Each key has one effect."""
    items = [files.Item(**item.model_dump()) for item in body.items]
    numbers = await api.db.write(lambda tx: files.share(tx, who.actor, session_id, items))
    return SharedItems(items=[SharedItem(key=item.key, seq=seq) for item, seq in zip(items, numbers, strict=True)])


@router.get("/files")
async def list_files(session_id: str, api: ApiDep, who: SignedInDep) -> FileList:
    """Every shared file by its present name, sorted by path; deleted ones are said to be deleted."""

    def read(tx: Transaction) -> FileList:
        session_for(tx, who.actor, session_id, "read", lock=False)
        return FileList(items=[file_view(row) for row in files.shared_files(tx, session_id)])

    return await api.db.read(read)


@router.get("/files/versions")
async def list_versions(
    session_id: str, path: Annotated[str, Query(max_length=4_000)], api: ApiDep, who: SignedInDep
) -> FileVersionList:
    """The states of one file, oldest first, back through its renames; empty for one that was never shared."""

    def read(tx: Transaction) -> FileVersionList:
        session_for(tx, who.actor, session_id, "read", lock=False)
        rows = files.versions(tx, session_id, paths.normal_path(path))
        return FileVersionList(items=[file_version(row) for row in rows])

    return await api.db.read(read)
