"""The web view's files: pages for the routes of the browser, and what they load, which never changes under its name."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

#: Paths that the web view routes itself.
VIEWS = ("/", "/sign-in", "/invite", "/s/{session_id}")

_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Cosession</title>
<p>The web view is not built yet: run <code>make setup</code>.
<p>The API works: see <a href="/openapi.json">its schema</a>.
"""


def install(app: FastAPI, static: Path) -> None:
    """Serves the pages in `static`, the folder that the web build leaves."""
    router = APIRouter(include_in_schema=False)

    async def page() -> Response:
        index = static / "index.html"
        if not index.exists():
            return HTMLResponse(_NOT_BUILT, 503)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    for path in VIEWS:
        router.add_api_route(path, page, methods=["GET"])
    app.include_router(router)
    assets = static / "assets"
    if assets.is_dir():
        app.mount("/assets", _Immutable(directory=assets), name="assets")


def sandbox_page(static: Path) -> Response:
    page = static / "sandbox.html"
    return FileResponse(page, headers={"Cache-Control": "no-cache"}) if page.exists() else HTMLResponse(_NOT_BUILT, 503)


class _Immutable(StaticFiles):
    """Built files carry a hash of their content in their name."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
