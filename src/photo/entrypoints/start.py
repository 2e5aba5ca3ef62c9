"""How every command of the service begins and ends."""

import asyncio
import atexit
import gc
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import structlog
import uvloop
from structlog.typing import Processor

from photo.domain.errors import PhotoError
from photo.entrypoints.logging import configure_logging
from photo.entrypoints.settings import Settings, UnsafeSettings

log = structlog.get_logger(__name__)

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


@contextmanager
def _bugs_told_of(settings: Settings) -> Iterator[Sequence[Processor]]:
    """By the processors of log events that it yields, where that is wished for."""
    if settings.sentry_dsn is None:
        yield ()
        return
    from photo.entrypoints.error_reports import reporting_errors  # noqa: PLC0415 - heavy

    with reporting_errors(settings.sentry_dsn, settings.environment) as reports:
        yield (reports,)


def keep_for_good() -> None:
    """To be called when all is there that stays as long as the process.

    Looking there for garbage, again and again, would stop all else for .2 s.
    """
    gc.collect()
    gc.freeze()


def run(main: Callable[[Settings], Awaitable[None]]) -> None:
    """Run a command on its settings; exit 2 with every fault if they are unsafe.

    A failure with a sentence of its own exits 1 with that sentence.
    """
    # Or the interpreter looks for garbage once more, which takes up to a second.
    atexit.register(gc.freeze)
    settings = _settings_or_exit()
    as_json = settings.environment != "development"

    async def start() -> None:
        try:
            await main(settings)
        finally:
            await asyncio.sleep(_LAST_CALL_SECONDS)

    with _bugs_told_of(settings) as told_of:
        configure_logging(settings.log_level, as_json=as_json, seen_by=told_of)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(start())
        except PhotoError as error:
            click.echo(f"photo: {told(error)}", err=True)
            sys.exit(1)
        except Exception:  # the edge of the process
            log.exception("crashed")
            sys.exit(1)
