"""`photo up` and `photo demo`: the whole service on this machine."""

import asyncio
import sys
from pathlib import Path

import click

from photo.domain.errors import PhotoError
from photo.entrypoints.credentials import DATA_DIR, load_credentials
from photo.entrypoints.demo import read_samples
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.service import serve_locally
from photo.entrypoints.local.stack import Serve

_PORT = click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True
)
_DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIR,
    show_default=True,
)
_WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="One alone uses every processor; more are for trying out their deaths.",
)


@click.command()
@_PORT
@_DATA_DIR
@_WORKERS
def up(port: int, data_dir: Path, workers: int) -> None:
    """Run Postgres, S3, Temporal, the API and workers here until Ctrl-C.

    The data stays in the data folder, and so do the credentials for `photo read` and
    the settings for all other commands.
    """
    _run(data_dir, port, workers, _for_ever)


@click.command()
@click.argument("samples", type=click.Path(exists=True, path_type=Path))
@_PORT
@_DATA_DIR
@_WORKERS
@click.option("--once", is_flag=True, help="Stop after the samples.")
def demo(samples: Path, port: int, data_dir: Path, workers: int, *, once: bool) -> None:
    """Do as `photo up` does, and read the photos of a folder through the API."""
    read: list[bool] = []

    async def show() -> None:
        credentials = load_credentials(data_dir)
        if credentials is None:
            raise StackError(f"The credentials in {data_dir} have vanished.")
        read.append(await read_samples(samples, credentials))
        if not once:
            click.echo(f"\nServing on {credentials.url} until Ctrl-C.")
            await _for_ever()

    _run(data_dir, port, workers, show)
    if once and read != [True]:
        sys.exit(1)


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _run(data_dir: Path, port: int, workers: int, serve: Serve) -> None:
    stack = serve_locally(
        data_dir, port=port, workers=workers, serve=serve, say=click.echo
    )
    try:
        asyncio.run(stack)
    except (StackError, PhotoError) as error:
        click.secho(f"photo: {error}", err=True, fg="red")
        sys.exit(1)
