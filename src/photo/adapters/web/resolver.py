"""Names to addresses, as the system knows them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from photo.domain.addresses import Address

#: All addresses of a name. Raises `socket.gaierror` as `socket.getaddrinfo` does.
Resolver = Callable[[str], Awaitable[Sequence[Address]]]

_THREADS = 8


class SystemResolver:
    """Has threads of its own: a name server that is slow on purpose blocks no others.

    A lookup cannot be stopped, so a cancelled one keeps its thread for a while.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str) -> Sequence[Address]:
        look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, look_up)
        return [ip_address(address[0]) for *_, address in found]
