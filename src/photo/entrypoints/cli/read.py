"""`photo read`: a client of the HTTP API for people and pipes."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from photo.entrypoints.client import PhotoClient, Refused, photos_in
from photo.entrypoints.credentials import find_credentials

_AT_ONCE = 4
_EXTENSION = {"text": ".txt", "json": ".json"}


class Photo(NamedTuple):
    source: str
    #: Where its text goes below `--output`: without the form's extension.
    place: Path


class Reading(NamedTuple):
    photo: Photo
    job: dict[str, Any] | None
    content: str = ""
    failure: Refused | None = None


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE|DIR|URL...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file per photo into this folder instead of printing.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per photo.")
def read(
    sources: tuple[str, ...], form: str, output: Path | None, *, as_json: bool
) -> None:
    """Read photos and print their text. Exit 0 if all were read, 1 if some failed.

    The service is found by PHOTO_API_URL and PHOTO_API_KEY, else by what
    `photo up` left in its data folder.
    """
    photos = [*_expanded(sources)]
    if not photos:
        raise click.UsageError("There are no photos in these folders.")
    if output:
        _refuse_collisions(photos)
    failures = asyncio.run(_read_all(photos, form, output, as_json=as_json))
    sys.exit(1 if failures else 0)


def _expanded(sources: tuple[str, ...]) -> Iterator[Photo]:
    for source in sources:
        if _is_url(source):
            yield Photo(source, Path(Path(urlsplit(source).path).name or "photo"))
        elif (path := Path(source)).is_dir():
            for file in photos_in(path):
                yield Photo(str(file), file.relative_to(path))
        elif path.is_file():
            yield Photo(source, Path(path.name))
        else:
            raise click.UsageError(f"There is no file or folder {source}.")


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _refuse_collisions(photos: list[Photo]) -> None:
    taken: dict[Path, str] = {}
    for photo in photos:
        other = taken.setdefault(photo.place, photo.source)
        if other != photo.source:
            raise click.UsageError(
                f"{other} and {photo.source} would be written to the same file."
                " Read them one after the other, or read the folder above them."
            )


async def _read_all(
    photos: list[Photo], form: str, output: Path | None, *, as_json: bool
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
                    done = _kept(done, form, output)
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


async def _read_one(client: PhotoClient, photo: Photo, form: str) -> Reading:
    job = None
    try:
        if _is_url(photo.source):
            job = await client.submit_url(photo.source)
        else:
            job = await client.submit_file(Path(photo.source))
        job = await client.read(job)
        return Reading(photo, job, await client.result(job, form))
    except Refused as refused:
        return Reading(photo, job, failure=refused)
    except OSError as error:
        detail = f"The file cannot be read ({error.strerror})."
        return Reading(photo, job, failure=Refused("validation_failed", detail))


def _kept(done: Reading, form: str, output: Path) -> Reading:
    place = done.photo.place
    file = output / place.with_name(place.name + _EXTENSION[form])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(done.content, encoding="utf-8")
    except OSError as error:
        detail = f"{file} cannot be written ({error.strerror})."
        return done._replace(failure=Refused("internal", detail))
    return done


def _report(done: Reading, form: str, *, show: bool, as_json: bool, many: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(done, form), ensure_ascii=False))
    if done.failure:
        click.echo(f"photo: {done.photo.source}: {done.failure}", err=True)
    elif show:
        if many and sys.stdout.isatty():
            click.secho(f"── {done.photo.source}", dim=True)
        click.echo(done.content)


def _as_json(done: Reading, form: str) -> dict[str, Any]:
    content = json.loads(done.content) if done.content and form == "json" else None
    return {
        "source": done.photo.source,
        "job_id": done.job["id"] if done.job else None,
        "status": "failed" if done.failure else "succeeded",
        "text": content["text"] if content else done.content,
        "result": content,
        "error": done.failure
        and {"code": done.failure.code, "detail": done.failure.detail},
    }
