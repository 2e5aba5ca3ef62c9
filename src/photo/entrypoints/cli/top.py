"""`photo top`: what the service does, live, from the metrics of its processes."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import click
import httpx
from rich.console import Console, RenderableType
from rich.live import Live

from photo.entrypoints.cli.frame import frame
from photo.entrypoints.credentials import DATA_DIR
from photo.entrypoints.local.metrics import metrics_urls
from photo.entrypoints.scraped import Between, Samples, Scrape, parsed
from photo.entrypoints.settings import UnsafeSettings
from photo.entrypoints.start import read_settings

_PATIENCE_SECONDS = 5
#: Rates and percentiles are those of the last minute.
_WINDOW_SECONDS = 60


class Unreadable(Exception):
    """A sentence that says which URL, and why."""


@click.command()
@click.argument("urls", metavar="[URL]…", nargs=-1)
@click.option(
    "--once", is_flag=True, help="Print one frame after an interval, and end."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2,
    show_default=True,
    help="Seconds between two looks.",
)
def top(urls: tuple[str, ...], *, once: bool, interval: float) -> None:
    """Show what the service does, from its processes' metrics.

    Name the URL of each process, such as http://127.0.0.1:9090/metrics. Without any
    that of METRICS_PORT on this machine is read, or those of this folder's `photo up`.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(urls or _known_urls(), once=once, interval=interval))


def _known_urls() -> Sequence[str]:
    try:
        settings = read_settings()
    except UnsafeSettings:
        settings = None
    if settings and settings.metrics_port:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return [f"http://{host}:{settings.metrics_port}/metrics"]
    if urls := metrics_urls(DATA_DIR):
        return urls
    raise click.UsageError(
        "Name the URLs of the metrics, such as http://127.0.0.1:9090/metrics, set"
        " METRICS_PORT, or run `photo up` in this folder first."
    )


async def _main(urls: Sequence[str], *, once: bool, interval: float) -> None:
    # No proxy, and no credential of ~/.netrc: these are one's own machines.
    async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
        first, silent = await _scraped(client, urls)
        if not first.processes:
            click.echo("\n".join(silent.values()), err=True)
            sys.exit(1)
        console = Console()
        frames = _frames(client, urls, first, interval)
        if console.is_terminal and not once:
            start = frame(Between(first, first), silent)
            with Live(start, console=console, screen=True, auto_refresh=False) as live:
                async for shown, _ in frames:
                    live.update(shown, refresh=True)
        async for shown, silent in frames:
            console.print(shown)
            if once:
                sys.exit(1 if silent else 0)


async def _frames(
    client: httpx.AsyncClient, urls: Sequence[str], first: Scrape, interval: float
) -> AsyncIterator[tuple[RenderableType, Mapping[str, str]]]:
    """Without end, and who did not answer. Processes may come and go."""
    scrapes = deque([first])
    while True:
        await asyncio.sleep(interval)
        last, silent = await _scraped(client, urls)
        scrapes.append(last)
        while last.at - scrapes[1].at >= _WINDOW_SECONDS:
            scrapes.popleft()
        yield frame(Between(scrapes[0], last), silent), silent


async def _scraped(
    client: httpx.AsyncClient, urls: Sequence[str]
) -> tuple[Scrape, Mapping[str, str]]:
    """What those said that answered; of the others, a sentence each, by URL."""
    answers = await asyncio.gather(
        *(_samples(client, url) for url in urls), return_exceptions=True
    )
    told: dict[str, Samples] = {}
    silent: dict[str, str] = {}
    for url, answer in zip(urls, answers, strict=True):
        if isinstance(answer, Unreadable):
            silent[url] = str(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            told[url] = answer
    return Scrape(monotonic(), told), silent


async def _samples(client: httpx.AsyncClient, url: str) -> Samples:
    try:
        answer = await client.get(url)
    except httpx.TimeoutException:
        raise Unreadable(f"{url} gave no answer in {_PATIENCE_SECONDS} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreadable(
            f"{url} cannot be read: {str(error) or type(error).__name__}."
        ) from None
    if not answer.is_success:
        raise Unreadable(f"{url} answered {answer.status_code}: is it a metrics URL?")
    try:
        return parsed(answer.text)
    except ValueError:
        raise Unreadable(f"{url} answered something else than metrics.") from None
