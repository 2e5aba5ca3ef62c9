"""The page that explains the API, and its files: nothing comes from elsewhere."""

from litestar import MediaType, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import File, Response
from swagger_ui_bundle import swagger_ui_path

from photo.entrypoints.http import error_pages

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Photo API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null
});
"""
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


@get("/", media_type=MediaType.HTML)
async def page() -> Response[str]:
    return Response(
        _PAGE, headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    )


@get("/start.js", media_type="text/javascript")
async def start() -> str:
    return _START


@get("/errors", media_type=MediaType.HTML)
async def errors() -> Response[str]:
    return Response(
        error_pages.as_html(),
        headers={"Content-Security-Policy": error_pages.CONTENT_SECURITY_POLICY},
    )


@get("/{name:str}")
async def file(name: FromPath[str]) -> File:
    if name not in _FILES:
        raise NotFoundException
    return File(
        swagger_ui_path / name,
        media_type=_FILES[name],
        content_disposition_type="inline",
        headers={"Cache-Control": "public, max-age=86400"},
    )


router = Router(
    "/docs", route_handlers=[page, start, errors, file], include_in_schema=False
)
