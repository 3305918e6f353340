"""The web view's files: pages for the routes of the browser, and what they load, which never changes under its name."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from api.errors import http_problem

#: Paths that the web view routes itself.
VIEWS = (
    *("/", "/sign-in", "/invite", "/invite/{invite_id}", "/s/{session_id}", "/s/{session_id}/activity", "/activity"),
    *("/inbox", "/settings", "/admin", "/docs"),
)
#: First parts of paths that are no pages: what is missing there is told to a program.
NO_PAGES = frozenset({"api", "ws", "slack", "sandbox", "assets", "docs", "metrics", "healthz", "readyz"})
#: Shows what is pushed to a browser. At the root, because a worker answers for the paths below its own.
WORKER = "/push-worker.js"
#: A browser asks for a newer one by itself; it may talk to this server and load nothing.
_WORKER_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Cosession</title>
<p>The web view is not built yet: run <code>make setup</code>.
<p>The API works: see <a href="/openapi.json">its schema</a>.
"""


def install(app: FastAPI, static: Path) -> None:
    """Serves the pages in `static`, the folder that the web build leaves."""
    router = APIRouter(include_in_schema=False)

    def view(status: int = 200) -> Response:
        index = static / "index.html"
        if not index.exists():
            return HTMLResponse(_NOT_BUILT, 503)
        return FileResponse(index, status, headers={"Cache-Control": "no-cache"})

    async def page() -> Response:
        return view()

    # Not a route for every path: that would turn "method not allowed" into "not found".
    @app.exception_handler(404)
    async def _nothing_there(request: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        return view(404) if _wants_page(request) else http_problem(error)

    async def worker() -> Response:
        script = static / WORKER.lstrip("/")
        if not script.exists():
            raise HTTPException(404)
        return FileResponse(script, media_type="text/javascript", headers=_WORKER_HEADERS)

    router.add_api_route(WORKER, worker, methods=["GET"])
    for path in VIEWS:
        router.add_api_route(path, page, methods=["GET"])
    app.include_router(router)
    assets = static / "assets"
    if assets.is_dir():
        app.mount("/assets", _Immutable(directory=assets), name="assets")


def _wants_page(request: Request) -> bool:
    """Whether a person looks at what answers: a mistyped address shows them the web view, which says so."""
    first = request.url.path.lstrip("/").partition("/")[0]
    is_read = request.method in ("GET", "HEAD")
    return is_read and first not in NO_PAGES and "text/html" in request.headers.get("accept", "")


def sandbox_page(static: Path) -> Response:
    page = static / "sandbox.html"
    return FileResponse(page, headers={"Cache-Control": "no-cache"}) if page.exists() else HTMLResponse(_NOT_BUILT, 503)


class _Immutable(StaticFiles):
    """Built files carry a hash of their content in their name."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
