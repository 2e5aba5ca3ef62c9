"""A real clamd for the tests, with a configuration and a signature of their own."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import pytest

from drill.clamd import RECOMMENDED, SOCKET, installed, program, url
from photo.adapters.clamav import ClamdScanner
from photo.domain.errors import Unavailable
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.process import Process

__all__ = [
    "LARGEST",
    "RECOMMENDED",
    "Clamd",
    "chunked",
    "clamd_if_installed",
    "running_clamd",
]

#: Our own limit in the tests: that of the largest photo.
LARGEST = 50_000_000

_REQUIRED = os.environ.get("PHOTO_TEST_REQUIRE_ALL") == "1"
_READY_SECONDS = 30


@dataclass
class Clamd:
    tcp_url: str
    unix_url: str
    process: Process
    folder: Path

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Killed at first, and back in the end."""
        self.process.kill()
        await self.process.wait()
        try:
            yield
        finally:
            self.process = await Process.start(self.process.program, logs=self.folder)
            await self.answers()

    async def answers(self) -> None:
        await self.process.until(lambda: _answers(self), seconds=_READY_SECONDS)

    def send(self, number: Signals) -> None:
        self.process._process.send_signal(number)

    def scanner(
        self, *, max_bytes: int = LARGEST, silence_seconds: float = 30
    ) -> ClamdScanner:
        return ClamdScanner(
            self.tcp_url, max_bytes=max_bytes, silence_seconds=silence_seconds
        )


@asynccontextmanager
async def clamd_if_installed(folder: Path) -> AsyncIterator[Clamd | None]:
    if installed() or _REQUIRED:
        async with running_clamd(folder) as clamd:
            yield clamd
    else:
        yield None


@asynccontextmanager
async def running_clamd(
    folder: Path, options: Mapping[str, str] = RECOMMENDED
) -> AsyncIterator[Clamd]:
    """Where clamd is not installed, skips the test, or fails it if all is required."""
    if not installed():
        (pytest.fail if _REQUIRED else pytest.skip)("clamd is not installed")
    port = choose_ports(["clamd"])["clamd"]
    process = await Process.start(program(folder, port, options), logs=folder)
    clamd = Clamd(url(port), f"unix:{folder / SOCKET}", process, folder)
    try:
        await clamd.answers()
        yield clamd
    finally:
        await clamd.process.stop()


async def _answers(clamd: Clamd) -> bool:
    try:
        await clamd.scanner().check()
    except Unavailable:
        return False
    return True


async def chunked(data: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
