"""Which metrics stand behind which port, and what they look at."""

from cryptography import x509
from dishka import Provider, Scope, decorate, provide
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.imaging import ImagingPool
from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.measures import PrometheusMeasures
from photo.adapters.metrics.repairs import PrometheusRepairLog
from photo.adapters.postgres import database, reading
from photo.adapters.postgres.reading import Reader
from photo.adapters.temporal.runtime import show_metrics
from photo.application.ports import Measures, RepairLog
from photo.entrypoints.registry import SdkAddress
from photo.entrypoints.settings import Settings


class Metrics(Provider):
    """Pools are watched from when there are any."""

    scope = Scope.APP

    measures = provide(PrometheusMeasures, provides=Measures)
    repairs = provide(PrometheusRepairLog, provides=RepairLog)

    @provide
    def sdk(self, settings: Settings) -> SdkAddress:
        """Only where there are metrics at all: it takes a port of its own."""
        return SdkAddress(show_metrics() if settings.metrics_port is not None else "")

    @decorate
    def process(self, process: ProcessMetrics, settings: Settings) -> ProcessMetrics:
        if settings.temporal_tls_cert:
            pem = settings.temporal_tls_cert.encode()
            certificate = x509.load_pem_x509_certificate(pem)
            process.ends("temporal_client", certificate.not_valid_after_utc)
        return process

    @decorate
    def engine(self, engine: AsyncEngine, process: ProcessMetrics) -> AsyncEngine:
        process.watch_connections(
            "transactions", database.CONNECTIONS, lambda: database.census(engine)
        )
        return engine

    @decorate
    def reader(self, reader: Reader, process: ProcessMetrics) -> Reader:
        process.watch_connections("reads", reading.CONNECTIONS, reader.census)
        return reader

    @decorate
    def pool(self, pool: ImagingPool, process: ProcessMetrics) -> ImagingPool:
        process.watch_imaging(pool.census)
        return pool
