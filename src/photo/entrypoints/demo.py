"""The demo: every sample through the public API, with its text and its timings."""

from pathlib import Path
from time import perf_counter
from typing import Any

import click

from photo.domain.characters import visible
from photo.entrypoints.client import PhotoClient, Refused, photos_in
from photo.entrypoints.credentials import Credentials


async def read_samples(folder: Path, credentials: Credentials) -> bool:
    """Read every photo of a folder, one after the other; whether all were read."""
    photos = photos_in(folder)
    if not photos:
        raise click.UsageError(f"There are no photos in {folder}.")
    async with PhotoClient.connect(credentials.url, credentials.key) as client:
        read = [await _read(client, photo) for photo in photos]
    click.secho(f"\n{sum(read)} of {len(read)} photos were read.", bold=True)
    return all(read)


async def _read(client: PhotoClient, photo: Path) -> bool:
    click.secho(f"\n── {photo.name}", bold=True)
    since = perf_counter()
    try:
        job = await client.read(await client.submit_file(photo))
        text = visible(await client.text(job), keep="\n\t\f")
        click.echo(text.replace("\f", "\n\f\n"))
    except Refused as refused:
        click.secho(str(refused), fg="red")
        return False
    click.secho(_timings(job, perf_counter() - since), dim=True)
    return True


def _timings(job: dict[str, Any], total_seconds: float) -> str:
    steps = [f"{step} {ms:.0f} ms" for step, ms in job["timings_ms"].items()]
    return " · ".join([*steps, f"upload to text {total_seconds:.2f} s"])
