"""`photo api` and `photo worker`, as processes that come and go."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.e2e.conftest import PHOTO

READY_SECONDS = 240


class Running:
    """One of them, and what it says."""

    def __init__(self, process: Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    def must_run(self) -> None:
        assert self.process.returncode is None, self.said()

    def said(self) -> str:
        return self._log.read_text()

    async def until_it_says(self, words: str) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while words not in self.said():
                self.must_run()
                await asyncio.sleep(0.05)

    async def until_ready(self, path: str = "/readyz") -> None:
        transport = httpx.AsyncHTTPTransport(retries=10)
        async with (
            asyncio.timeout(READY_SECONDS),
            httpx.AsyncClient(
                transport=transport, base_url=self.url, timeout=60
            ) as client,
        ):
            while True:
                self.must_run()
                try:
                    if (await client.get(path)).is_success:
                        return
                except httpx.TransportError:
                    continue

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """How many seconds it takes to end, as it should."""
        since = asyncio.get_running_loop().time()
        self.process.send_signal(number)
        async with asyncio.timeout(90):
            assert await self.process.wait() == 0, self.said()
        assert "Traceback" not in self.said(), self.said()
        return asyncio.get_running_loop().time() - since


@asynccontextmanager
async def running(
    command: str, env: Mapping[str, str], log: Path
) -> AsyncIterator[Running]:
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            PHOTO, command, env=env, stdout=file, stderr=file
        )
    try:
        yield Running(process, f"http://127.0.0.1:{env['PORT']}", log)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)
