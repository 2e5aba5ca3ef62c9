"""A real photo, real children, and somebody who kills them at their work."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGKILL, SIGSEGV, Signals

import psutil
import pytest
from dishka import Provider, Scope
from temporalio.client import Client

from photo.adapters.imaging import ImagingPool, PillowNormalizer, RapidOcrRecognizer
from photo.application.ports import ImageNormalizer, PageImage, TextRecognizer
from photo.domain.errors import (
    CorruptImage,
    PhotoError,
    RecognitionFailed,
    Unavailable,
)
from photo.domain.job import Status
from photo.domain.media import MediaType
from photo.domain.text import Page
from tests.workflow.stage import Stage

RECEIPT = Path("samples/receipt.jpg").read_bytes()
#: Of processor time: more than is needed to look at headers, less than for pixels.
AT_WORK_SECONDS = 0.1


class Killer:
    """Sends a signal in turn to the pool's only child, as soon as it is at work.

    A child that is done before it was killed has not done it.
    """

    def __init__(self, pool: ImagingPool, signals: Iterable[Signals]) -> None:
        self._pool = pool
        self._signals = [*signals]

    @asynccontextmanager
    async def about(self) -> AsyncIterator[None]:
        if not self._signals:
            yield
            return
        pid = await self._pool.run(int, os.getpid)
        killing = asyncio.create_task(_kill(pid, self._signals[0]))
        try:
            yield
        except PhotoError as error:
            if error.crash:
                self._signals.pop(0)
            raise
        finally:
            killing.cancel()
        raise Unavailable("It was too quick for whoever was to kill it.")


async def _kill(pid: int, signal: Signals) -> None:
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        child = psutil.Process(pid)
        rested = child.cpu_times().user
        while child.cpu_times().user < rested + AT_WORK_SECONDS:  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)
        os.kill(pid, signal)


class StruckNormalizer(PillowNormalizer):
    def __init__(self, pool: ImagingPool, killer: Killer) -> None:
        super().__init__(pool)
        self._killer = killer

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        async with self._killer.about():
            return await super().normalize(photo, content_type, into=into)


class StruckRecognizer(RapidOcrRecognizer):
    def __init__(self, pool: ImagingPool, killer: Killer) -> None:
        super().__init__(pool)
        self._killer = killer

    async def recognize(self, page: Path) -> Page:
        async with self._killer.about():
            return await super().recognize(page)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ImagingPool]:
    async with ImagingPool(workers=1) as pool:
        yield pool


def normalizing(client: Client, pool: ImagingPool, signals: Iterable[Signals]) -> Stage:
    normalizer = StruckNormalizer(pool, Killer(pool, signals))
    return with_photo_reader(client, normalizer, RapidOcrRecognizer(pool))


def recognizing(client: Client, pool: ImagingPool, signals: Iterable[Signals]) -> Stage:
    recognizer = StruckRecognizer(pool, Killer(pool, signals))
    return with_photo_reader(client, PillowNormalizer(pool), recognizer)


def with_photo_reader(
    client: Client, normalizer: ImageNormalizer, recognizer: TextRecognizer
) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: normalizer, provides=ImageNormalizer)
    return Stage(client, recognizer, provider)


Step = Callable[[Client, ImagingPool, Iterable[Signals]], Stage]
VERDICTS: Mapping[Step, type[PhotoError]] = {
    normalizing: CorruptImage,
    recognizing: RecognitionFailed,
}


@pytest.mark.parametrize(
    ("step", "signal"), [(normalizing, SIGKILL), (recognizing, SIGSEGV)]
)
async def test_a_photo_whose_child_was_killed_once_is_read(
    client: Client, pool: ImagingPool, step: Step, signal: Signals
) -> None:
    stage = step(client, pool, [signal])
    async with asyncio.timeout(180), await stage.working():
        job = await stage.ended(await stage.submit(RECEIPT))
    assert job.status is Status.SUCCEEDED
    assert (job.text_preview or "").startswith("HARBOUR LANE GROCERS")


@pytest.mark.parametrize("step", VERDICTS)
async def test_a_photo_that_killed_three_children_is_given_to_no_fourth(
    client: Client, pool: ImagingPool, step: Step
) -> None:
    stage = step(client, pool, [SIGSEGV, SIGKILL, SIGSEGV])
    async with asyncio.timeout(180), await stage.working():
        job = await stage.ended(await stage.submit(RECEIPT))
    assert job.error
    assert job.error.code == VERDICTS[step].code
    assert job.error.crashes == ("SIGSEGV", "SIGKILL", "SIGSEGV")
    assert await pool.run(int, os.getpid)
