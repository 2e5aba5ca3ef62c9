"""Ports on the loopback interface."""

import asyncio
import random
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from photo.entrypoints.local.errors import StackError

HOST = "127.0.0.1"
LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LINGER_SECONDS = 3.0


def choose_ports(
    names: Iterable[str], *, besides: Collection[int] = ()
) -> dict[str, int]:
    """A free port for each name, below those that the system hands out itself."""
    candidates = [*{*range(LOWEST, _first_ephemeral())}.difference(besides)]
    random.shuffle(candidates)
    free = (port for port in candidates if is_free(port))
    return {name: next(free) for name in names}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


async def claim(ports: Mapping[str, int], *, advice: str) -> None:
    """Raises for the first port that is not free and does not become so at once."""
    for name, port in ports.items():
        deadline = asyncio.get_running_loop().time() + LINGER_SECONDS
        while not is_free(port):
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"Port {port}, wanted for {name}, is taken. {advice}")
            await asyncio.sleep(0.1)


def _first_ephemeral() -> int:
    if not EPHEMERAL.exists():
        return 32_768
    return int(EPHEMERAL.read_text().split()[0])
