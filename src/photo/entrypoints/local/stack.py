"""The whole service on this machine, as `photo up` runs it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from photo.entrypoints.local.children import Children
from photo.entrypoints.local.ports import HOST, claim
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Say, Servers, start_servers

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_SECONDS = 60.0

#: Readies the servers for the service; answers the processes to run, the API first.
Prepare = Callable[[Servers], Coroutine[Any, Any, Sequence[Program]]]
#: What goes on while all run; the stack ends when it returns.
Serve = Callable[[], Coroutine[Any, Any, None]]


async def run_stack(
    data_dir: Path, *, port: int, prepare: Prepare, serve: Serve, say: Say
) -> signal.Signals | None:
    """Runs the stack until `serve` returns or a signal comes; answers that signal.

    The first signal stops all in order, the second kills all at once. Raises
    `StackError` when something cannot start or dies, after the rest is stopped.
    """
    children = Children(data_dir)
    task = asyncio.create_task(_run(children, port, prepare, serve, say))
    received: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        if len(received) > 1:
            children.kill()
        else:
            say("Stopping. Once more to kill.")
            task.cancel()

    with _handled(on_signal):
        try:
            await task
        except asyncio.CancelledError:
            if not received:
                raise
    return received[0] if received else None


async def _run(
    children: Children, port: int, prepare: Prepare, serve: Serve, say: Say
) -> None:
    async with children:
        await claim({"the API": port}, advice="Choose another with --port.")
        servers = await start_servers(children, say=say)
        programs = await children.during(prepare(servers))
        children.next_wave()
        api, *_ = [await children.start(program) for program in programs]
        await children.during(api.until(lambda: _is_ready(port), seconds=READY_SECONDS))
        say(f"http://{HOST}:{port} ready")
        await children.during(serve())


@contextmanager
def _handled(handler: Callable[[signal.Signals], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, handler, number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _is_ready(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            answer = await client.get(f"http://{HOST}:{port}/readyz")
        except httpx.HTTPError:
            return False
    return answer.status_code == httpx.codes.OK
