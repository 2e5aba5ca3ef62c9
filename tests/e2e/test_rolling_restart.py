"""Every process is replaced, one after the other and again, and no client notices."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from photo.adapters.postgres.migrate import migrate
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import furnish, service_variables
from tests.e2e.balancer import Balancer, balanced
from tests.e2e.conftest import create_key
from tests.e2e.load import JOBS, Load
from tests.e2e.processes import READY_SECONDS, Running, running
from tests.services import Servers, fresh_database

ROUNDS = 1
#: The promises are 5 and 25; the rest is for machines that are busy.
API_SECONDS, WORKER_SECONDS = 30, 60
UNLIMITED = {"RATE_LIMIT_PER_KEY": "100000", "RATE_LIMIT_PER_ADDRESS": "100000"}

IsThere = Callable[[Running], Awaitable[None]]


class Seat:
    """Where one process after the other serves."""

    def __init__(self, name: str, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self._name = name
        self._folder = folder
        self._processes: list[Running] = []
        self._stack = AsyncExitStack()

    async def take(self, is_there: IsThere) -> None:
        log = self._folder / f"{self._name}-{len(self._processes)}.log"
        command = self._name.partition("-")[0]
        process = running(command, self.env, log)
        self._processes.append(await self._stack.enter_async_context(process))
        async with asyncio.timeout(READY_SECONDS):
            await is_there(self._processes[-1])

    async def leave(self) -> float:
        """How many seconds it takes."""
        return await self._processes[-1].stop()

    async def clear(self) -> None:
        await self._stack.aclose()


class Seats(NamedTuple):
    apis: Sequence[Seat]
    workers: Sequence[Seat]


@asynccontextmanager
async def furnished(servers: Servers, folder: Path) -> AsyncIterator[Seats]:
    """Two of each, on a database and a queue of their own."""
    names = ["api-1", "api-2", "worker-1", "worker-2"]
    ports = choose_ports(names)
    async with fresh_database(servers) as database_url, AsyncExitStack() as stack:
        await furnish(servers, ports["api-1"])
        await migrate(database_url)
        seats = []
        for name in names:
            scratch = folder / name
            scratch.mkdir()
            env = {
                "PATH": os.environ["PATH"],
                **service_variables(servers, ports[name]),
                **UNLIMITED,
                "DATABASE_URL": database_url,
                "ENVIRONMENT": "staging",
                "TEMPORAL_TASK_QUEUE": "rolling",
                "TMPDIR": str(scratch),
            }
            seats.append(Seat(name, env, folder))
            stack.push_async_callback(seats[-1].clear)
        yield Seats(seats[:2], seats[2:])


async def all_taken(seats: Sequence[Seat], is_there: IsThere) -> None:
    await asyncio.gather(*(seat.take(is_there) for seat in seats))


async def all_replaced(
    seats: Sequence[Seat], is_there: IsThere, *, rounds: int = 1
) -> list[float]:
    """How many seconds each process took to leave."""
    took = []
    for seat in [*seats] * rounds:
        took.append(await seat.leave())
        await seat.take(is_there)
    return took


def is_behind(balancer: Balancer) -> IsThere:
    async def wait(api: Running) -> None:
        while not balancer.is_ready(api.url):
            api.must_run()
            await asyncio.sleep(0.05)

    return wait


async def works(worker: Running) -> None:
    await worker.until_it_says("worker_started")


@pytest.mark.timeout(1200)
async def test_a_rolling_restart_under_load_fails_no_request_and_no_job(
    servers: Servers, tmp_path: Path
) -> None:
    async with furnished(servers, tmp_path) as (apis, workers):
        urls = [f"http://127.0.0.1:{api.env['PORT']}" for api in apis]
        async with (
            balanced(urls) as balancer,
            httpx.AsyncClient(
                transport=balancer,
                base_url=urls[0],
                headers={"Authorization": f"Bearer {create_key(apis[0].env)}"},
                timeout=90,
            ) as client,
        ):
            serves = is_behind(balancer)
            await all_taken(apis, serves)
            load = Load(client)
            async with load.going_on():
                await load.follows.wait()
                # Nobody works: the process that is listened to leaves before the job.
                first_seconds = await all_replaced(apis, serves)
                await all_taken(workers, works)
                api_seconds, worker_seconds = await asyncio.gather(
                    all_replaced(apis, serves, rounds=ROUNDS),
                    all_replaced(workers, works, rounds=ROUNDS),
                )
            jobs = [(await client.get(job)).json() for job in load.jobs]
    assert load.failures == []
    assert {job["status"] for job in jobs} == {"succeeded"}
    assert len(jobs) >= JOBS
    assert load.requests > 100
    assert load.resumed
    assert max(first_seconds + api_seconds) < API_SECONDS
    assert max(worker_seconds) < WORKER_SECONDS
