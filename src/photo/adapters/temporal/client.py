"""The way to a Temporal server."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from temporalio.client import Client, Interceptor, KeepAliveConfig, TLSConfig

from photo.adapters.temporal.calls import translated
from photo.adapters.temporal.context import ContextInterceptor
from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.runtime import shared_runtime

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
    #: Where the SDK shows what it counts, as host:port; without it nowhere.
    metrics_address: str | None = None
    #: Around every call, and around all that workers do.
    interceptors: Sequence[Interceptor] = ()

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
            interceptors=[*self.interceptors, ContextInterceptor()],
            lazy=lazy,
            keep_alive_config=_KEEP_ALIVE,
            runtime=shared_runtime(self.metrics_address),
        )

    def _tls(self) -> TLSConfig | None:
        if self.tls_cert is None:
            return None
        return TLSConfig(client_cert=self.tls_cert, client_private_key=self.tls_key)
