import asyncio
import socket
from threading import Barrier, Event
from typing import Any

import pytest

from photo.adapters.web.resolver import SystemResolver


async def test_a_name_of_this_machine_has_loopback_addresses() -> None:
    found = await SystemResolver()("localhost")
    assert found
    assert all(address.is_loopback for address in found)


async def test_a_name_that_cannot_be_is_not_found() -> None:
    with pytest.raises(socket.gaierror):
        await SystemResolver()("nothing.invalid")


async def test_lookups_that_hang_keep_no_other_from_being_answered() -> None:
    all_hang, let_go = Barrier(21), Event()

    def look_up(host: str, *args: Any, **options: Any) -> list[Any]:
        if host == "silent.example":
            all_hang.wait()
            let_go.wait()
        return socket.getaddrinfo("127.0.0.1", *args, **options)

    resolve = SystemResolver(look_up)
    hanging = [asyncio.create_task(resolve("silent.example")) for _ in range(20)]
    try:
        await asyncio.to_thread(all_hang.wait, 60)
        async with asyncio.timeout(60):
            assert await resolve("a.example")
        assert not any(task.done() for task in hanging)
    finally:
        let_go.set()
    assert all(await asyncio.gather(*hanging))
