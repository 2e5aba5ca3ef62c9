"""A real clamd with a configuration and a signature of its own, on loopback."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from photo.adapters.clamav import ClamdScanner
from photo.domain.errors import Unavailable
from photo.domain.media import LARGEST_FILE
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Program
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

#: In its folder.
SOCKET = "clamd.sock"

_RELOAD_SECONDS = 30.0
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


def installed() -> str | None:
    return shutil.which("clamd", path=_PATH)


def program(
    folder: Path, port: int, options: Mapping[str, str] = RECOMMENDED
) -> Program:
    """It listens on the port and on `SOCKET` in the folder."""
    clamd = installed()
    if clamd is None:
        raise StackError("clamd is not installed.")
    signatures, scratch = folder / "signatures", folder / "scratch"
    signatures.mkdir()
    scratch.mkdir()
    (signatures / "eicar.ndb").write_text(f"Eicar-Test-Signature:0:*:{eicar().hex()}\n")
    config = folder / "clamd.conf"
    lines = {
        "Foreground": "yes",
        "TCPAddr": HOST,
        "TCPSocket": port,
        "LocalSocket": folder / SOCKET,
        "DatabaseDirectory": signatures,
        "TemporaryDirectory": scratch,
        **options,
    }
    config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    return Program(name="clamd", argv=[clamd, f"--config-file={config}"], env={})


def url(port: int) -> str:
    return f"tcp://{HOST}:{port}"


async def answers(port: int) -> bool:
    try:
        await ClamdScanner(url(port), max_bytes=LARGEST_FILE).check()
    except Unavailable:
        return False
    return True


async def reload(port: int) -> bool:
    """Have it read its signatures anew; whether it was there to be told."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_RELOAD_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"nRELOAD\n")
            said = await reader.read()
            writer.close()
            return said.startswith(b"RELOADING")
    return False
