"""Photos by URL, and scanners and servers that are away."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import Client

from photo.adapters.memory import MemoryPhotoFetcher, MemoryScanner
from photo.adapters.temporal.attempts import FETCH_ATTEMPTS
from photo.application.ports import Buckets, PhotoFetcher, Scanner
from photo.domain.errors import Unavailable, UrlUnreachable
from photo.domain.job import Failure, Status, Step
from tests.workflow.stage import PHOTO, Stage

URL = "https://example.com/photo.jpg"
SILENT = UrlUnreachable("The server did not answer.", retryable=True)
NOBODY = UrlUnreachable("There is no such server.", retryable=False)
AWAY = Unavailable("The scanner cannot be reached.", reason="ConnectionRefusedError")


class FailingFetcher(MemoryPhotoFetcher):
    """Raises each fault in turn, each time when it may; then fetches."""

    def __init__(self, faults: Iterable[Exception]) -> None:
        super().__init__({URL: PHOTO})
        self.calls = 0
        self._faults = iter(faults)

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        self.calls += 1
        for fault in self._faults:
            raise fault
        async for chunk in super().fetch(url, max_bytes=max_bytes):
            yield chunk


class DownScanner(MemoryScanner):
    """Is away until it is back."""

    def __init__(self) -> None:
        super().__init__({b"\xff\xd8\xff harmful": "Test"})
        self.back = False

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        if not self.back:
            raise AWAY
        return await super().scan(chunks)


def fetching(client: Client, fetcher: PhotoFetcher) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: fetcher, provides=PhotoFetcher)
    return Stage(client, None, provider)


def scanning(client: Client, scanner: Scanner) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: scanner, provides=Scanner | None)
    return Stage(client, None, provider)


async def test_a_photo_behind_a_url_becomes_text(
    client: Client, logs: list[EventDict]
) -> None:
    stage = fetching(client, MemoryPhotoFetcher({URL: PHOTO}))
    async with await stage.working():
        job_id = await stage.submit_url(URL)
        job = await stage.ended(job_id)
    assert (job.status, job.text_preview) == (Status.SUCCEEDED, "Hello photo")
    assert job.source_url == URL
    assert job.photo
    assert job.photo.size_bytes == len(PHOTO)
    done = [line["step"] for line in logs if line["event"] == "step_done"]
    assert done[:4] == ["fetch", "verify", "normalize", "recognize"]
    assert URL not in await stage.history(job_id) + str(logs)


async def test_a_photo_that_was_sent_is_not_fetched(client: Client) -> None:
    fetcher = FailingFetcher([])
    stage = fetching(client, fetcher)
    async with await stage.working():
        job = await stage.ended(await stage.submit())
    assert job.status is Status.SUCCEEDED
    assert Step.FETCH not in job.entered
    assert fetcher.calls == 0


async def test_a_server_that_answers_at_last_costs_only_time(client: Client) -> None:
    stage = fetching(client, FailingFetcher([SILENT]))
    async with await stage.working():
        job_id = await stage.submit_url(URL)
        waiting = await stage.waiting(job_id)
        job = await stage.ended(job_id)
    assert (waiting.status, waiting.step) == (Status.RUNNING, Step.FETCH)
    assert waiting.step_error == Failure.of(SILENT)
    assert (job.status, job.step_error) == (Status.SUCCEEDED, None)


async def test_a_server_that_stays_silent_is_asked_a_few_times(client: Client) -> None:
    fetcher = FailingFetcher([SILENT] * 100)
    stage = fetching(client, fetcher)
    async with await stage.working():
        job_id = await stage.submit_url(URL)
        waiting = await stage.waiting(job_id)
        job = await stage.failed(job_id)
    assert (waiting.step, waiting.step_error) == (Step.FETCH, Failure.of(SILENT))
    assert (job.error, job.step_error) == (Failure.of(SILENT), None)
    assert job.error
    assert (job.error.code, job.error.retryable) == ("url_unreachable", True)
    assert fetcher.calls == FETCH_ATTEMPTS == 3


async def test_a_server_that_is_none_is_asked_once(client: Client) -> None:
    fetcher = FailingFetcher([NOBODY] * 100)
    stage = fetching(client, fetcher)
    async with await stage.working():
        job = await stage.failed(await stage.submit_url(URL))
    assert job.error == Failure.of(NOBODY)
    assert fetcher.calls == 1
    assert Step.VERIFY not in job.entered


async def test_what_is_behind_a_url_must_be_a_photo(client: Client) -> None:
    stage = fetching(client, MemoryPhotoFetcher({URL: b"just some text"}))
    async with await stage.working():
        job = await stage.failed(await stage.submit_url(URL))
    assert job.error
    assert job.error.code == "unsupported_media_type"
    buckets = await stage.container.get(Buckets)
    assert await buckets.raw.list(after="", limit=1) == []


async def test_a_photo_waits_for_the_scanner_and_says_so(
    client: Client, logs: list[EventDict]
) -> None:
    scanner = DownScanner()
    stage = scanning(client, scanner)
    async with await stage.working():
        job_id = await stage.submit()
        waiting = await stage.waiting(job_id)
        scanner.back = True
        job = await stage.ended(job_id)
    assert (waiting.status, waiting.step) == (Status.RUNNING, Step.SCAN)
    assert waiting.step_error == Failure.of(AWAY)
    assert waiting.step_error.code == "dependency_unavailable"
    assert (job.status, job.step_error) == (Status.SUCCEEDED, None)
    reasons = [log["reason"] for log in logs if log["event"] == "step_unavailable"]
    assert {*reasons} == {"ConnectionRefusedError"}


async def test_a_photo_that_waited_for_the_scanner_is_scanned_all_the_same(
    client: Client,
) -> None:
    scanner = DownScanner()
    stage = scanning(client, scanner)
    async with await stage.working():
        job_id = await stage.submit(b"\xff\xd8\xff harmful")
        await stage.waiting(job_id)
        scanner.back = True
        job = await stage.failed(job_id)
    assert job.error
    assert job.error.code == "infected"
    buckets = await stage.container.get(Buckets)
    assert await buckets.raw.list(after="", limit=1) == []
