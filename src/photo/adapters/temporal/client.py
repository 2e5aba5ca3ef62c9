"""The way to a Temporal server."""

import logging
from dataclasses import dataclass, field
from functools import cache

from temporalio.client import Client, KeepAliveConfig, TLSConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from photo.adapters.temporal.calls import translated
from photo.adapters.temporal.converter import STRICT

#: A server that does not answer pings for 20 seconds is connected to anew. It bears
#: one in 10 seconds.
_KEEP_ALIVE = KeepAliveConfig(interval_millis=15_000, timeout_millis=5_000)


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
        """A client that has reached the server, as a worker needs it.

        Raises `Unavailable`.
        """
        async with translated():
            return await self._connect(lazy=False)

    async def _connect(self, *, lazy: bool) -> Client:
        return await Client.connect(
            self.target,
            namespace=self.namespace,
            api_key=self.api_key,
            tls=self._tls(),
            data_converter=STRICT,
            lazy=lazy,
            keep_alive_config=_KEEP_ALIVE,
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
