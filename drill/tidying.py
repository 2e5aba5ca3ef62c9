"""The hourly tidying, called as if a day had passed: what it spares is too young."""

from datetime import UTC, datetime, timedelta

from dishka import AsyncContainer, Provider, Scope

from drill.evidence import Tidied
from drill.places import Places
from photo.application.ports import Clock
from photo.application.reconciling import CheckResults, Stretch, SweepArtifacts
from photo.application.sweeping import SweepUploads
from photo.domain.upload import RAW_LIFETIME
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings

_AHEAD = RAW_LIFETIME + timedelta(hours=1)


async def tidy_a_day_later(places: Places) -> Tidied:
    """Run what the schedules run, past all proxies, with a clock that is ahead."""
    ahead = Provider(scope=Scope.APP)
    ahead.provide(lambda: _later, provides=Clock)
    async with _container(places, ahead) as container:
        swept = await (await container.get(SweepUploads))()
        files = await _whole(await container.get(SweepArtifacts))
        results = await _whole(await container.get(CheckResults))
    return Tidied(swept.objects, files.deleted + results.deleted, results.damaged)


def _later() -> datetime:
    return datetime.now(UTC) + _AHEAD


async def _whole(sweep: SweepArtifacts | CheckResults) -> Stretch:
    """The whole way, one stretch after the other."""
    so_far = Stretch()
    while so_far.next is not None:
        so_far = await sweep(so_far)
    return so_far


def _container(places: Places, *overrides: Provider) -> AsyncContainer:
    s3 = places.s3
    settings = Settings(
        database_url=places.database_url,
        s3_bucket_raw=places.raw_bucket,
        s3_bucket_processed=places.processed_bucket,
        temporal_target=places.temporal_target,
        temporal_namespace=places.temporal_namespace,
        temporal_task_queue=places.task_queue,
        aws_region=s3.region,
        aws_endpoint_url_s3=s3.endpoint,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
    )
    return live_container(settings, *overrides)
