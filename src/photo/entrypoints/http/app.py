"""The HTTP application."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from dishka import AsyncContainer
from litestar import Litestar, Router
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from photo.entrypoints.http import (
    audit,
    docs,
    jobs,
    keys,
    metrics,
    read,
    search,
    uploads,
    usage,
    webhooks,
)
from photo.entrypoints.http.cors import Cors
from photo.entrypoints.http.edge import Edge, Trace, untraced
from photo.entrypoints.http.gate import Gate, enter
from photo.entrypoints.http.handlers import HANDLERS
from photo.entrypoints.http.health import health_router
from photo.entrypoints.http.hosts import Hosts
from photo.entrypoints.http.openapi import openapi_config
from photo.entrypoints.http.proxies import Proxies
from photo.entrypoints.http.request import ApiRequest

#: Twenty metadata entries of the longest kind, escaped, and room to spare.
_MAX_JSON_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    version: str
    debug: bool = False
    #: Origins whose pages may call the API; none if empty, all if `*`.
    cors_origins: tuple[str, ...] = ()
    #: Names that the service answers to, with a port or on any; all if empty.
    allowed_hosts: tuple[str, ...] = ()
    #: Networks of proxies whose word is taken on who is calling, and how.
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    #: Refuse what came over plain http.
    https_only: bool = False
    #: The identity provider whose tokens are taken, if there is one.
    issuer: str | None = None
    #: Show to anyone what the process counts.
    show_metrics: bool = False
    #: Around every request but probes.
    trace: Trace = untraced


def create_app(container: AsyncContainer, config: HttpConfig) -> Litestar:
    """The application. Whoever made the container closes it."""
    v1 = Router(
        "/v1",
        route_handlers=[
            uploads.router,
            jobs.router,
            read.router,
            search.router,
            keys.router,
            usage.router,
            audit.router,
            webhooks.router,
        ],
        before_request=enter,
        request_class=ApiRequest,
        request_max_body_size=_MAX_JSON_BYTES,
    )
    shown = [metrics.router] if config.show_metrics else []
    app = Litestar(
        [health_router(config.version), docs.router, v1, *shown],
        debug=config.debug,
        exception_handlers=HANDLERS,
        logging_config=None,
        openapi_config=openapi_config(config.version, issuer=config.issuer),
    )
    app.state.gate = Gate(container)
    app.state.dishka_container = container
    app.asgi_handler = Edge(
        _with_container(container, app.asgi_handler),
        hosts=Hosts(config.allowed_hosts),
        cors=Cors(config.cors_origins),
        proxies=Proxies(config.proxies),
        https_only=config.https_only,
        container=container,
        trace=config.trace,
    )
    return app


def operations(app: Litestar) -> Iterator[tuple[str, str]]:
    """Methods, each with the template of a path."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method in sorted({*route.methods} - {HttpMethod.OPTIONS}):
                yield str(method), route.path_format


def _with_container(container: AsyncContainer, app: ASGIApp) -> ASGIApp:
    """Let handlers find the container itself: nothing here lives for one request.

    dishka's own middleware makes a container for every request.
    """

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["dishka_container"] = container
        await app(scope, receive, send)

    return middleware
