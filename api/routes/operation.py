"""For whoever runs the server: is it alive, is it ready, how is it doing; and the operator's own commands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from api.asyncapi import asyncapi
from api.auth import ApiDep
from api.context import Api
from api.routes.accounts import Body
from core import accounts, audit, backup, tables
from core.db import Transaction
from core.errors import CosessionError, Invalid, NotSignedIn, UserNotFound

router = APIRouter(tags=["operation"])
#: What a process answers that serves nobody.
health = APIRouter(tags=["operation"])


class Alive(BaseModel):
    status: str


class NewUser(Body):
    email: str = Field(max_length=320)
    name: str = Field(max_length=200)
    is_admin: bool = False


class UserView(BaseModel):
    user_id: str
    email: str | None
    username: str
    token_version: int


class NewBackup(Body):
    path: str = Field(max_length=4_000)


class BackupView(BaseModel):
    #: Bytes.
    size: int


class SignInUrl(BaseModel):
    url: str


@health.get("/healthz")
async def healthz() -> Alive:
    """The process answers."""
    return Alive(status="ok")


@router.get("/asyncapi.json", include_in_schema=False)
async def asyncapi_document() -> dict[str, Any]:
    """The socket's description, beside `/openapi.json`, which is that of HTTP."""
    return asyncapi()


@health.get("/readyz")
async def readyz(api: ApiDep, response: Response) -> dict[str, str]:
    """200 when this process can serve; 503 and the reasons when not. What it can do without is told of as well."""
    checks = {name: check() for name, check in api.readiness.items()}
    checks["database"] = await _database(api)
    if api.hub.is_draining:
        checks["draining"] = "this process is shutting down"
    failed = {name: reason for name, reason in checks.items() if reason}
    response.status_code = 503 if failed else 200
    conditions = {name: tell() for name, tell in api.conditions.items()}
    return conditions | {name: reason or "ok" for name, reason in checks.items()}


async def _database(api: Api) -> str:
    try:
        await api.db.read(accounts.first_user)
    except CosessionError as error:
        return error.message
    return ""


@health.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Counters for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.post("/api/operator/users", status_code=201, include_in_schema=False)
async def add_user(body: NewUser, request: Request, api: ApiDep) -> UserView:
    """`cosession user add` while a server holds the SQLite file: only for who can read this server's key."""
    check_operator(api, request)

    def add(tx: Transaction) -> UserView:
        return _view(accounts.add_user(tx, body.email, body.name, is_admin=body.is_admin))

    return await api.db.write(add)


@router.get("/api/operator/users", include_in_schema=False)
async def first_user(request: Request, api: ApiDep) -> UserView:
    """The account that was made first: whoever set this server up."""
    check_operator(api, request)

    def find(tx: Transaction) -> UserView:
        user = accounts.first_user(tx)
        if user is None:
            raise UserNotFound
        return _view(user)

    return await api.db.read(find)


@router.get("/api/operator/users/{email}", include_in_schema=False)
async def find_user(email: str, request: Request, api: ApiDep) -> UserView:
    check_operator(api, request)

    return await api.db.read(lambda tx: _view(user_by_email(tx, email)))


@router.post("/api/operator/users/{email}/sign-in-links", status_code=201, include_in_schema=False)
async def new_sign_in_link(email: str, request: Request, api: ApiDep) -> SignInUrl:
    check_operator(api, request)

    def link(tx: Transaction) -> SignInUrl:
        secret = accounts.new_sign_in_link(tx, user_by_email(tx, email).id)
        return SignInUrl(url=f"{api.settings.base_url}/sign-in#{secret}")

    return await api.db.write(link)


@router.post("/api/operator/users/{email}/sign-out", status_code=204, include_in_schema=False)
async def sign_out_everywhere(email: str, request: Request, api: ApiDep) -> None:
    check_operator(api, request)

    def sign_out(tx: Transaction) -> tuple[str, int]:
        user = user_by_email(tx, email)
        accounts.sign_out_everywhere(tx, user.id)
        return user.id, user.token_version

    api.hub.sign_out(*await api.db.write(sign_out))


@router.get("/api/operator/audit", include_in_schema=False)
async def read_audit(request: Request, api: ApiDep, days: int = 30, email: str | None = None) -> dict[str, Any]:
    """`cosession audit` while a server holds the SQLite file."""
    check_operator(api, request)

    def read(tx: Transaction) -> list[audit.Entry]:
        user_id = user_by_email(tx, email).id if email is not None else None
        return audit.since(tx, tx.now - timedelta(days=min(max(days, 0), audit.MOST_DAYS)), user_id)

    return {"items": [entry.line() for entry in await api.db.read(read)]}


@router.post("/api/operator/backups", status_code=201, include_in_schema=False)
async def back_up(body: NewBackup, request: Request, api: ApiDep) -> BackupView:
    """`cosession backup` while a server holds the SQLite file. The copy is made by the server, on its machine."""
    check_operator(api, request)
    path = Path(body.path)
    if not api.settings.database_url:
        raise Invalid("That is for SQLite. Postgres is backed up with pg_dump.")
    if not path.is_absolute():
        raise Invalid("Name the whole path of the file.")
    return BackupView(size=await asyncio.to_thread(backup.copy, api.settings.database_url, path))


def user_by_email(tx: Transaction, email: str) -> tables.User:
    user = accounts.find_by_email(tx, email)
    if user is None:
        raise UserNotFound(f"There is no account for {email}: make one with `cosession user add {email} --name …`.")
    return user


def check_operator(api: Api, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    api.tokens.check("operator", token)


def _view(user: tables.User) -> UserView:
    return UserView(user_id=user.id, email=user.email, username=user.name, token_version=user.token_version)
