"""Every scanner finds what is harmful, wherever it lies and however it arrives."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from time import monotonic

import pytest

from photo.adapters.circuits.breaker import Breaker
from photo.adapters.circuits.guarded import GuardedScanner
from photo.adapters.clamav import ClamdScanner
from photo.adapters.memory import MemoryScanner
from photo.application.ports import Scanner
from photo.domain.errors import Unavailable
from photo.entrypoints.scanner_probes import eicar, zipped
from tests.scanning import LARGEST, chunked

SIGNATURE = "Eicar-Test-Signature"
PHOTO = Path("samples/receipt.jpg").read_bytes()
HARMFUL: dict[str, Callable[[], bytes]] = {
    "itself": eicar,
    "after a photo": lambda: PHOTO + eicar(),
    "in an archive": lambda: zipped(eicar()),
    "in an archive after a photo": lambda: PHOTO + zipped(eicar()),
}


@pytest.fixture(params=["memory", "guarded", "tcp", "unix"])
def scanner(request: pytest.FixtureRequest) -> Scanner:
    if request.param == "memory":
        return MemoryScanner({eicar(): SIGNATURE})
    if request.param == "guarded":
        scanner = MemoryScanner({eicar(): SIGNATURE})
        return GuardedScanner(scanner, Breaker("scanner", monotonic))
    clamd = request.getfixturevalue("clamd")
    return ClamdScanner(getattr(clamd, f"{request.param}_url"), max_bytes=LARGEST)


async def test_photos_are_clean(scanner: Scanner) -> None:
    for photo in Path("samples").iterdir():
        assert await scanner.scan(chunked(photo.read_bytes())) is None


@pytest.mark.parametrize("where", HARMFUL)
async def test_what_is_harmful_is_named(scanner: Scanner, where: str) -> None:
    found = await scanner.scan(chunked(HARMFUL[where]()))
    assert found is not None
    assert found.startswith(SIGNATURE)


@pytest.mark.parametrize(
    ("size", "before"),
    [(1, 5_000), (67, 100_000), (64 * 1024 - 1, 1_000_000), (10_000_000, 24_999_000)],
)
async def test_chunks_of_any_size_will_do(
    scanner: Scanner, size: int, before: int
) -> None:
    assert await scanner.scan(chunked(bytes(before) + eicar(), size))


async def test_an_empty_file_is_clean(scanner: Scanner) -> None:
    assert await scanner.scan(chunked(b"")) is None


async def test_empty_chunks_are_no_end(scanner: Scanner) -> None:
    assert await scanner.scan(each([b"", PHOTO, b"", eicar(), b""]))


@pytest.mark.parametrize(
    "error",
    [OSError("disk"), TimeoutError(), ConnectionResetError(), Unavailable("S3 is.")],
    ids=lambda error: type(error).__name__,
)
async def test_what_the_chunks_raise_goes_on_as_it_is(
    scanner: Scanner, error: Exception
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PHOTO
        raise error

    with pytest.raises(type(error)) as raised:
        await scanner.scan(broken())
    assert raised.value is error


async def test_chunks_that_were_not_looked_at_can_still_be_read(
    scanner: Scanner,
) -> None:
    passed = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal passed
        async for chunk in chunked(eicar() + bytes(1_000_000), 1000):
            passed += len(chunk)
            yield chunk

    chunks = counted()
    assert await scanner.scan(chunks)
    async for _ in chunks:
        pass
    assert passed == 1_000_068


async def test_fifty_scans_at_once_each_have_their_own_verdict(
    scanner: Scanner,
) -> None:
    harmful = [bool(number % 3) for number in range(50)]
    files = [bytes(200_000) + (eicar() if is_so else b"") for is_so in harmful]
    verdicts = await asyncio.gather(*(scanner.scan(chunked(file)) for file in files))
    assert [bool(verdict) for verdict in verdicts] == harmful


async def test_a_scanner_that_answers_is_fine(scanner: Scanner) -> None:
    await scanner.check()


async def each(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
