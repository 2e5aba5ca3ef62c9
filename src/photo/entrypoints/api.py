"""The process that serves the HTTP API."""

import sys
from contextlib import nullcontext

from dishka import AsyncContainer, Provider

from photo import __version__
from photo.adapters.metrics.exposition import Exposition
from photo.adapters.metrics.http import RequestMetrics
from photo.application.admission import AdmitJob
from photo.application.authentication import Authenticate
from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.application.limits import ChargeCaller
from photo.application.ports import JobFeed, Measures, ObjectLinks
from photo.application.tenancy import NOBODY
from photo.entrypoints.http.app import HttpConfig, create_app, operations
from photo.entrypoints.http.edge import untraced
from photo.entrypoints.http.server import Server
from photo.entrypoints.live import live_container
from photo.entrypoints.metrics_server import serving_metrics
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import keep_for_good
from photo.entrypoints.stopping import closing, told_to_stop
from photo.entrypoints.traced import Tracing, traced
from photo.entrypoints.waiting import refuse_role_above_policies, refuse_unsafe_buckets
from photo.entrypoints.watching import watching

#: What the first request that needs it would wait for; and what is counted, from zero.
_NEEDED = (
    CheckHealth,
    JobFeed,
    ObjectLinks,
    Authenticate,
    ChargeCaller,
    Measures,
    RequestMetrics,
)


async def serve_api(settings: Settings, *overrides: Provider) -> None:
    """Until SIGTERM or Ctrl-C."""
    with traced(settings, service="photo-api") as tracing:
        await _serve(settings, tracing, *overrides)


async def _serve(settings: Settings, tracing: Tracing, *overrides: Provider) -> None:
    async with closing(
        live_container(settings, *tracing.providers, *overrides, acts_for=NOBODY)
    ) as container:
        draining = await container.get(Draining)
        with (
            told_to_stop(draining.begin),
            serving_metrics(await container.get(Exposition), settings),
        ):
            server = await draining.cut_short(_server(container, settings, tracing))
            if server is None:
                return
            watched = settings.metrics_port is not None or _shows_metrics(settings)
            async with watching(container) if watched else nullcontext():
                await server.serve()
    if not server.started:
        sys.exit(1)


async def _server(
    container: AsyncContainer, settings: Settings, tracing: Tracing
) -> Server:
    """With all that it needs, as soon as that may be used."""
    await refuse_unsafe_buckets(container, settings)
    await refuse_role_above_policies(container, settings)
    # The first client of S3 blocks the loop: better now than under a request.
    for dependency in _NEEDED:
        await container.get(dependency)
    app = create_app(
        container,
        HttpConfig(
            cors_origins=settings.cors_origins,
            allowed_hosts=settings.allowed_hosts,
            debug=settings.debug,
            https_only=settings.environment == "production",
            issuer=settings.oidc_issuer,
            proxies=settings.proxy_networks,
            trace=tracing.requests or untraced,
            show_metrics=_shows_metrics(settings),
            version=__version__,
        ),
    )
    (await container.get(RequestMetrics)).expect(operations(app))
    # So would the documentation.
    app.openapi_schema.to_schema()
    admit = await container.get(AdmitJob)
    keep_for_good()
    return Server(
        app,
        draining=await container.get(Draining),
        on_lateness=admit.note_lateness,
        host=settings.host,
        port=settings.port,
    )


def _shows_metrics(settings: Settings) -> bool:
    """On the port of the API: anyone can reach that."""
    return settings.environment != "production"
