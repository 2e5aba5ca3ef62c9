"""`photo read`: a client of the HTTP API for people and pipes."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from photo.domain.characters import visible
from photo.domain.formats import Format
from photo.entrypoints.cli.sources import Photo, expanded, refuse_collisions
from photo.entrypoints.client import PhotoClient, Refused
from photo.entrypoints.credentials import find_credentials

_AT_ONCE = 4
_FORMATS = [form.value for form in Format]
#: What `--json` can take into its lines.
_IN_JSON = {Format.TEXT, Format.JSON}
#: All that a text may do to a terminal.
_LAYOUT = "\n\t\f"


class Reading(NamedTuple):
    photo: Photo
    job: dict[str, Any] | None
    content: bytes = b""
    failure: Refused | None = None


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE|DIR|URL...")
@click.option("--format", "named", type=click.Choice(_FORMATS), default="text")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file per photo into this folder instead of printing.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per photo.")
def read(
    sources: tuple[str, ...], named: str, output: Path | None, *, as_json: bool
) -> None:
    """Read photos and print their text. Exit 0 if all were read, 1 if some failed.

    The service is found by PHOTO_API_URL and PHOTO_API_KEY, else by what
    `photo up` left in its data folder.
    """
    form = Format(named)
    photos = [*expanded(sources, form.extension)]
    if not photos:
        raise click.UsageError("There are no photos in these folders.")
    if output:
        refuse_collisions(photos)
    else:
        _refuse_unprintable(form, len(photos), as_json=as_json)
    failures = asyncio.run(_read_all(photos, form, output, as_json=as_json))
    sys.exit(1 if failures else 0)


def _refuse_unprintable(form: Format, count: int, *, as_json: bool) -> None:
    if as_json and form not in _IN_JSON:
        detail = "JSON lines hold text and json only."
    elif form is Format.PDF and sys.stdout.isatty():
        detail = "A PDF is nothing for a terminal."
    elif form is Format.PDF and count > 1:
        detail = "One stream cannot hold several PDFs."
    else:
        return
    raise click.UsageError(f"{detail} Give a folder with --output.")


async def _read_all(
    photos: list[Photo], form: Format, output: Path | None, *, as_json: bool
) -> int:
    credentials = find_credentials()
    failures = 0
    free = asyncio.Semaphore(_AT_ONCE)
    with _progress() as progress:
        task = progress.add_task("reading", total=len(photos))
        async with PhotoClient.connect(credentials.url, credentials.key) as client:

            async def one(photo: Photo) -> Reading:
                async with free:
                    reading = await _read_one(client, photo, form)
                progress.advance(task)
                return reading

            for reading in [asyncio.create_task(one(photo)) for photo in photos]:
                done = await reading
                if output and not done.failure:
                    done = _kept(done, output)
                failures += done.failure is not None
                _report(
                    done,
                    form,
                    show=not (output or as_json),
                    as_json=as_json,
                    many=len(photos) > 1,
                )
    return failures


def _progress() -> Progress:
    """A bar for people; nothing in a pipe."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not (sys.stderr.isatty() and sys.stdout.isatty()),
    )


async def _read_one(client: PhotoClient, photo: Photo, form: Format) -> Reading:
    job = None
    try:
        if isinstance(photo.source, Path):
            job = await client.submit_file(photo.source)
        else:
            job = await client.submit_url(photo.source)
        job = await client.read(job)
        return Reading(photo, job, await client.result(job, form))
    except Refused as refused:
        return Reading(photo, job, failure=refused)
    except OSError as error:
        detail = f"The file cannot be read ({error.strerror})."
        return Reading(photo, job, failure=Refused("validation_failed", detail))


def _kept(done: Reading, output: Path) -> Reading:
    file = output / done.photo.place
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(done.content)
    except OSError as error:
        detail = f"{file} cannot be written ({error.strerror})."
        return done._replace(failure=Refused("internal", detail))
    return done


def _report(
    done: Reading, form: Format, *, show: bool, as_json: bool, many: bool
) -> None:
    if as_json:
        _print(json.dumps(_as_json(done, form), ensure_ascii=False))
    if done.failure:
        failure = visible(str(done.failure))
        click.echo(f"photo: {done.photo.name}: {failure}", err=True)
    elif show:
        if many and sys.stdout.isatty():
            click.secho(f"── {done.photo.name}", dim=True)
        _show(done.content, form)


def _show(content: bytes, form: Format) -> None:
    if form is Format.PDF:
        click.echo(content, nl=False)
    else:
        _print(content.decode())


def _print(text: str) -> None:
    """To a terminal nothing that it would obey; to a pipe the text alone."""
    shown = visible(text, keep=_LAYOUT) if sys.stdout.isatty() else text
    click.echo(shown, color=True)


def _as_json(done: Reading, form: Format) -> dict[str, Any]:
    content = json.loads(done.content) if done.content and form is Format.JSON else None
    text = done.content.decode() if form is Format.TEXT else None
    return {
        "source": done.photo.name,
        "job_id": done.job["id"] if done.job else None,
        "status": "failed" if done.failure else "succeeded",
        "text": content["text"] if content else text,
        "result": content,
        "error": done.failure
        and {"code": done.failure.code, "detail": done.failure.detail},
    }
