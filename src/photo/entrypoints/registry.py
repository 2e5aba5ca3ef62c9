"""What every process counts, wherever its photos and rows are."""

from typing import NewType

from dishka import Provider, Scope, provide, provide_all
from prometheus_client import CollectorRegistry, Gauge, GCCollector, ProcessCollector

from photo import __version__
from photo.adapters.metrics.exposition import Exposition
from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.http import RequestMetrics
from photo.adapters.metrics.snapshot import SnapshotMetrics
from photo.adapters.metrics.telemetry import LOST

#: Where Temporal's SDK shows what it counts, as host:port; empty if nowhere.
SdkAddress = NewType("SdkAddress", str)


class Registry(Provider):
    scope = Scope.APP

    metrics = provide_all(ProcessMetrics, RequestMetrics, SnapshotMetrics)

    @provide
    def registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        build = Gauge(
            "photo_build_info",
            "Always 1: what is running.",
            ["version"],
            registry=registry,
        )
        build.labels(__version__).set(1)
        registry.register(LOST)
        return registry

    @provide
    def sdk(self) -> SdkAddress:
        return SdkAddress("")

    @provide
    def exposition(self, registry: CollectorRegistry, sdk: SdkAddress) -> Exposition:
        return Exposition(registry, sdk)
