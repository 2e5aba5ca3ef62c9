"""What `WorkflowEngine` promises, on the memory engine and on Temporal."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from dishka import AsyncContainer, Provider, Scope

from photo.adapters.memory import MemoryJobRepository
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.engine import TemporalWorkflowEngine
from photo.application.jobs import AwaitJob
from photo.application.ports import JobRepository, TextRecognizer, WorkflowEngine
from photo.domain.errors import Unavailable
from photo.domain.job import Job, JobId, Status
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.local.servers import Servers
from tests.makers import ACME, a_job
from tests.workflow.recognizers import SlowRecognizer
from tests.workflow.stage import Stage, accepted_job

UNKNOWN = JobId("job_unknown")


@dataclass
class House:
    container: AsyncContainer
    engine: WorkflowEngine
    recognizer: SlowRecognizer

    async def ended(self, job: Job) -> Job:
        follow = await self.container.get(AwaitJob)
        return await follow(ACME, job.id, up_to=timedelta(minutes=3))


@asynccontextmanager
async def memory_engine(_: object) -> AsyncIterator[House]:
    recognizer = SlowRecognizer()
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: recognizer, provides=TextRecognizer)
    container = memory_container(provider)
    yield House(container, await container.get(WorkflowEngine), recognizer)


@asynccontextmanager
async def temporal_engine(servers: Servers) -> AsyncIterator[House]:
    recognizer = SlowRecognizer()
    server = TemporalServer(
        target=servers.temporal_target, namespace=servers.temporal_namespace
    )
    stage = Stage(await server.connected(), recognizer)
    async with await stage.working():
        yield House(stage.container, stage.engine, recognizer)


Place = Callable[[Servers], AbstractAsyncContextManager[House]]


@pytest.fixture(params=[memory_engine, temporal_engine])
async def house(
    request: pytest.FixtureRequest, servers: Servers
) -> AsyncIterator[House]:
    place: Place = request.param
    async with place(servers) as house:
        yield house


async def test_a_started_job_comes_to_its_end(house: House) -> None:
    job = await accepted_job(house.container)
    house.recognizer.may_read.set()
    await house.engine.start(job)
    assert (await house.ended(job)).status is Status.SUCCEEDED


async def test_a_job_started_again_and_again_is_worked_on_once(house: House) -> None:
    job = await accepted_job(house.container)
    house.recognizer.may_read.set()
    started = await asyncio.gather(*(house.engine.start(job) for _ in range(4)))
    assert sum(started) == 1
    await house.ended(job)
    await house.engine.start(job)
    assert house.recognizer.calls == 1


async def test_cancelling_stops_the_work_soon_however_often(house: House) -> None:
    job = await accepted_job(house.container)
    await house.engine.start(job)
    await house.recognizer.busy.wait()
    await house.engine.cancel(job.id)
    async with asyncio.timeout(60):
        await house.recognizer.interrupted.wait()
    await house.engine.cancel(job.id)
    jobs: JobRepository = await house.container.get(JobRepository)
    assert (await jobs.get(job.id)).status is not Status.SUCCEEDED


async def test_the_engine_says_what_is_under_way(house: House) -> None:
    jobs = [await accepted_job(house.container) for _ in range(2)]
    for job in jobs:
        assert await house.engine.start(job)
    await listed(house, {job.id for job in jobs})
    house.recognizer.may_read.set()
    await listed(house, set())


async def listed(house: House, expected: set[JobId]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await house.engine.under_way() == expected:
                return
            await asyncio.sleep(0)


async def test_a_job_that_came_out_of_a_backup_comes_to_its_end_again(
    house: House,
) -> None:
    """The engine has moved on, and knows of a workflow that completed."""
    job = await accepted_job(house.container)
    house.recognizer.may_read.set()
    await house.engine.start(job)
    await house.ended(job)
    await listed(house, set())
    jobs: JobRepository = await house.container.get(JobRepository)
    assert isinstance(jobs, MemoryJobRepository)
    jobs._store(job)
    assert await house.engine.start(job)
    assert (await house.ended(job)).status is Status.SUCCEEDED
    assert house.recognizer.calls == 2


async def test_cancelling_what_has_ended_does_nothing(house: House) -> None:
    job = await accepted_job(house.container)
    house.recognizer.may_read.set()
    await house.engine.start(job)
    ended = await house.ended(job)
    await house.engine.cancel(job.id)
    assert await house.ended(job) == ended


async def test_cancelling_an_unknown_job_does_nothing(house: House) -> None:
    await house.engine.cancel(UNKNOWN)


async def test_an_engine_that_works_passes_its_check(house: House) -> None:
    await house.engine.check()


@contextmanager
def a_port(*, answering: bool) -> Iterator[str]:
    """A port nobody listens on, or one that takes calls and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if answering:
            silent.listen()
        yield f"127.0.0.1:{silent.getsockname()[1]}"


@pytest.mark.parametrize("answering", [False, True])
async def test_a_server_that_is_not_there_is_unavailable_within_seconds(
    answering: bool,
) -> None:
    with a_port(answering=answering) as target:
        client = await TemporalServer(target=target).client()
        engine = TemporalWorkflowEngine(client, "photo")
        # Temporal's own limit is 30.
        async with asyncio.timeout(25):
            answers = await asyncio.gather(
                engine.start(a_job()),
                engine.cancel(UNKNOWN),
                engine.under_way(),
                engine.check(),
                return_exceptions=True,
            )
    assert [type(answer) for answer in answers] == [Unavailable] * 4


async def test_a_namespace_that_does_not_exist_fails_the_check(
    servers: Servers,
) -> None:
    server = TemporalServer(target=servers.temporal_target, namespace="nowhere")
    engine = TemporalWorkflowEngine(await server.client(), "photo")
    with pytest.raises(Unavailable) as failure:
        await engine.check()
    assert failure.value.reason == "NOT_FOUND"
