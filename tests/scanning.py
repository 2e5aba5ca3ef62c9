"""A real clamd for the tests, with a configuration and a signature of their own."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import pytest

from photo.adapters.clamav import ClamdScanner
from photo.domain.errors import Unavailable
from photo.entrypoints.local.ports import HOST, choose_ports
from photo.entrypoints.local.process import Process, Program
from photo.entrypoints.scanner_probes import eicar

#: As `docs/operations.md` has it.
RECOMMENDED = {
    "StreamMaxLength": "60M",
    "MaxFileSize": "60M",
    "MaxScanSize": "240M",
    "MaxScanTime": "45000",
    "AlertExceedsMax": "yes",
    "AlertEncrypted": "yes",
}
#: Our own limit in the tests: that of the largest photo.
LARGEST = 50_000_000

_REQUIRED = os.environ.get("PHOTO_TEST_REQUIRE_ALL") == "1"
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
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
    if _program() or _REQUIRED:
        async with running_clamd(folder) as clamd:
            yield clamd
    else:
        yield None


@asynccontextmanager
async def running_clamd(
    folder: Path, options: Mapping[str, str] = RECOMMENDED
) -> AsyncIterator[Clamd]:
    """Where clamd is not installed, skips the test, or fails it if all is required."""
    program = _program()
    if program is None:
        (pytest.fail if _REQUIRED else pytest.skip)("clamd is not installed")
    port, path = choose_ports(["clamd"])["clamd"], folder / "clamd.sock"
    config = _config(folder, {"TCPSocket": port, "LocalSocket": path, **options})
    process = await Process.start(
        Program(name="clamd", argv=[program, f"--config-file={config}"], env={}),
        logs=folder,
    )
    clamd = Clamd(f"tcp://{HOST}:{port}", f"unix:{path}", process, folder)
    try:
        await clamd.answers()
        yield clamd
    finally:
        await clamd.process.stop()


def _program() -> str | None:
    return shutil.which("clamd", path=_PATH)


def _config(folder: Path, options: Mapping[str, object]) -> Path:
    signatures, scratch = folder / "signatures", folder / "scratch"
    signatures.mkdir()
    scratch.mkdir()
    (signatures / "eicar.ndb").write_text(f"Eicar-Test-Signature:0:*:{eicar().hex()}\n")
    config = folder / "clamd.conf"
    lines = {
        "Foreground": "yes",
        "TCPAddr": HOST,
        "DatabaseDirectory": signatures,
        "TemporaryDirectory": scratch,
        **options,
    }
    config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    return config


async def _answers(clamd: Clamd) -> bool:
    try:
        await clamd.scanner().check()
    except Unavailable:
        return False
    return True


async def chunked(data: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
