"""The network to Temporal breaks: every call ends in time, and workers come back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from temporalio.client import Client

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.courier import TemporalCourier
from photo.adapters.temporal.engine import TemporalWorkflowEngine
from photo.adapters.temporal.schedule import schedule_all
from photo.application.jobs import AwaitJob
from photo.domain.job import JobId, Status
from photo.domain.webhook import DeliveryId
from tests.faults import (
    FAULTS,
    Call,
    all_fail_and_recover,
    in_front_of,
    seconds_to_fail,
    works,
)
from tests.makers import ACME, a_job
from tests.workflow.stage import Stage, accepted_job

#: A call has 2 seconds, with whatever connecting takes; by default it has 30.
BOUND = 25.0
RECOVERY = timedelta(minutes=3)


@dataclass
class Away:
    """A Temporal server, behind a proxy."""

    proxy: FaultProxy
    server: TemporalServer

    async def calls(self) -> dict[str, Call]:
        client = await self.server.client()
        engine = TemporalWorkflowEngine(client, "nobody-works-here")
        courier = TemporalCourier(client, "nobody-works-here")
        return {
            "start": lambda: engine.start(a_job()),
            "cancel": lambda: engine.cancel(JobId("job_unknown")),
            "check": engine.check,
            "deliver": lambda: courier.start(DeliveryId("msg_1")),
            "hurry": lambda: courier.hurry(DeliveryId("msg_1")),
            "connect": self.server.connected,
        }


@pytest.fixture
async def away(temporal: TemporalServer) -> AsyncIterator[Away]:
    async with in_front_of(temporal.target) as proxy:
        target = f"127.0.0.1:{proxy.port}"
        yield Away(proxy, TemporalServer(target=target, namespace=temporal.namespace))


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_an_open_connection_every_call_ends(away: Away, fault: Deed) -> None:
    calls = await away.calls()
    await asyncio.gather(*map(works, calls.values()))
    await all_fail_and_recover(away.proxy, fault, calls, within=BOUND)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_a_connection_every_call_ends(away: Away, fault: Deed) -> None:
    await all_fail_and_recover(away.proxy, fault, await away.calls(), within=BOUND)


async def test_scheduling_takes_its_time_but_ends_as_well(away: Away) -> None:
    client = await away.server.client()
    call = partial(schedule_all, client, "nobody-works-here")
    await all_fail_and_recover(
        away.proxy, Deed.BLACKHOLE, {"schedule": call}, within=60
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_worker_comes_back_by_itself(
    away: Away, client: Client, fault: Deed
) -> None:
    stage = Stage(await away.server.connected())
    wait = await stage.container.get(AwaitJob)
    through = TemporalWorkflowEngine(await away.server.client(), stage.queue)
    direct = TemporalWorkflowEngine(client, stage.queue)
    async with await stage.working():
        await stage.ended(await stage.submit())
        await away.proxy.set(fault)
        job = await accepted_job(stage.container)
        await direct.start(job)
        await seconds_to_fail(through.check, within=BOUND)
        await away.proxy.set(None)
        ended = await wait(ACME, job.id, up_to=RECOVERY)
    assert ended.status is Status.SUCCEEDED
