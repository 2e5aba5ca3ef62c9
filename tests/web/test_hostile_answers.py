"""Servers that answer with anything but a file."""

import asyncio
import gzip
import random
import tracemalloc
from contextlib import suppress

import pytest

from photo.adapters.web.client import Limits
from photo.domain.errors import FileTooLarge, UrlRefused, UrlUnreachable
from tests.hostile_server import (
    Deed,
    Visit,
    answer,
    drips,
    says,
    says_and_stays,
    says_for_ever,
    serving,
)
from tests.web.fetching import NAME, fetched, fetcher, named

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
#: Without a length the body ends with the connection.
OPEN_END = OK + b"\r\n"
SECRET = "srv-internal-7"


async def failure_of(deed: Deed, *, limits: Limits | None = None) -> UrlUnreachable:
    async with serving(deed) as server:
        with pytest.raises(UrlUnreachable) as failure:
            await fetched(fetcher(limits=limits), server.url)
        await asyncio.wait_for(server.gone.wait(), 60)
    said = f"{failure.value} {failure.value.reason}"
    assert server.host not in said
    assert SECRET not in said
    return failure.value


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
async def test_a_busy_or_broken_server_may_be_asked_again(status: int) -> None:
    failure = await failure_of(says(answer(SECRET.encode(), status=status)))
    assert failure.retryable
    assert failure.reason == f"http_{status}"


@pytest.mark.parametrize(
    "status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 405, 410, 418, 451]
)
async def test_a_server_that_gives_no_file_is_not_asked_again(status: int) -> None:
    failure = await failure_of(says(answer(SECRET.encode(), status=status)))
    assert not failure.retryable
    assert failure.reason == f"http_{status}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"<html>HTTP/0.9 has no headers</html>",
        b"SSH-2.0-OpenSSH_9.2 srv-internal-7\r\n",
        b"220 srv-internal-7 ESMTP\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 99999 -\r\n\r\n",
        b"HTTP/1.1 101 -\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nx",
        b"HTTP/1.1 200 srv-internal-7\r\nNo colon\r\n\r\n",
        OK + b": no name\r\n\r\n",
        OK + b"Location: \x00\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\nx",
        OK + b"Content-Length: 1, 2\r\n\r\nxx",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        OK + b"Content-Length: 0x1\r\n\r\nx",
        OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nx",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        CHUNKED + b"srv-internal-7\r\n",
        CHUNKED + b"-1\r\nx\r\n",
        CHUNKED + b"1\r\nxy\r\n0\r\n\r\n",
        CHUNKED + b"f" * 40 + b"\r\nx",
        CHUNKED + b"5\r\nx",
        CHUNKED + b"1\r\nx\r\n",
        answer(b"x", length=2),
    ],
)
async def test_what_is_no_proper_answer_is_a_failure(raw: bytes) -> None:
    assert (await failure_of(says(raw))).retryable


@pytest.mark.parametrize(
    "raw",
    [
        answer(b""),
        OPEN_END,
        CHUNKED + b"0\r\n\r\n",
        answer(gzip.compress(b"photo"), "Content-Encoding: gzip"),
        answer(b"photo", "Content-Encoding: br"),
        answer(b"photo", "Content-Encoding: identity, gzip"),
        answer(b"photo", "Content-Encoding: identity", "Content-Encoding: gzip"),
    ],
)
async def test_an_empty_or_encoded_file_fails_for_good(raw: bytes) -> None:
    assert not (await failure_of(says(raw))).retryable


async def test_a_gzip_bomb_is_not_even_read() -> None:
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    failure = await failure_of(says_and_stays(head + gzip.compress(bytes(1 << 24))))
    assert failure.reason == "content_encoding"


@pytest.mark.parametrize("raw", [OPEN_END + b"photo", answer(b"photo", length=4)])
async def test_a_length_that_is_missing_or_short_decides_where_the_file_ends(
    raw: bytes,
) -> None:
    async with serving(says(raw)) as server:
        assert (await fetched(fetcher(), server.url)) in {b"photo", b"phot"}


async def test_a_length_announced_above_the_limit_ends_it_before_the_body() -> None:
    async with serving(says_and_stays(answer(length=101))) as server:
        with pytest.raises(FileTooLarge):
            await fetched(fetcher(), server.url, max_bytes=100)
        await asyncio.wait_for(server.gone.wait(), 60)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OPEN_END, bytes(4_096)),
        (CHUNKED, b"1000\r\n" + bytes(4_096) + b"\r\n"),
    ],
)
async def test_a_body_without_end_is_read_up_to_the_limit(
    head: bytes, piece: bytes
) -> None:
    async with serving(says_for_ever(head, piece)) as server:
        with pytest.raises(FileTooLarge):
            await fetched(fetcher(), server.url, max_bytes=1_000_000)
        await asyncio.wait_for(server.gone.wait(), 60)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK, b"X-Header: again\r\n"),
        (OK + b"X-Header: ", b"a" * 1_000),
        (b"HTTP/1.1 200 ", b"OK" * 500),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1;", b"extension=" * 100),
        (CHUNKED, b"1;" + b"e" * 200 + b"\r\nx\r\n"),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"Trailer: again\r\n"),
    ],
    ids=[
        "headers",
        "one header",
        "reason",
        "102",
        "103",
        "crumbs",
        "extension",
        "extensions",
        "trailers",
    ],
)
async def test_what_never_becomes_content_is_given_up_early(
    head: bytes, piece: bytes
) -> None:
    failure = await failure_of(says_for_ever(head, piece * 50))
    assert failure.reason == "RemoteProtocolError"


@pytest.mark.parametrize(
    "head", [b"", OK, OPEN_END, answer(b"ph", length=5), CHUNKED + b"5\r\nph"]
)
async def test_silence_is_not_waited_out(head: bytes) -> None:
    limits = Limits(silence=0.1)
    failure = await failure_of(says_and_stays(head), limits=limits)
    assert failure.retryable
    assert failure.reason == "ReadTimeout"


@pytest.mark.parametrize(
    ("head", "byte"),
    [(b"", b"H"), (OK, b"a"), (OPEN_END, b"x"), (CHUNKED + b"f" * 9, b"x")],
)
async def test_a_slow_drip_ends_when_all_time_is_over(head: bytes, byte: bytes) -> None:
    limits = Limits(silence=0.2, total=0.4)
    failure = await failure_of(drips(head, byte, every=0.02), limits=limits)
    assert failure.retryable
    assert failure.reason == "TimeoutError"


async def test_a_connection_reset_within_the_body_may_be_tried_again() -> None:
    async def deed(visit: Visit) -> None:
        await visit.say(answer(b"ph", length=5))
        visit.reset()

    assert (await failure_of(deed)).retryable


async def test_nobody_listening_may_be_tried_again() -> None:
    async with serving(says(b"")) as server:
        pass
    with pytest.raises(UrlUnreachable) as failure:
        await fetched(fetcher(), server.url)
    assert failure.value.retryable


async def test_a_name_without_addresses_is_unreachable_for_good() -> None:
    for url in (f"http://{NAME}/", "http://unknown.example/"):
        with pytest.raises(UrlUnreachable) as failure:
            await fetched(fetcher(resolve=named([])), url)
        assert failure.value.retryable == (NAME in url)


async def test_the_caller_takes_its_time_at_nobodys_expense() -> None:
    limits = Limits(total=3)
    body = bytes(1 << 18)
    async with serving(says(answer(body))) as server:
        received = 0
        async for chunk in fetcher(limits=limits).fetch(server.url, max_bytes=1 << 20):
            if not received:
                await asyncio.sleep(3.1)
            received += len(chunk)
    assert received == len(body)


async def test_memory_stays_flat_and_chunks_small() -> None:
    size, largest, received = 48 << 20, 0, 0

    async def deed(visit: Visit) -> None:
        await visit.say(answer(length=size))
        piece = bytes(1 << 16)
        for _ in range(size // len(piece)):
            await visit.say(piece)

    async with serving(deed) as server:
        tracemalloc.start()
        async for chunk in fetcher().fetch(server.url, max_bytes=size):
            largest = max(largest, len(chunk))
            received += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert received == size
    assert largest <= 1 << 20
    assert peak < 8 << 20


async def test_no_damage_to_an_answer_causes_any_other_error() -> None:
    chance = random.Random(7)  # noqa: S311 # damage is to be the same in every run
    good = [
        answer(b"photo" * 20, "Content-Type: image/jpeg", "ETag: a"),
        CHUNKED + b"5\r\nphoto\r\n5;a=b\r\nphoto\r\n0\r\nA: b\r\n\r\n",
        answer(b"", "Location: /there?a=b#c", status=302),
        OPEN_END + b"photo",
    ]
    damaged = b""

    async def deed(visit: Visit) -> None:
        await visit.say(damaged)

    async with serving(deed) as server:
        for _ in range(400):
            octets = bytearray(chance.choice(good))
            for _ in range(chance.randint(1, 4)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            damaged = bytes(octets[: chance.randint(1, 2 * len(octets))])
            with suppress(UrlUnreachable, UrlRefused):
                await fetched(fetcher(), server.url)
