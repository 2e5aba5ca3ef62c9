"""The process that serves the HTTP API."""

import sys

from dishka import AsyncContainer, Provider

from photo import __version__
from photo.application.admission import AdmitJob
from photo.application.authentication import Authenticate
from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.application.limits import ChargeCaller
from photo.application.ports import JobFeed, ObjectLinks
from photo.application.tenancy import NOBODY
from photo.entrypoints.http.app import HttpConfig, create_app
from photo.entrypoints.http.server import Server
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.stopping import closing, told_to_stop
from photo.entrypoints.waiting import refuse_public_buckets, refuse_role_above_policies


async def serve_api(settings: Settings, *overrides: Provider) -> None:
    """Until SIGTERM or Ctrl-C."""
    async with closing(
        live_container(settings, *overrides, acts_for=NOBODY)
    ) as container:
        draining = await container.get(Draining)
        with told_to_stop(draining.begin):
            server = await draining.cut_short(_server(container, settings))
            if server is None:
                return
            await server.serve()
    if not server.started:
        sys.exit(1)


async def _server(container: AsyncContainer, settings: Settings) -> Server:
    """With all that it needs, as soon as that may be used."""
    await refuse_public_buckets(container, settings)
    await refuse_role_above_policies(container, settings)
    # The first client of S3 blocks the loop: better now than under a request.
    for dependency in (CheckHealth, JobFeed, ObjectLinks, Authenticate, ChargeCaller):
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
            version=__version__,
        ),
    )
    # So would the documentation.
    app.openapi_schema.to_schema()
    admit = await container.get(AdmitJob)
    return Server(
        app,
        draining=await container.get(Draining),
        on_lateness=admit.note_lateness,
        host=settings.host,
        port=settings.port,
    )
