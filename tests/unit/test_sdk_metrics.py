"""Where Temporal's SDK shows what it counts, though others take ports as well."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from photo.adapters.temporal.runtime import shared_runtime, show_metrics
from photo.domain.errors import Unavailable
from photo.entrypoints.local.ports import choose_ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_they_are_shown_where_it_says_and_the_runtime_is_used_again() -> None:
    address = show_metrics()
    assert httpx.get(f"http://{address}/metrics", timeout=60).is_success
    assert shared_runtime(address) is shared_runtime(address)


def test_a_port_that_was_taken_meanwhile_is_left_to_whoever_took_it(
    taken: int,
) -> None:
    free = choose_ports(["sdk"])["sdk"]
    ports = iter([taken, taken, free])
    assert show_metrics(lambda: next(ports)) == f"127.0.0.1:{free}"


def test_where_every_port_is_taken_it_gives_up_with_a_sentence(taken: int) -> None:
    with pytest.raises(Unavailable, match="no free port"):
        show_metrics(lambda: taken)
