import socket

import pytest

from photo.adapters.web.resolver import SystemResolver


async def test_a_name_of_this_machine_has_loopback_addresses() -> None:
    found = await SystemResolver()("localhost")
    assert found
    assert all(address.is_loopback for address in found)


async def test_a_name_that_cannot_be_is_not_found() -> None:
    with pytest.raises(socket.gaierror):
        await SystemResolver()("nothing.invalid")
