import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from types import ModuleType
from typing import Any

import pytest
from dishka import AsyncContainer, Provider, Scope, make_async_container
from dishka.entities.component import DEFAULT_COMPONENT
from dishka.entities.key import DependencyKey
from dishka.exceptions import GraphMissingFactoryError

from photo.application import (
    attempts,
    endings,
    erasing,
    health,
    intake,
    jobs,
    keys,
    ports,
    processing,
    reconciling,
    results,
    retention,
    retrying,
    starting,
    sweeping,
    uploads,
    usage,
)
from photo.application.audit import operator
from photo.application.authentication import Authenticate
from photo.application.health import CheckHealth
from photo.application.jobs import AwaitJob, SubmitJob
from photo.application.keys import CreateKey, NewSecret
from photo.application.ports import Clock, JobRepository, NewId
from photo.application.results import OpenResult
from photo.application.uploads import PhotoPromise, ReceivePhoto
from photo.domain.access import Scope as KeyScope
from photo.domain.formats import Format
from photo.domain.job import Status
from photo.domain.media import MediaType
from photo.entrypoints.container import Application
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from tests.makers import ACME, NOW, SteppableClock, in_chunks, photo_bytes

SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)


KINDS_OF_ROWS = {"aged", "erasures", "jobs", "keys", "uploads", "usage"}


def use_cases(module: ModuleType) -> Iterator[type]:
    """The classes of a module that act on ports."""
    for _, kind in inspect.getmembers(module, inspect.isclass):
        fields = getattr(kind, "__dataclass_fields__", {})
        acts = any(map(inspect.iscoroutinefunction, vars(kind).values()))
        ours = kind.__module__ == module.__name__
        if ours and acts and {*fields} & KINDS_OF_ROWS:
            yield kind


USE_CASES = [
    kind
    for module in (
        attempts,
        endings,
        erasing,
        health,
        intake,
        jobs,
        keys,
        processing,
        reconciling,
        results,
        retention,
        retrying,
        starting,
        sweeping,
        uploads,
        usage,
    )
    for kind in use_cases(module)
]
PORTS = [
    ports.AgedRecords,
    ports.Backlog,
    ports.Buckets,
    ports.Clock,
    ports.Courier,
    ports.DeliveryRepository,
    ports.Documents,
    ports.Erasures,
    ports.ImageNormalizer,
    ports.InfectedFiles,
    ports.JobFeed,
    ports.JobRepository,
    ports.KeyRepository,
    ports.Measures,
    ports.NewId,
    ports.ObjectLinks,
    ports.PhotoFetcher,
    ports.RenderEvent,
    ports.ResultRenderer,
    ports.RateLimiter,
    ports.RepairLog,
    ports.Scanner | None,
    ports.Snapshots,
    ports.Stopwatch,
    ports.TextRecognizer,
    ports.UploadRepository,
    ports.WebhookRepository,
    ports.WebhookSender,
    ports.UsageRecords,
    ports.WorkflowEngine,
]


@pytest.mark.parametrize(
    "make", [memory_container, lambda: live_container(SETTINGS)], ids=["memory", "live"]
)
async def test_a_container_has_everything(make: Callable[[], AsyncContainer]) -> None:
    container = make()
    missing = [
        wanted
        for wanted in [*PORTS, *USE_CASES, CheckHealth, NewSecret]
        if not container.registry.get_factory(DependencyKey(wanted, DEFAULT_COMPONENT))
    ]
    assert missing == []
    await container.close()


@pytest.mark.parametrize("wanted", [*PORTS, *USE_CASES, CheckHealth])
async def test_the_memory_container_makes_it(wanted: Any) -> None:
    container = memory_container()
    assert await container.get(wanted) is await container.get(wanted)
    await container.close()


def test_a_container_without_adapters_cannot_be_made() -> None:
    with pytest.raises(GraphMissingFactoryError):
        make_async_container(Application())


async def test_the_clock_knows_its_time_zone() -> None:
    clock: Clock = await memory_container().get(Clock)
    assert clock().tzinfo is UTC


async def test_ids_are_prefixed_and_ordered_by_time() -> None:
    new_id: NewId = await memory_container().get(NewId)
    ids = [new_id("job") for _ in range(100)]
    assert all(it.startswith("job_") and it == it.lower() for it in ids)
    assert len({*ids}) == 100
    assert [it[:14] for it in ids] == sorted(it[:14] for it in ids)


async def test_a_new_key_opens_the_service() -> None:
    container = memory_container()
    create, authenticate = (
        await container.get(CreateKey),
        await container.get(Authenticate),
    )
    scopes = frozenset({KeyScope.READ})
    key, shown = await create(operator(ACME), name="a", scopes=scopes)
    assert (await authenticate(shown)).credential == key.id
    secret = shown.rpartition("_")[2]
    assert len(bytes.fromhex(secret)) == 32 + 4


async def test_a_test_may_bring_its_own_adapter() -> None:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: SteppableClock(NOW), provides=Clock)
    clock: Clock = await memory_container(provider).get(Clock)
    assert clock() == NOW


async def test_in_memory_a_photo_becomes_text() -> None:
    container = memory_container()
    receive, submit = await container.get(ReceivePhoto), await container.get(SubmitJob)
    promise = PhotoPromise(content_type=MediaType.JPEG)
    upload = await receive(ACME, promise, in_chunks(photo_bytes()))
    job = await submit.on_upload(ACME, upload.id, {})
    wait = await container.get(AwaitJob)
    ended = await wait(ACME, job.id, up_to=timedelta(seconds=30))
    assert (ended.status, ended.text_preview) == (Status.SUCCEEDED, "Hello photo")
    text = await (await container.get(OpenResult))(ACME, job.id, Format.TEXT)
    assert b"".join([chunk async for chunk in text]) == b"Hello photo"


async def test_in_memory_a_text_called_a_photo_fails() -> None:
    container = memory_container()
    receive, submit = await container.get(ReceivePhoto), await container.get(SubmitJob)
    promise = PhotoPromise(content_type=MediaType.JPEG)
    upload = await receive(ACME, promise, in_chunks(b"just a text"))
    job = await submit.on_upload(ACME, upload.id, {})
    wait = await container.get(AwaitJob)
    ended = await wait(ACME, job.id, up_to=timedelta(seconds=30))
    assert ended.error
    assert ended.error.code == "unsupported_media_type"
    assert await (await container.get(JobRepository)).get(job.id) == ended
