"""`photo doctor`: what is wrong, and how to mend it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import click
from dishka import AsyncContainer
from PIL import Image, ImageDraw, ImageFont

from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.s3.buckets import is_public
from photo.adapters.s3.clients import S3Clients
from photo.application.ports import TextRecognizer, WorkflowEngine
from photo.domain.errors import PhotoError, RecognitionFailed, Unavailable
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings, UnsafeSettings
from photo.entrypoints.start import read_settings

_TIME_LIMIT_SECONDS = 30


class Finding(NamedTuple):
    name: str
    #: Why it fails, or None if it works.
    failure: str | None
    mend: str | None = None
    latency_ms: float | None = None


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(*, as_json: bool) -> None:
    """Check the settings and every dependency. Exit 1 if anything needed is missing."""
    findings = asyncio.run(_examine())
    healthy = not any(finding.failure for finding in findings)
    if as_json:
        checks = [finding._asdict() for finding in findings]
        click.echo(json.dumps({"ok": healthy, "checks": checks}, indent=2))
    else:
        for finding in findings:
            _print(finding)
    sys.exit(0 if healthy else 1)


def _print(finding: Finding) -> None:
    mark = click.style("fails", fg="red") if finding.failure else "ok"
    latency = f"{finding.latency_ms:.0f} ms" if finding.latency_ms is not None else ""
    line = f"{finding.name:<18}{mark:<6}{latency:>9}"
    if finding.failure:
        line += f"  {finding.failure}\n{'':<18}mend: {finding.mend}"
    click.echo(line)


async def _examine() -> list[Finding]:
    try:
        settings = read_settings()
    except UnsafeSettings as unsafe:
        mend = "correct the environment or .env; .env.example lists all settings"
        return [Finding("settings", fault, mend) for fault in unsafe.faults]
    async with live_container(settings) as container:
        found = [finding async for finding in _dependencies(container, settings)]
    return [Finding("settings", None), *found]


async def _dependencies(
    container: AsyncContainer, settings: Settings
) -> AsyncIterator[Finding]:
    yield await _ask(
        "database",
        (await container.get(PostgresCheck)).check,
        "start Postgres, correct DATABASE_URL, then run `photo migrate`",
    )
    clients = await container.get(S3Clients)
    for name, bucket in (
        ("raw_bucket", settings.s3_bucket_raw),
        ("processed_bucket", settings.s3_bucket_processed),
    ):
        yield await _ask(
            name,
            partial(_must_be_private, clients, bucket),
            "create the bucket, let these credentials read, write and delete in it,"
            " and block all public access",
        )
    yield await _ask(
        "workflows",
        (await container.get(WorkflowEngine)).check,
        "start Temporal, correct TEMPORAL_TARGET and TEMPORAL_NAMESPACE",
    )
    recognizer = await container.get(TextRecognizer)
    yield await _ask(
        "recognizer",
        partial(_must_read, recognizer),
        "install the locked requirements again, or correct OCR_ENGINE and its access",
    )


async def _ask(name: str, check: Callable[[], Awaitable[None]], mend: str) -> Finding:
    since = perf_counter()
    failure = None
    try:
        async with asyncio.timeout(_TIME_LIMIT_SECONDS):
            await check()
    except TimeoutError:
        failure = f"no answer in {_TIME_LIMIT_SECONDS} s"
    except PhotoError as error:
        failure = error.detail
    latency = round((perf_counter() - since) * 1000, 1)
    return Finding(name, failure, mend if failure else None, latency)


async def _must_be_private(clients: S3Clients, bucket: str) -> None:
    if await is_public(clients, bucket):
        raise Unavailable("Anyone may read or write here.")


async def _must_read(recognizer: TextRecognizer) -> None:
    with TemporaryDirectory(prefix="photo-") as scratch:
        page = Path(scratch) / "page.jpg"
        image = Image.new("L", (400, 100), 255)
        font = ImageFont.load_default(48)
        ImageDraw.Draw(image).text((20, 20), "photo doctor", fill=0, font=font)
        image.save(page, quality=95)
        read = await recognizer.recognize(page)
    if "photo" not in read.text.lower():
        raise RecognitionFailed("The recogniser does not read plain letters.")
