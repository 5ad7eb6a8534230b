"""The routes /openapi.json and /docs. They need no credentials: they tell what the source code tells, and nothing of
what is stored; whoever writes a client needs them before they have a key."""

from importlib.util import find_spec
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from web.services import services_of

KEPT = "public, max-age=0, must-revalidate"
"""A browser may keep the document, and asks each time whether it still holds."""
OWN = Path(__file__).parent / "page"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page runs scripts of this server only, and calls it only. Swagger UI draws with inline styles."""
PAGE_FILES = ("start.js",)
VIEWER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")


async def openapi_document(request: Request) -> Response:
    """GET /openapi.json: this document."""
    description = services_of(request).description
    etag = await run_in_threadpool(lambda: description.etag)
    headers = {"ETag": etag, "Cache-Control": KEPT}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(description.encoded, headers=headers, media_type="application/json")


async def docs_page(request: Request) -> Response:
    """GET /docs: a page that shows the document, and calls the routes with your API key. It loads nothing from
    elsewhere."""
    return HTMLResponse((OWN / "docs.html").read_bytes(), headers={"Content-Security-Policy": POLICY})


async def docs_file(request: Request) -> Response:
    """GET /docs/{file}: a part of that page."""
    name = request.path_params["file"]
    folder = OWN if name in PAGE_FILES else viewer_folder() if name in VIEWER_FILES else None
    if folder is None:
        raise HTTPException(404, "Not Found")
    return FileResponse(folder / name, headers={"Cache-Control": KEPT})


def viewer_folder() -> Path:
    """Where Swagger UI is installed. Its package is not imported: that would load a web framework for two files."""
    found = find_spec("fastapi_swagger")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "resources"
