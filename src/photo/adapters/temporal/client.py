"""The way to a Temporal server."""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import cache

import structlog
from temporalio.client import Client, TLSConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from photo.adapters.temporal.converter import STRICT

log = structlog.get_logger(__name__)

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalServer:
    """Where it is, and how to be let in: by API key, by client certificate, or not."""

    target: str
    namespace: str = "default"
    api_key: str | None = field(default=None, repr=False)
    #: PEM.
    tls_cert: bytes | None = None
    tls_key: bytes | None = field(default=None, repr=False)

    async def client(self) -> Client:
        """A client that connects at its first call: it can be had while all is down."""
        return await self._connect(lazy=True)

    async def connected(self) -> Client:
        """A client for a worker: waits for the server as long as it takes."""
        delay = _FIRST_DELAY_SECONDS
        while True:
            try:
                return await self._connect(lazy=False)
            except RuntimeError as error:
                log.warning(
                    "temporal_unreachable",
                    target=self.target,
                    reason=str(error),
                    retry_in_seconds=delay,
                )
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_SECONDS)

    async def _connect(self, *, lazy: bool) -> Client:
        return await Client.connect(
            self.target,
            namespace=self.namespace,
            api_key=self.api_key,
            tls=self._tls(),
            data_converter=STRICT,
            lazy=lazy,
            runtime=_runtime(),
        )

    def _tls(self) -> TLSConfig | None:
        if self.tls_cert is None:
            return None
        return TLSConfig(client_cert=self.tls_cert, client_private_key=self.tls_key)


@cache
def _runtime() -> Runtime:
    """The SDK's engine room, one a process; it would write to stderr by itself."""
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logging.getLogger("temporalio.core")),
            )
        )
    )
