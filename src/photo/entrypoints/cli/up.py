"""`photo up` and `photo demo`: the whole service on this machine."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from photo.adapters.postgres.migrate import migrate
from photo.adapters.s3.buckets import create_bucket
from photo.adapters.s3.clients import open_clients
from photo.application.keys import CreateKey
from photo.domain.access import Scope, Tenant
from photo.domain.errors import PhotoError
from photo.entrypoints.credentials import (
    DATA_DIR,
    Credentials,
    load_credentials,
    save_credentials,
)
from photo.entrypoints.demo import read_samples
from photo.entrypoints.live import live_container
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Servers
from photo.entrypoints.local.stack import Serve, run_stack
from photo.entrypoints.settings import Settings

_RAW, _PROCESSED = "photo-raw", "photo-processed"
_PORT = click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True
)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_DATA_DIR = click.option(
    "--data-dir", type=_FOLDER, default=DATA_DIR, show_default=True
)
_WORKERS = click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True
)


@click.command()
@_PORT
@_DATA_DIR
@_WORKERS
def up(port: int, data_dir: Path, workers: int) -> None:
    """Run Postgres, S3, Temporal, the API and workers here until Ctrl-C.

    The data stays in the data folder, and so do the credentials for `photo read`.
    """
    _run(data_dir, port, workers, _for_ever)


@click.command()
@click.argument("samples", type=click.Path(exists=True, path_type=Path))
@_PORT
@_DATA_DIR
@_WORKERS
@click.option("--once", is_flag=True, help="Stop after the samples.")
def demo(samples: Path, port: int, data_dir: Path, workers: int, *, once: bool) -> None:
    """The same, and read the photos of a folder through the API."""
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
    async def prepare(servers: Servers) -> Sequence[Program]:
        variables = _variables(servers, port)
        await _furnish(servers, Settings.from_env(variables), data_dir, port)
        names = ["api", *(f"worker-{n}" for n in range(1, workers + 1))]
        return [_program(name, variables) for name in names]

    try:
        asyncio.run(
            run_stack(data_dir, port=port, prepare=prepare, serve=serve, say=click.echo)
        )
    except (StackError, PhotoError) as error:
        click.secho(f"photo: {error}", err=True, fg="red")
        sys.exit(1)


def _variables(servers: Servers, port: int) -> dict[str, str]:
    return {
        "HOST": HOST,
        "PORT": str(port),
        "DATABASE_URL": servers.database_url,
        "AWS_REGION": servers.s3.region,
        "AWS_ENDPOINT_URL_S3": servers.s3.endpoint,
        "AWS_ACCESS_KEY_ID": servers.s3.access_key_id,
        "AWS_SECRET_ACCESS_KEY": servers.s3.secret_access_key,
        "S3_BUCKET_RAW": _RAW,
        "S3_BUCKET_PROCESSED": _PROCESSED,
        "TEMPORAL_TARGET": servers.temporal_target,
        "TEMPORAL_NAMESPACE": servers.temporal_namespace,
    }


def _program(name: str, variables: dict[str, str]) -> Program:
    command = name.partition("-")[0]
    inherited = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LOG_LEVEL")
        if name in os.environ
    }
    return Program(
        name=name,
        argv=[sys.executable, "-m", "photo", command],
        env={**inherited, **variables},
    )


async def _furnish(
    servers: Servers, settings: Settings, data_dir: Path, port: int
) -> None:
    """Tables, buckets and a first key; what is there already stays."""
    await migrate(servers.database_url)
    url = f"http://{HOST}:{port}"
    async with open_clients(
        region=servers.s3.region,
        attempts=3,
        endpoint=servers.s3.endpoint,
        access_key_id=servers.s3.access_key_id,
        secret_access_key=servers.s3.secret_access_key,
    ) as clients:
        for bucket in (_RAW, _PROCESSED):
            await create_bucket(clients, bucket, origins=[url])
    known = load_credentials(data_dir)
    key = known.key if known else await _first_key(settings)
    save_credentials(data_dir, Credentials(url, key))


async def _first_key(settings: Settings) -> str:
    async with live_container(settings) as container:
        create_key = await container.get(CreateKey)
        _, shown = await create_key(
            Tenant("default"), name="photo up", scopes=frozenset(Scope)
        )
    return shown
