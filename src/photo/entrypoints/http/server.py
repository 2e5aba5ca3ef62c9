"""The server of the HTTP application: how much it takes on, and how it stops."""

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from photo import __version__
from photo.application.draining import Draining
from photo.entrypoints.http.protocol import GuardedProtocol

log = structlog.get_logger(__name__)

_LAME_DUCK_SECONDS = 1
#: Of what has not been answered when nothing new is taken any more.
_REQUEST_SECONDS = 2
# What was sent before the client could know arrives in this time.
_LAST_CALL_SECONDS = 0.1
# Longer than clients and load balancers keep idle connections: whoever closes first
# may cut off a request that the other is just sending.
_KEEP_ALIVE_SECONDS = 75
_MOST_CONNECTIONS = 10_000
# Of a socket the loop takes one new connection a turn, however many wait and however
# long its turns are (libuv/libuv#3696): each is listened on so many times.
_LISTENERS = 8
# uvicorn's.
_TICKS_A_SECOND = 10


def most_connections() -> int:
    """As many as the process may have open, leaving room for what it opens itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, files * 3 // 4)


class Server(uvicorn.Server):
    """Serves until draining begins, then for a while more, and ends without haste.

    Load balancers need that while to learn of it, and clients to be told with an
    answer that it is the last on its connection.

    Ten times a second it tells how many seconds late it is: all requests are as late.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        draining: Draining,
        on_lateness: Callable[[float], None] = lambda _: None,
        host: str = "127.0.0.1",
        port: int = 0,
        protocol: type[GuardedProtocol] = GuardedProtocol,
        connections: int | None = None,
    ) -> None:
        self._draining = draining
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
                timeout_graceful_shutdown=_REQUEST_SECONDS,
            )
        )

    async def on_tick(self, counter: int) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._on_lateness(now - self._due)
        if counter % _TICKS_A_SECOND == 0:
            for connection in self._guarded():
                connection.enforce(now)
        stop = await super().on_tick(counter)
        self._due = loop.time() + 1 / _TICKS_A_SECOND
        return stop or self._draining.begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._listen_more()
            port = self.servers[0].sockets[0].getsockname()[1]
            log.info("api_started", version=__version__, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._draining.begin()
        self._announce_the_end()
        await self.linger()
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LAST_CALL_SECONDS)
        await super().shutdown(sockets)

    async def linger(self) -> None:
        """As a lame duck: it still takes what comes."""
        await asyncio.sleep(_LAME_DUCK_SECONDS)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's business."""
        yield

    async def _listen_more(self) -> None:
        loop = asyncio.get_running_loop()
        for bound in [each for server in self.servers for each in server.sockets]:
            for _ in range(_LISTENERS - 1):
                again = socket.socket(fileno=os.dup(bound.fileno()))
                listener = await loop.create_server(
                    self._connection, sock=again, backlog=self.config.backlog
                )
                self.servers.append(listener)

    def _connection(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return protocol

    def _announce_the_end(self) -> None:
        """Have every answer from here on be the last on its connection."""
        self.server_state.default_headers.append(CLOSE_HEADER)
        for connection in self._guarded():
            connection.finish()

    def _guarded(self) -> list[GuardedProtocol]:
        connections = self.server_state.connections
        return [each for each in connections if isinstance(each, GuardedProtocol)]
