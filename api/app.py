"""Builds the ASGI application of this door."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors, openapi, pages
from api.context import Api
from api.door.headers import SecurityHeaders
from api.routes import (
    accounts,
    admin,
    attachments,
    chat,
    commands,
    comments,
    feed,
    files,
    history,
    inbox,
    invites,
    operation,
    people,
    preferences,
    push,
    search,
    sessions,
    signing_in,
    snapshot,
    stream,
    threads,
    unsubscribing,
)
from api.socket import LiveSockets


async def refuse(_scope: Scope, receive: Receive, send: Send) -> None:
    """There is no socket at this address."""
    await receive()
    await send({"type": "websocket.close"})


Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class _Application(FastAPI):
    """Sockets go past the framework, which has no part in them."""

    sockets: ASGIApp = staticmethod(refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(api: Api, lifespan: Lifespan) -> FastAPI:
    """`lifespan` starts and stops what the composition root built."""
    app = _bare(api, lifespan)
    openapi.install(app)
    spoken = (history, chat, attachments, search, snapshot, stream, commands, files, comments, threads)
    told = (inbox, feed, preferences, push)
    for routes in (accounts, people, signing_in, unsubscribing, admin, sessions, *spoken, invites, *told, operation):
        _take_in(app, routes.router)
    _take_in(app, operation.health)
    app.add_middleware(GZipMiddleware, minimum_size=1_024, compresslevel=5)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AllowedHosts, hosts=api.settings.hosts)
    app.sockets = AllowedHosts(LiveSockets(refuse, api), api.settings.hosts)
    return app


def create_health_app(api: Api, lifespan: Lifespan) -> FastAPI:
    """For a process that serves nobody: whether it is alive and ready, and its metrics."""
    app = _bare(api, lifespan)
    _take_in(app, operation.health)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AllowedHosts, hosts=api.settings.hosts)
    return app


def _take_in(app: FastAPI, router: APIRouter) -> None:
    """Like `include_router`, which would analyse every route anew, a tenth of a second for all of them: these carry
    their prefix and tags themselves."""
    app.router.routes.extend(router.routes)


def _bare(api: Api, lifespan: Lifespan) -> _Application:
    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncGenerator[None]:
        async with lifespan():
            yield

    # FastAPI's own documentation page loads its scripts from a CDN; ours is served from this process.
    app = _Application(title="Cosession", version="0.1.0", lifespan=run, docs_url=None, redoc_url=None)
    app.state.api = api
    errors.install(app)
    return app


def add_pages(app: FastAPI, api: Api) -> None:
    """Last, so that every other route goes first."""
    pages.install(app, api.settings.static)


class AllowedHosts:
    """Refuses requests for other hosts, so that a rebound DNS name cannot reach a server on loopback.

    `*` allows every host, for a server behind a proxy that checks already.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and "*" not in self._hosts:
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
            if host not in self._hosts and scope.get("path") not in ("/healthz", "/readyz"):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 4403})
                    return
                response = errors.problem(421, "unknown_host", "This server is not reached under that name.")
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
