"""`photo doctor`: what is wrong, and how to mend it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import click
from dishka import AsyncContainer
from PIL import Image, ImageDraw, ImageFont

from photo.adapters.clamav import ClamdScanner
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.s3.buckets import is_public, reach, replaces
from photo.adapters.s3.clients import S3Clients
from photo.application.ports import TextRecognizer, WorkflowEngine
from photo.domain.errors import PhotoError, RecognitionFailed, Unavailable
from photo.entrypoints.cli.checks import (
    BUCKETS,
    Check,
    around_the_service,
    demanded_of_buckets,
)
from photo.entrypoints.live import live_container
from photo.entrypoints.scanner_probes import blind_spots, knows_eicar
from photo.entrypoints.settings import Settings, UnsafeSettings
from photo.entrypoints.start import read_settings, told

_TIME_LIMIT_SECONDS = 30
#: ClamAV's signatures are renewed every day.
_OLD = timedelta(days=7)


class Finding(NamedTuple):
    name: str
    #: Why it fails, or None if it works.
    failure: str | None
    mend: str | None = None
    latency_ms: float | None = None
    #: What deserves a look although it works.
    warning: str | None = None


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(*, as_json: bool) -> None:
    """Check the settings and every dependency. Exit 1 if anything needed is missing."""
    findings = asyncio.run(_findings(_keep if as_json else _print))
    healthy = not any(finding.failure for finding in findings)
    if as_json:
        checks = [finding._asdict() for finding in findings]
        click.echo(json.dumps({"ok": healthy, "checks": checks}, indent=2))
    sys.exit(0 if healthy else 1)


def _keep(_finding: Finding) -> None:
    """Say nothing before the end."""


def _print(finding: Finding) -> None:
    latency = f"{finding.latency_ms:.0f} ms" if finding.latency_ms is not None else ""
    line = f"{finding.name:<18}{_mark(finding)}{latency:>9}"
    if finding.warning:
        line += f"  {finding.warning}"
    if finding.failure:
        line += f"  {finding.failure}\n{'':<18}mend: {finding.mend}"
    click.echo(line)


def _mark(finding: Finding) -> str:
    if finding.failure:
        return click.style("fails ", fg="red")
    return click.style("warns ", fg="yellow") if finding.warning else "ok    "


async def _findings(tell: Callable[[Finding], None]) -> list[Finding]:
    """All of them; each is told as it comes."""
    findings = []
    async for finding in _examine():
        tell(finding)
        findings.append(finding)
    return findings


async def _examine() -> AsyncIterator[Finding]:
    try:
        settings = read_settings()
    except UnsafeSettings as unsafe:
        mend = "correct the environment or .env; .env.example lists all settings"
        for fault in unsafe.faults:
            yield Finding("settings", fault, mend)
        return
    yield Finding("settings", None)
    async for finding in _of_all(settings):
        yield finding


async def _of_all(settings: Settings) -> AsyncIterator[Finding]:
    failed: set[str] = set()
    async with live_container(settings, image_processes=1) as container:
        for check in _checks(settings):
            if blocked := [name for name in check.needs if name in failed]:
                mend = f"see to {blocked[0]} first"
                finding = Finding(check.name, "It could not be looked at.", mend)
            else:
                finding = await _found(check, container)
            if finding.failure:
                failed.add(finding.name)
            yield finding


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check(
        "database",
        _database_answers,
        "start Postgres, correct DATABASE_URL, then run `photo migrate`",
    )
    yield Check(
        "store",
        partial(_store_answers, settings.s3_bucket_raw),
        "start the object store, correct AWS_ENDPOINT_URL_S3 and AWS_REGION, let this"
        " machine reach it",
    )
    buckets = {
        "raw_bucket": settings.s3_bucket_raw,
        "processed_bucket": settings.s3_bucket_processed,
    }
    for name, bucket in buckets.items():
        yield Check(
            name,
            partial(_bucket_is_private, bucket),
            f"create the bucket {bucket}, let these credentials read, write and delete"
            " in it, and block all public access",
            ("store",),
        )
    yield Check(
        "first_write_wins",
        partial(_first_writes_win, [*buckets.values()]),
        "use an object store that answers 412 to `If-None-Match: *` on PutObject if"
        " the key is taken, as Amazon S3 does; a newer release of yours may do so",
        BUCKETS,
    )
    yield from demanded_of_buckets(settings)
    yield Check(
        "workflows",
        _workflows_answer,
        "start Temporal, correct TEMPORAL_TARGET and TEMPORAL_NAMESPACE",
    )
    yield from _scanner_checks(settings)
    yield Check(
        "recognizer",
        _recognizer_reads,
        "install the locked requirements again, or correct OCR_ENGINE and its access",
    )
    yield from around_the_service(settings)


def _scanner_checks(settings: Settings) -> Iterator[Check]:
    if settings.clamd_url is None:
        yield Check("scanner", _scanner_is_off, mend="")
        return
    largest = settings.max_bytes.largest
    clamd = ClamdScanner(settings.clamd_url, max_bytes=largest)
    yield Check(
        "scanner",
        partial(_scanner_finds, clamd),
        "start clamd, correct CLAMD_URL, let freshclam fetch the signatures",
    )
    yield Check(
        "scanner_limits",
        partial(_scanner_sees_all, clamd, largest),
        f"in clamd.conf, set StreamMaxLength and MaxFileSize to {largest} or more,"
        f" MaxScanSize to {4 * largest}, AlertExceedsMax yes, AlertEncrypted yes",
        ("scanner",),
    )


async def _found(check: Check, container: AsyncContainer) -> Finding:
    since = perf_counter()
    failure = warning = None
    try:
        async with asyncio.timeout(_TIME_LIMIT_SECONDS):
            warning = await check.run(container)
    except TimeoutError:
        failure = f"no answer in {_TIME_LIMIT_SECONDS} s"
    except PhotoError as error:
        failure = told(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest is examined
        failure = f"It cannot be set up. [{type(error).__name__}]"
    latency = round((perf_counter() - since) * 1000, 1)
    mend = check.mend if failure else None
    return Finding(check.name, failure, mend, latency, warning)


async def _database_answers(container: AsyncContainer) -> str | None:
    check = await container.get(PostgresCheck)
    await check.check()
    if await check.is_above_policies():
        return (
            "row-level security does not hold for this role: give the service one "
            "that is no superuser and has NOBYPASSRLS"
        )
    return None


async def _store_answers(bucket: str, container: AsyncContainer) -> None:
    """Whatever it says of the bucket."""
    await reach(await container.get(S3Clients), bucket)


async def _bucket_is_private(bucket: str, container: AsyncContainer) -> None:
    if await is_public(await container.get(S3Clients), bucket):
        raise Unavailable("Anyone may read or write here.")


async def _first_writes_win(buckets: Sequence[str], container: AsyncContainer) -> None:
    clients = await container.get(S3Clients)
    for bucket in buckets:
        if await replaces(clients, bucket):
            raise Unavailable(f"A second write replaces the first in {bucket}.")


async def _workflows_answer(container: AsyncContainer) -> None:
    await (await container.get(WorkflowEngine)).check()


async def _scanner_is_off(_: AsyncContainer) -> str:
    return (
        "off: photos are not scanned for viruses;"
        " set CLAMD_URL to tcp://host:3310 or unix:/path"
    )


async def _scanner_finds(clamd: ClamdScanner, _: AsyncContainer) -> str | None:
    await clamd.check()
    if not await knows_eicar(clamd):
        raise Unavailable("It does not know the EICAR test file.")
    made_at = await clamd.signatures_made_at()
    if made_at is None:
        return "its signatures have no date: they are not ClamAV's own"
    age = datetime.now(UTC) - made_at
    if age < _OLD:
        return None
    return f"its signatures are {age.days} days old: does freshclam run?"


async def _scanner_sees_all(
    clamd: ClamdScanner, largest: int, _: AsyncContainer
) -> None:
    if unseen := await blind_spots(clamd, largest=largest):
        raise Unavailable(" ".join(unseen))


async def _recognizer_reads(container: AsyncContainer) -> None:
    recognizer = await container.get(TextRecognizer)
    with TemporaryDirectory(prefix="photo-") as scratch:
        page = Path(scratch) / "page.jpg"
        image = Image.new("L", (400, 100), 255)
        font = ImageFont.load_default(48)
        ImageDraw.Draw(image).text((20, 20), "photo doctor", fill=0, font=font)
        image.save(page, quality=95)
        read = await recognizer.recognize(page)
    if "photo" not in read.text.lower():
        raise RecognitionFailed("The recogniser does not read plain letters.")
