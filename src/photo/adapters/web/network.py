"""Connections to addresses that were checked, and streams that are mostly content."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from photo.adapters.web.resolver import Resolver
from photo.domain.addresses import Address, WebPolicy
from photo.domain.errors import UrlRefused, UrlUnreachable

#: What may come besides content: headers, what is read ahead, a third of the rest.
_OVERHEAD_BYTES = 96 << 10
_OVERHEAD_RATIO = 0.5

_NO_SUCH_HOST = {socket.EAI_NONAME, socket.EAI_NODATA}


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a name up once, checks every address of it, and connects to one of these.

    One address that is not allowed condemns the name: who mixes them means no good.
    """

    def __init__(self, policy: WebPolicy, resolve: Resolver) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tcp = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 # httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 # likewise
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._look_up(host, timeout)
        for address in addresses:
            self._policy.check_address(address, port=port)
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._connect(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _look_up(self, host: str, within: float | None) -> Sequence[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(within):
                return await self._resolve(host)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except socket.gaierror as error:
            raise UrlUnreachable(
                "The host of the URL cannot be found. Check the URL.",
                reason="dns",
                retryable=error.errno not in _NO_SUCH_HOST,
            ) from error

    async def _connect(
        self, address: Address, port: int, within: float | None
    ) -> "MeteredStream":
        stream = await self._tcp.connect_tcp(str(address), port, timeout=within)
        peer = stream.get_extra_info("server_addr")
        if peer is None:
            await stream.aclose()
            raise httpcore.ConnectError("gone at once")
        if ip_address(peer[0]) != address:
            await stream.aclose()
            raise UrlRefused("The URL leads to an address of another host.")
        return MeteredStream(stream)


class MeteredStream(httpcore.AsyncNetworkStream):
    """A stream that fails when little of what comes is content.

    Endless headers, interim answers and crumbs of chunks cost more to read than to
    send, and no limit on the content ends them. Whoever takes content says so.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._allowance = float(_OVERHEAD_BYTES)

    def content(self, size: int) -> None:
        self._allowance += size * (1 + _OVERHEAD_RATIO)

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's signature
    ) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._allowance -= len(data)
        if self._allowance < 0:
            raise httpcore.RemoteProtocolError("little content")
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's signature
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's signature
    ) -> "MeteredStream":
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self.aclose()  # httpcore closes it after errors only
            raise
        return MeteredStream(stream)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
