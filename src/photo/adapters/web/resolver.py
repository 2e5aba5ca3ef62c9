"""Names to addresses, as the system knows them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

from photo.domain.addresses import Address

#: All addresses of a name. Raises `socket.gaierror` as `socket.getaddrinfo` does.
Resolver = Callable[[str], Awaitable[Sequence[Address]]]

#: Called as `socket.getaddrinfo`.
LookUp = Callable[..., list[Any]]

#: Started only when needed.
_THREADS = 64


class SystemResolver:
    """Has threads of its own.

    A lookup cannot be stopped: cancelled or not, it keeps its thread until the system
    gives up. Others are answered as long as there are threads left.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str) -> Sequence[Address]:
        look_up = partial(self._look_up, host, None, type=socket.SOCK_STREAM)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, look_up)
        return [ip_address(address[0]) for *_, address in found]
