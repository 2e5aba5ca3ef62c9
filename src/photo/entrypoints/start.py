"""How every command of the service begins and ends."""

import asyncio
import atexit
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import uvloop

from photo.domain.errors import PhotoError
from photo.entrypoints.logging import configure_logging
from photo.entrypoints.settings import Settings, UnsafeSettings

_DOTENV = Path(".env")

# The Temporal client's threads may still be delivering when the interpreter goes:
# https://github.com/temporalio/sdk-python/issues/300
_LAST_CALL_SECONDS = 0.05


def read_settings() -> Settings:
    """From the environment and `.env`, or `UnsafeSettings`."""
    dotenv = _DOTENV if _DOTENV.is_file() else None
    return Settings.from_env(os.environ, dotenv=dotenv)


def _settings_or_exit() -> Settings:
    try:
        return read_settings()
    except UnsafeSettings as unsafe:
        click.echo("photo: these settings cannot be used:", err=True)
        for fault in unsafe.faults:
            click.echo(f"  {fault}", err=True)
        sys.exit(2)


def told(error: PhotoError) -> str:
    """An error for an operator's eyes: with its reason, where it has one."""
    return f"{error.detail} [{error.reason}]" if error.reason else error.detail


def run(main: Callable[[Settings], Awaitable[None]]) -> None:
    """Run a command on its settings; exit 2 with every fault if they are unsafe.

    A failure with a sentence of its own exits 1 with that sentence.
    """
    # Or the interpreter looks for garbage once more, which takes up to a second.
    atexit.register(gc.freeze)
    settings = _settings_or_exit()
    configure_logging(
        level=settings.log_level, as_json=settings.environment != "development"
    )

    async def start() -> None:
        try:
            await main(settings)
        finally:
            await asyncio.sleep(_LAST_CALL_SECONDS)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(start())
    except PhotoError as error:
        click.echo(f"photo: {told(error)}", err=True)
        sys.exit(1)
