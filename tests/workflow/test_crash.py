import asyncio

from temporalio.client import Client

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.worker import running
from photo.domain.job import Status
from tests.workflow.dying_worker import dying_worker
from tests.workflow.stage import Stage


async def test_what_a_killed_worker_had_begun_another_completes(
    client: Client, temporal: TemporalServer
) -> None:
    stage = Stage(client)
    workers = await stage.workers()
    async with asyncio.timeout(180), running(workers.light, workers.scans) as start:
        job_id = await stage.submit()
        async with dying_worker(temporal, stage.queue) as doomed:
            assert await doomed.hangs_on() == job_id
        start(workers.images)
        job = await stage.ended(job_id)
    assert job.status is Status.SUCCEEDED
