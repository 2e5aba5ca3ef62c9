"""Whether a scanner sees all of what it passes, tried on harmless files.

A clamd as it is delivered calls clean what it gave up: it must be told to say so.
"""

from collections.abc import AsyncIterator
from enum import Enum, auto
from io import BytesIO
from zipfile import ZipFile

from photo.application.ports import Scanner
from photo.domain.errors import Unscannable

_CHUNK_BYTES = 1 << 20
#: Deeper than a scanner goes: clamd stops at 17, unless its MaxRecursion is raised.
_TOO_DEEP = 101
_LOCAL_FLAGS, _CENTRAL_FLAGS = 6, 8
_ENCRYPTED = 1


class _Said(Enum):
    HARMFUL = auto()
    UNSEEN = auto()
    CLEAN = auto()


async def blind_spots(scanner: Scanner, *, largest: int) -> list[str]:
    """What it passes unseen, or refuses though it must not; a sentence each."""
    said = await _ask(scanner, _padded(zipped(eicar()), largest))
    faults = {
        f"The end of a file of {largest} bytes is not looked at.": said is _Said.CLEAN,
        f"A file of {largest} bytes is refused.": said is _Said.UNSEEN,
        "What is nested too deeply passes.": await _passes(scanner, nested(_TOO_DEEP)),
        "What is encrypted passes.": await _passes(scanner, encrypted()),
    }
    return [fault for fault, is_so in faults.items() if is_so]


async def knows_eicar(scanner: Scanner) -> bool:
    """Whether it has signatures: this file is in every collection."""
    return await _ask(scanner, _padded(eicar())) is _Said.HARMFUL


async def _passes(scanner: Scanner, data: bytes) -> bool:
    return await _ask(scanner, _padded(data)) is _Said.CLEAN


async def _ask(scanner: Scanner, chunks: AsyncIterator[bytes]) -> _Said:
    try:
        return _Said.HARMFUL if await scanner.scan(chunks) else _Said.CLEAN
    except Unscannable:
        return _Said.UNSEEN


async def _padded(data: bytes, size: int = 0) -> AsyncIterator[bytes]:
    """The data, after as many zeros as it takes to reach the size."""
    missing = max(size - len(data), 0)
    for start in range(0, missing, _CHUNK_BYTES):
        yield bytes(min(_CHUNK_BYTES, missing - start))
    yield data


def eicar() -> bytes:
    """Put together only here: who finds it whole in a file takes that for a virus."""
    halves = (
        rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR",
        rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    )
    return b"".join(halves)


def zipped(data: bytes) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as file:
        file.writestr("file", data)
    return archive.getvalue()


def nested(depth: int) -> bytes:
    """An archive in an archive, and so on."""
    data = b""
    for _ in range(depth):
        data = zipped(data)
    return data


def encrypted() -> bytes:
    """An archive that says it is encrypted. It has no key: nobody can look inside."""
    archive = bytearray(zipped(b"never to be seen"))
    archive[_LOCAL_FLAGS] |= _ENCRYPTED
    archive[archive.rindex(b"PK\1\2") + _CENTRAL_FLAGS] |= _ENCRYPTED
    return bytes(archive)
