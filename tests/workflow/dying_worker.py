"""A worker for images in a process of its own, which is killed at its work."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import activity
from temporalio.worker import Worker

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryMeasures,
    MemoryUploadRepository,
)
from photo.adapters.temporal.attempts import AttemptInterceptor
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.messages import JobRef
from photo.adapters.temporal.queues import images_queue
from photo.application.processing import NoteWaiting
from photo.domain.errors import CorruptImage
from photo.entrypoints.levels import LogLevels
from photo.entrypoints.logging import configure_logging


@dataclass
class DyingWorker:
    process: Process

    async def hangs_on(self) -> str:
        """The job on which it hangs, as soon as it does."""
        assert self.process.stdout
        return (await self.process.stdout.readline()).decode().strip()


@asynccontextmanager
async def dying_worker(
    temporal: TemporalServer, queue: str, *deaths: str
) -> AsyncIterator[DyingWorker]:
    """At each try a child of it dies, then it hangs. It is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        *(temporal.target, temporal.namespace, queue, *deaths),
        stdout=PIPE,
    )
    try:
        yield DyingWorker(process)
    finally:
        process.kill()
        await process.wait()


@dataclass
class Doomed:
    deaths: Iterator[str]

    @activity.defn(name="normalize")
    async def normalize(self, job: JobRef) -> None:
        for death in self.deaths:
            raise CorruptImage(
                "Decoding failed.", reason=death, crash=death, retryable=True
            )
        print(job.job_id, flush=True)  # noqa: T201 - tells the test that it may kill
        await asyncio.Event().wait()


async def main(target: str, namespace: str, queue: str, *deaths: str) -> None:
    configure_logging(LogLevels(), as_json=True)  # not on stdout
    client = await TemporalServer(target=target, namespace=namespace).connected()
    nobodys = MemoryJobRepository(MemoryUploadRepository(), MemoryJobFeed())
    await Worker(
        client,
        task_queue=images_queue(queue),
        activities=[Doomed(iter(deaths)).normalize],
        interceptors=[AttemptInterceptor(NoteWaiting(nobodys), MemoryMeasures())],
    ).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
