"""What a real clamd cannot see, and a clamd that is away."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from time import monotonic

import psutil
import pytest

from photo.adapters.clamav import ClamdScanner
from photo.domain.errors import Unavailable, Unscannable
from photo.entrypoints.scanner_probes import eicar, encrypted, nested
from tests.scanning import LARGEST, RECOMMENDED, Clamd, chunked, running_clamd

MEGABYTE = 1 << 20


@pytest.fixture
async def own_clamd(tmp_path: Path) -> AsyncIterator[Clamd]:
    """One that the test may kill or stop."""
    async with running_clamd(tmp_path) as clamd:
        yield clamd


def scanners(clamd: Clamd, *, silence_seconds: float = 30) -> list[ClamdScanner]:
    return [
        ClamdScanner(url, max_bytes=LARGEST, silence_seconds=silence_seconds)
        for url in (clamd.tcp_url, clamd.unix_url)
    ]


@pytest.mark.parametrize("data", [nested(101), encrypted()], ids=["nested", "locked"])
async def test_what_clamd_cannot_look_into_is_unscannable(
    clamd: Clamd, data: bytes
) -> None:
    with pytest.raises(Unscannable) as raised:
        await clamd.scanner().scan(chunked(data))
    assert raised.value.reason
    assert raised.value.reason.startswith("Heuristics.")


@pytest.mark.parametrize(
    ("option", "value"),
    [("MaxFileSize", "1M"), ("MaxScanSize", "1M"), ("MaxScanTime", "1")],
)
async def test_what_exceeds_a_limit_is_unscannable(
    tmp_path: Path, option: str, value: str
) -> None:
    data = os.urandom(4 * MEGABYTE) + nested(16)
    async with running_clamd(tmp_path, RECOMMENDED | {option: value}) as clamd:
        with pytest.raises(Unscannable) as raised:
            await clamd.scanner().scan(chunked(data))
    assert raised.value.reason == f"Heuristics.Limits.Exceeded.{option}"


async def test_what_is_longer_than_clamd_takes_is_unscannable(tmp_path: Path) -> None:
    options = RECOMMENDED | {"StreamMaxLength": "1M"}
    async with running_clamd(tmp_path, options) as clamd:
        for scanner in scanners(clamd):
            for _ in range(20):
                with pytest.raises(Unscannable) as raised:
                    await scanner.scan(chunked(bytes(4 * MEGABYTE)))
                assert raised.value.reason == "StreamMaxLength"


async def test_our_own_limit_comes_first(clamd: Clamd) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += MEGABYTE
            yield bytes(MEGABYTE)

    scanner = clamd.scanner(max_bytes=3 * MEGABYTE)
    with pytest.raises(Unscannable) as raised:
        await scanner.scan(endless())
    assert (raised.value.reason, read) == (None, 4 * MEGABYTE)


async def test_a_file_as_long_as_our_limit_is_scanned_to_its_end(
    clamd: Clamd,
) -> None:
    data = bytes(3 * MEGABYTE) + eicar()
    assert await clamd.scanner(max_bytes=len(data)).scan(chunked(data))
    with pytest.raises(Unscannable):
        await clamd.scanner(max_bytes=len(data) - 1).scan(chunked(data))


async def test_a_host_may_have_several_addresses(clamd: Clamd) -> None:
    url = clamd.tcp_url.replace("127.0.0.1", "localhost")
    await ClamdScanner(url, max_bytes=LARGEST).check()


async def test_signatures_of_our_own_have_no_date(clamd: Clamd) -> None:
    assert await clamd.scanner().signatures_made_at() is None


async def test_a_clamd_that_was_killed_is_unavailable(own_clamd: Clamd) -> None:
    own_clamd.process.kill()
    await own_clamd.process.wait()
    for scanner in scanners(own_clamd):
        with pytest.raises(Unavailable, match="no answer") as raised:
            await scanner.scan(chunked(eicar()))
        assert raised.value.reason == "ConnectionRefusedError"
        with pytest.raises(Unavailable):
            await scanner.check()


@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "unix"])
async def test_a_clamd_that_dies_in_a_scan_is_unavailable(
    own_clamd: Clamd, number: int
) -> None:
    async def deadly() -> AsyncIterator[bytes]:
        yield bytes(MEGABYTE)
        own_clamd.process.kill()
        yield bytes(20 * MEGABYTE)

    with pytest.raises(Unavailable):
        await scanners(own_clamd)[number].scan(deadly())


@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "unix"])
async def test_a_clamd_that_stands_still_is_unavailable_in_time(
    own_clamd: Clamd, number: int
) -> None:
    scanner = scanners(own_clamd, silence_seconds=0.3)[number]
    own_clamd.send(SIGSTOP)
    try:
        for data in (eicar(), bytes(40 * MEGABYTE)):
            since = monotonic()
            with pytest.raises(Unavailable) as raised:
                await scanner.scan(chunked(data))
            assert raised.value.reason == "TimeoutError"
            # Less than is usual.
            assert monotonic() - since < 25
        with pytest.raises(Unavailable):
            await scanner.check()
    finally:
        own_clamd.send(SIGCONT)
    assert await clamd_finds_eicar(own_clamd)


async def test_nothing_stays_open(clamd: Clamd) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise Unavailable("S3 is away.")

    scanner = clamd.scanner(max_bytes=1000)
    await scanner.scan(chunked(b"whole"))
    before = psutil.Process().num_fds()
    for _ in range(5):
        await scanner.scan(chunked(b"whole"))
        with pytest.raises(Unavailable, match="S3"):
            await scanner.scan(broken())
        with pytest.raises(Unscannable):
            await scanner.scan(chunked(bytes(1001)))
    assert psutil.Process().num_fds() == before


async def clamd_finds_eicar(clamd: Clamd) -> bool:
    return bool(await clamd.scanner().scan(chunked(eicar())))
