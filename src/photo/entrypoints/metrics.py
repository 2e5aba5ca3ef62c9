"""What the process counts, and where it is read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from dishka import Provider, Scope, provide
from prometheus_client import CollectorRegistry, start_http_server

from photo.adapters.metrics.repairs import PrometheusRepairLog
from photo.application.ports import RepairLog
from photo.entrypoints.settings import Settings

log = structlog.get_logger(__name__)


class Metrics(Provider):
    scope = Scope.APP

    repairs = provide(PrometheusRepairLog, provides=RepairLog)

    @provide
    def registry(self) -> CollectorRegistry:
        return CollectorRegistry()


@contextmanager
def serving_metrics(registry: CollectorRegistry, settings: Settings) -> Iterator[None]:
    """Answer Prometheus on a port of its own, if there is to be one."""
    if settings.metrics_port is None:
        yield
        return
    try:
        server, thread = start_http_server(
            settings.metrics_port, addr=settings.host, registry=registry
        )
    except OSError as error:
        log.error("metrics_port_unusable", reason=error.strerror)  # noqa: TRY400 # the reason says it all
        sys.exit(1)
    log.info("metrics_served", host=settings.host, port=server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
