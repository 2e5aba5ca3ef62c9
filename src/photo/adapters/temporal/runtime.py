"""The engine room of Temporal's SDK: its threads, its log, and what it counts."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from photo.domain.errors import Unavailable

_HOST = "127.0.0.1"
_PORTS_TRIED = 10


@cache
def shared_runtime(metrics_address: str | None = None) -> Runtime:
    """One a process. It would write to stderr by itself.

    Raises `ValueError` if the address is taken.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=_metrics(metrics_address),
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logging.getLogger("temporalio.core")),
            ),
        )
    )


def _metrics(address: str | None) -> PrometheusConfig | None:
    """Named and measured as Prometheus has it: `…_total`, `…_seconds`."""
    if address is None:
        return None
    return PrometheusConfig(
        address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port


def show_metrics(free_port: Callable[[], int] = _free_port) -> str:
    """Where the runtime of that address shows what it counts from now on: host:port.

    The SDK would not tell which port it took by itself. One that was free a moment ago
    may be another process's by now; then another is tried.
    """
    for _ in range(_PORTS_TRIED):
        address = f"{_HOST}:{free_port()}"
        with suppress(ValueError):
            shared_runtime(address)
            return address
    raise Unavailable("There is no free port for the metrics of Temporal's SDK.")
