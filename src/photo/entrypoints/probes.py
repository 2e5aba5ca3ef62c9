"""What a worker answers on its METRICS_PORT to those who ask how it is."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import replace
from http import HTTPStatus

import msgspec
from dishka import Provider, Scope, decorate, provide

from photo import __version__
from photo.adapters.temporal.polling import Polling
from photo.application.health import CheckHealth
from photo.entrypoints.http.views import Liveness, Readiness
from photo.entrypoints.metrics_server import Page, Pages
from photo.entrypoints.readiness import AskReadiness, status_of

#: Dependencies have two seconds to answer in.
_PATIENCE_SECONDS = 3.0

_JSON = "application/json"
_STUCK = Page(b'{"status":"failing"}', _JSON, HTTPStatus.SERVICE_UNAVAILABLE)


class Probes(Provider):
    """To be ready a worker must ask for work, too."""

    scope = Scope.APP

    polling = provide(Polling)

    @decorate
    def health(self, health: CheckHealth, polling: Polling) -> CheckHealth:
        return replace(health, checks={**health.checks, "polling": polling})


def probe_pages(
    ask_readiness: AskReadiness, *, patience_seconds: float = _PATIENCE_SECONDS
) -> Pages:
    """For a server in other threads. To be called in the event loop.

    All is answered in the loop: if that hangs, the process is neither ready nor alive.
    """
    loop = asyncio.get_running_loop()

    def page(answer: Callable[[], Coroutine[None, None, Page]]) -> Callable[[], Page]:
        def ask() -> Page:
            answering = asyncio.run_coroutine_threadsafe(answer(), loop)
            try:
                return answering.result(patience_seconds)
            except (TimeoutError, CancelledError):
                answering.cancel()
                return _STUCK

        return ask

    async def healthz() -> Page:
        return _page(Liveness("ok", __version__), HTTPStatus.OK)

    async def readyz() -> Page:
        readiness = await ask_readiness()
        return _page(readiness, status_of(readiness))

    return {"/healthz": page(healthz), "/readyz": page(readyz)}


def _page(said: Liveness | Readiness, status: HTTPStatus) -> Page:
    return Page(msgspec.json.encode(said), _JSON, status)
