"""`photo api` and `photo worker`: the processes of production."""

import click

from photo.entrypoints.api import serve_api
from photo.entrypoints.start import run
from photo.entrypoints.worker import run_worker


@click.command()
def api() -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C."""
    run(serve_api)


@click.command()
def worker() -> None:
    """Work on jobs until SIGTERM or Ctrl-C."""
    run(run_worker)
