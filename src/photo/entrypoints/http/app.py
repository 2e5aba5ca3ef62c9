"""The HTTP application."""

from dataclasses import dataclass

from dishka import AsyncContainer
from dishka.integrations.litestar import setup_dishka
from litestar import Litestar, Router
from litestar.config.cors import CORSConfig

from photo.entrypoints.http import docs, jobs, read, uploads
from photo.entrypoints.http.edge import Edge
from photo.entrypoints.http.handlers import HANDLERS
from photo.entrypoints.http.health import health_router
from photo.entrypoints.http.openapi import openapi_config
from photo.entrypoints.http.request import (
    ApiRequest,
    authorize,
    refuse_unknown_parameters,
)

#: Twenty metadata entries of the longest kind, escaped, and room to spare.
_MAX_JSON_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    version: str
    debug: bool = False
    #: Origins whose pages may call the API; none if empty.
    cors_origins: tuple[str, ...] = ()
    #: Names that the service answers to, without ports; all if empty.
    allowed_hosts: tuple[str, ...] = ()


def create_app(container: AsyncContainer, config: HttpConfig) -> Litestar:
    """The application; it closes the container when it shuts down."""
    v1 = Router(
        "/v1",
        route_handlers=[uploads.router, jobs.router, read.router],
        guards=[authorize, refuse_unknown_parameters],
        request_class=ApiRequest,
        request_max_body_size=_MAX_JSON_BYTES,
    )
    app = Litestar(
        [health_router(config.version), docs.router, v1],
        cors_config=_cors(config.cors_origins),
        debug=config.debug,
        exception_handlers=HANDLERS,
        logging_config=None,
        on_shutdown=[container.close],
        openapi_config=openapi_config(config.version),
    )
    setup_dishka(container, app)
    app.asgi_handler = Edge(app.asgi_handler, allowed_hosts=config.allowed_hosts)
    return app


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=[*origins],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
        expose_headers=["Content-Location", "Location", "Retry-After", "X-Request-Id"],
    )
