"""`photo inspect`: all there is to know of a job, and its photo to be looked at."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from photo.adapters.temporal.engine import workflow_id
from photo.application.inspecting import Inspection, InspectJob, SavePhoto
from photo.domain.characters import visible
from photo.domain.erasure import Bucket
from photo.domain.job import Job, JobId
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import run


@click.command()
@click.argument("job_id", metavar="JOB_ID")
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--photo",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the original there, if it was found clean. Open it with care.",
)
def inspect(job_id: str, *, as_json: bool, photo: Path | None) -> None:
    """Show a job, its past, why it failed, and where everything of it lies."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            found = await (await container.get(InspectJob))(JobId(job_id))
            report = _report(found, settings)
            if as_json:
                click.echo(msgspec.json.format(msgspec.json.encode(report)))
            else:
                _print(msgspec.to_builtins(report))
            if photo:
                await (await container.get(SavePhoto))(JobId(job_id), photo)
                click.echo(f"The photo is in {photo}.", err=True)

    run(main)


def _report(found: Inspection, settings: Settings) -> Mapping[str, Any]:
    """No text, no metadata and no URL: they are the client's."""
    job = found.job
    buckets = {
        Bucket.RAW: settings.s3_bucket_raw,
        Bucket.PROCESSED: settings.s3_bucket_processed,
    }
    return {
        "job_id": job.id,
        "tenant": job.tenant,
        "status": job.status,
        "last_step": job.last_step,
        "upload_id": job.upload_id,
        "retry_of": job.retry_of,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "photo": job.photo,
        "error": job.error,
        "entered": job.entered,
        "history": [_version(version) for version in found.history],
        "workflow_id": workflow_id(job.id),
        "raw_bucket": settings.s3_bucket_raw,
        "raw_key": job.raw_key,
        "objects": [
            {
                "bucket": buckets[item.bucket],
                "key": item.key,
                "size_bytes": item.size_bytes,
                "sha256": item.sha256,
            }
            for item in found.objects
        ],
        "deliveries": [
            {
                "id": delivery.id,
                "webhook_id": delivery.webhook_id,
                "event": delivery.event,
                "status": delivery.status,
                "attempts": len(delivery.attempts),
                "next_attempt_at": delivery.due_at,
            }
            for delivery in found.deliveries
        ],
    }


def _version(job: Job) -> Mapping[str, Any]:
    return {
        "version": job.version,
        "status": job.status,
        "step": job.step,
        "error": job.error or job.step_error,
    }


def _print(report: Mapping[str, Any]) -> None:
    for name, value in report.items():
        for line in _lines(value):
            click.echo(visible(f"{name:<13}{line}"))
            name = ""  # noqa: PLW2901 - said once


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _lines(item)
    elif isinstance(value, dict):
        told = (
            f"{key}={item}" for key, item in value.items() if item not in (None, [])
        )
        yield "  ".join(told)
    elif value is not None:
        yield str(value)
