"""A TCP proxy on loopback that breaks the way to one dependency, at the word."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from typing import Self

from drill.shapes import Deed

_HOST = "127.0.0.1"
_CHUNK = 64 * 1024
#: Chunks of one direction that are under way at most, of a way that is slow.
_UNDER_WAY = 256
_DELAY_SECONDS = 2.0
_DRIP_SECONDS = 1.0
_RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Stands in front of `host:port` while its context is open.

    What a black hole or a half-open way withheld is delivered once the way is free:
    as a network does, and long after whoever sent it may have given up.
    """

    def __init__(self, host: str, port: int, *, deed: Deed | None = None) -> None:
        self._target = (host, port)
        #: Taken so far.
        self.connections = 0
        self._deed = deed
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()
        self._open: set[StreamWriter] = set()
        # Never listens: it holds the port while connections are to be refused.
        self._place = socket.socket()

    async def __aenter__(self) -> Self:
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind((_HOST, 0))
        self.port: int = self._place.getsockname()[1]
        await self.set(self._deed)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.set(Deed.CUT)
        self._place.close()

    async def set(self, deed: Deed | None) -> None:
        """From now on, on open connections too. None: all passes."""
        self._deed = deed
        self._changed.set()
        self._changed = asyncio.Event()
        if deed is Deed.CUT:
            await self._cut()
        elif self._server is None:
            self._server = await asyncio.start_server(
                self._accept, _HOST, self.port, reuse_port=True
            )

    async def _cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            _reset(writer)
        ways = tuple(self._ways)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        way = asyncio.current_task()
        assert way  # noqa: S101 # for the type checker: a handler is a task
        self._ways.add(way)
        self._open.add(writer)
        try:
            await self._join(reader, writer)
        except asyncio.CancelledError:
            pass  # cut: to the event loop that is no error
        except OSError:
            _reset(writer)
        finally:
            self._open.discard(writer)
            self._ways.discard(way)
            writer.close()

    async def _join(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._while(Deed.BLACKHOLE)
        there = await asyncio.open_connection(*self._target)
        self._open.add(there[1])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, there[1], answers=False))
                group.create_task(self._pass(there[0], writer, answers=True))
        except* OSError:
            _reset(writer)
            _reset(there[1])
        finally:
            self._open.discard(there[1])
            there[1].close()

    async def _pass(
        self, reader: StreamReader, writer: StreamWriter, *, answers: bool
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(reader, under_way))
            group.create_task(self._deliver(under_way, writer, answers=answers))

    async def _take(
        self, reader: StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        loop = asyncio.get_running_loop()
        data = b"to be read"
        while data:
            data = await reader.read(_CHUNK)
            late = _DELAY_SECONDS if self._deed is Deed.DELAY else 0.0
            await under_way.put((loop.time() + late, data))

    async def _deliver(
        self,
        under_way: asyncio.Queue[tuple[float, bytes]],
        writer: StreamWriter,
        *,
        answers: bool,
    ) -> None:
        held = (Deed.BLACKHOLE, Deed.HALF_OPEN) if answers else (Deed.BLACKHOLE,)
        loop = asyncio.get_running_loop()
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            await self._while(*held)
            if not data:
                break
            while answers and self._deed is Deed.DRIP and data:
                writer.write(data[:1])
                await writer.drain()
                data = data[1:]
                await self._change(within=_DRIP_SECONDS)
            await self._while(*held)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def _while(self, *deeds: Deed) -> None:
        while self._deed in deeds:
            await self._changed.wait()

    async def _change(self, *, within: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), within)


def _reset(writer: StreamWriter) -> None:
    """Close at once, with RST."""
    with suppress(OSError):
        peer = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
