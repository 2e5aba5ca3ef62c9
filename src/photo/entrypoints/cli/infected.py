"""`photo infected`: the files that the scanner found harmful."""

import re

import click
import msgspec

from photo.application.ports import InfectedFiles
from photo.domain.infected import InfectedFile
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import run

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROW = "{:25}  {:64}  {:30}  {}"


def _sha256(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    sha256 = value.lower()
    if not _SHA256.fullmatch(sha256):
        raise click.BadParameter("a SHA-256 is written as 64 hexadecimal digits")
    return sha256


@click.group()
def infected() -> None:
    """List and forget files that were found infected."""


@infected.command(name="list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_(*, limit: int, as_json: bool) -> None:
    """List the files that were found last, newest first."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            files = await (await container.get(InfectedFiles)).all(limit=limit)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(files)))
            return
        click.echo(_ROW.format("FOUND AT", "SHA-256", "JOB", "SIGNATURE"))
        for file in files:
            click.echo(_row(file))

    run(main)


def _row(file: InfectedFile) -> str:
    found_at = file.found_at.isoformat(timespec="seconds")
    return _ROW.format(found_at, file.sha256, file.job_id or "(erased)", file.signature)


@infected.command()
@click.argument("sha256", metavar="SHA256", callback=_sha256)
def forget(sha256: str) -> None:
    """Accept a file again that was called infected by mistake."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            await (await container.get(InfectedFiles)).forget(sha256)
        click.echo(f"{sha256} is forgotten: the file is accepted again.")

    run(main)
