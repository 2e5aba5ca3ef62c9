import asyncio
import sys

from temporalio.client import Client

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.worker import running
from photo.domain.job import Status
from tests.workflow.stage import Stage


async def test_what_a_killed_worker_had_begun_another_completes(
    client: Client, temporal: TemporalServer
) -> None:
    stage = Stage(client)
    workers = await stage.workers()
    async with asyncio.timeout(60), running(workers.light, workers.scans) as start:
        job_id = await stage.submit()
        doomed = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.workflow.dying_worker",
            temporal.target,
            temporal.namespace,
            stage.queue,
            stdout=asyncio.subprocess.PIPE,
        )
        assert doomed.stdout
        assert (await doomed.stdout.readline()).decode().strip() == job_id
        doomed.kill()
        await doomed.wait()
        start(workers.images)
        job = await stage.ended(job_id)
    assert job.status is Status.SUCCEEDED
