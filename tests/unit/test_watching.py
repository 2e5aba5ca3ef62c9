"""What is looked at now and then, and what is looked up when Prometheus asks."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dishka import AsyncContainer, Provider, Scope
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.snapshot import SnapshotMetrics
from photo.adapters.postgres.reading import Reader
from photo.application.health import CheckHealth
from photo.application.ports import (
    Buckets,
    Check,
    JobRepository,
    Owed,
    Snapshot,
    Snapshots,
    UploadRepository,
)
from photo.domain.errors import Unavailable
from photo.entrypoints.circuits import Circuits
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.live import live_container
from photo.entrypoints.readiness import AskReadiness
from photo.entrypoints.settings import Settings
from photo.entrypoints.stopping import closing
from photo.entrypoints.watching import Watch, _keep, watching
from tests.certificates import DAY, Authority
from tests.makers import a_job, an_upload

SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)


async def a_watch(container: AsyncContainer, **patience: float) -> Watch:
    return Watch(
        await container.get(Snapshots),
        await container.get(SnapshotMetrics),
        await container.get(CheckHealth),
        await container.get(AskReadiness),
        await container.get(ProcessMetrics),
        **patience,
    )


async def value(container: AsyncContainer, name: str, **labels: str) -> float | None:
    registry = await container.get(CollectorRegistry)
    return registry.get_sample_value(name, labels)


async def test_a_look_shows_jobs_and_dependencies() -> None:
    container = memory_container()
    upload = an_upload()
    await (await container.get(UploadRepository)).add(upload)
    await (await container.get(JobRepository)).add(a_job(upload))
    watch = await a_watch(container)
    await watch.count()
    await watch.ask()
    queued = {"status": "queued", "step": ""}
    assert await value(container, "photo_jobs_unfinished", **queued) == 1
    assert await value(container, "photo_jobs_oldest_age_seconds", **queued)
    up = await value(container, "photo_dependency_up", dependency="workflows")
    assert up == 1


class Failing(Snapshots):
    def __init__(self) -> None:
        self.error: Exception | None = Unavailable("Gone.", reason="57P01")

    async def take(self, *, at_most: int) -> Snapshot:
        if self.error:
            raise self.error
        return Snapshot([], Owed(0, None))


async def test_a_database_that_is_away_is_told_of_once() -> None:
    failing = Failing()
    watch = await a_watch(counted_by(failing))
    with capture_logs() as logs:
        for error in (failing.error, failing.error, None, TimeoutError()):
            failing.error = error
            await watch.count()
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("snapshot_failed", "57P01"),
        ("snapshot_failed", "TimeoutError"),
    ]


async def test_what_is_away_is_in_the_log_though_nobody_asks() -> None:
    container = live_container(SETTINGS)
    watch = await a_watch(container)
    with capture_logs() as logs:
        await watch.ask()
        await (await container.get(AskReadiness))()
    [entry] = [entry for entry in logs if entry["event"] == "not_ready"]
    assert entry["failures"]["database"] == "ConnectionRefusedError"
    await container.close()


async def test_a_circuit_is_open_or_not() -> None:
    container = memory_container(Circuits())
    buckets = await container.get(Buckets)
    name = "photo_circuit_open"
    assert await value(container, name, dependency="raw_bucket") == 0
    breaker = buckets.raw._breaker  # type: ignore[attr-defined] # behind the port
    for _ in range(5):
        with pytest.raises(Unavailable), breaker.calling():
            raise Unavailable("Gone.")
    assert await value(container, name, dependency="raw_bucket") == 1
    assert await value(container, name, dependency="processed_bucket") == 0


async def test_pools_are_watched_once_there_are_any() -> None:
    container = live_container(SETTINGS)
    name = "photo_database_connections"
    labels = {"pool": "transactions", "state": "busy"}
    assert await value(container, name, **labels) is None
    await container.get(AsyncEngine)
    await container.get(Reader)
    assert await value(container, name, **labels) == 0
    assert await value(container, f"{name}_max", pool="transactions") == 20
    assert await value(container, f"{name}_max", pool="reads") == 8
    await container.close()


async def test_room_is_looked_up_and_a_missing_folder_is_no_error(
    tmp_path: Path,
) -> None:
    container = memory_container()
    folder = tmp_path / "scratch"
    folder.mkdir()
    (await container.get(ProcessMetrics)).watch_scratch(folder)
    free = await value(container, "photo_scratch_free_bytes")
    assert free
    assert free > 0
    folder.rmdir()
    gone = await value(container, "photo_scratch_free_bytes")
    assert gone != gone  # noqa: PLR0124 - not a number


class Stubborn(Snapshots):
    """Gives no answer, and does not heed that it is given up."""

    def __init__(self) -> None:
        self.asked = 0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def take(self, *, at_most: int) -> Snapshot:
        self.asked += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self.may_end.wait()
        return Snapshot([], Owed(0, None))


def counted_by(snapshots: Snapshots) -> AsyncContainer:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: snapshots, provides=Snapshots)
    return memory_container(provider)


async def test_a_count_that_goes_on_although_given_up_is_waited_for_no_longer() -> None:
    stubborn = Stubborn()
    watch = await a_watch(counted_by(stubborn), patience_seconds=0.01)
    with capture_logs() as logs:
        for _ in range(3):
            await watch.count()
    assert [entry["event"] for entry in logs] == ["snapshot_failed"]
    assert stubborn.asked == 1
    stubborn.may_end.set()
    await watch.count()
    await watch.count()
    assert stubborn.asked == 2


async def test_dependencies_are_asked_while_nobody_counts() -> None:
    stubborn = Stubborn()
    container = counted_by(stubborn)
    check_health = await container.get(CheckHealth)
    name, labels = "photo_dependency_up", {"dependency": "workflows"}
    async with watching(container):
        await stubborn.begun.wait()
        while await value(container, name, **labels) is None:
            await check_health()
        stubborn.may_end.set()


async def test_nobody_looks_any_more_when_watching_is_over() -> None:
    ended = asyncio.Event()

    class Slow(Stubborn):
        async def take(self, *, at_most: int) -> Snapshot:
            try:
                return await super().take(at_most=at_most)
            finally:
                ended.set()

    slow = Slow()
    slow.may_end.set()
    before = asyncio.all_tasks()
    async with watching(counted_by(slow)):
        await slow.begun.wait()
    assert ended.is_set()
    assert asyncio.all_tasks() == before


async def test_a_bug_in_a_check_is_logged_once_and_the_others_are_shown() -> None:
    container = memory_container()

    class Buggy(Check):
        async def check(self) -> None:
            raise ZeroDivisionError

    check_health = await container.get(CheckHealth)
    check_health.checks = {**check_health.checks, "scanner": Buggy()}
    check_health.fresh_for = timedelta()
    watch = await a_watch(container)
    with capture_logs() as logs:
        for _ in range(2):
            await watch.ask()
    [log, _] = logs
    assert (log["event"], log["log_level"]) == ("health_check_broke", "error")
    assert log["dependency"] == "scanner"
    assert type(log["exc_info"]) is ZeroDivisionError
    name = "photo_dependency_up"
    assert await value(container, name, dependency="scanner") == 0
    assert await value(container, name, dependency="workflows") == 1


async def test_a_bug_in_a_look_is_told_of_and_the_next_look_comes() -> None:
    looks, goes_on = itertools.count(), asyncio.Event()

    async def look() -> None:
        if next(looks) == 0:
            raise ZeroDivisionError
        goes_on.set()

    with capture_logs() as logs:
        looking = asyncio.create_task(_keep(look, every_seconds=0))
        await goes_on.wait()
        looking.cancel()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("watching_broke", "error")
    ]


async def test_a_certificate_that_is_shown_to_temporal_is_watched(
    tmp_path: Path,
) -> None:
    certificate, key = Authority(tmp_path).pair("photo.test")
    settings = replace(SETTINGS, temporal_tls_cert=certificate, temporal_tls_key=key)
    name = "photo_tls_certificate_expiry_timestamp_seconds"
    async with closing(live_container(settings)) as container:
        await container.get(ProcessMetrics)
        ends = await value(container, name, of="temporal_client")
        assert ends
        left = datetime.fromtimestamp(ends, UTC) - datetime.now(UTC)
        assert timedelta() < left <= DAY
    async with closing(live_container(SETTINGS)) as container:
        await container.get(ProcessMetrics)
        assert await value(container, name, of="temporal_client") is None
