"""The server of the HTTP application: how much it takes on, and how it stops."""

import asyncio
import resource
import socket
from collections.abc import Callable

import uvicorn
from litestar.types import ASGIApp

from photo.entrypoints.http.protocol import GuardedProtocol

_DRAIN_SECONDS = 5
# Longer than clients and load balancers keep idle connections: whoever closes first
# may cut off a request that the other is just sending.
_KEEP_ALIVE_SECONDS = 75
_MOST_CONNECTIONS = 10_000
# uvicorn's.
_TICKS_A_SECOND = 10


def most_connections() -> int:
    """As many as the process may have open, leaving room for what it opens itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, files * 3 // 4)


class Server(uvicorn.Server):
    """Calls `on_stop` as soon as it is told to stop, before it waits for requests.

    Ten times a second it tells how many seconds late it is: all requests are as late.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_stop: Callable[[], None],
        on_lateness: Callable[[float], None] = lambda _: None,
        host: str = "127.0.0.1",
        port: int = 0,
        protocol: type[GuardedProtocol] = GuardedProtocol,
        connections: int | None = None,
    ) -> None:
        self._on_stop = on_stop
        self._on_lateness = on_lateness
        self._due = float("inf")
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=protocol,
                ws="none",
                loop="none",
                log_config=None,
                # Whatever clients may cause has its own line.
                log_level="error",
                access_log=False,
                server_header=False,
                # It would believe any process on this machine.
                proxy_headers=False,
                limit_concurrency=connections or most_connections(),
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )

    async def on_tick(self, counter: int) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._on_lateness(now - self._due)
        if counter % _TICKS_A_SECOND == 0:
            for connection in [*self.server_state.connections]:
                if isinstance(connection, GuardedProtocol):
                    connection.enforce(now)
        stop = await super().on_tick(counter)
        self._due = loop.time() + 1 / _TICKS_A_SECOND
        return stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)
