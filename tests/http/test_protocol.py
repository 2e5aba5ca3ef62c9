"""Over real sockets: what reaches no route."""

import pytest

from tests.http.listening import CHUNKED, GET, POST, Line, Reached, http_only, listening
from tests.http.service import Service


async def test_a_connection_serves_request_after_request(
    line: Line, reached: Reached
) -> None:
    for _ in range(3):
        await line.say(GET + b"\r\n")
        answer = await line.answer()
        assert (answer.status, answer.body) == (200, b"ok")
    assert len(reached.requests) == 3


@pytest.mark.parametrize("count", [97, 98])
async def test_a_hundred_headers_are_the_most(
    line: Line, reached: Reached, count: int
) -> None:
    # Beside Host, and one that is empty.
    await line.say(GET + b"X-Empty:\r\n" + b"X-A: b\r\n" * (count + 1) + b"\r\n")
    answer = await line.answer()
    if count == 97:
        assert answer.status == 200
        return
    assert answer.status == 431
    assert answer.problem["code"] == "validation_failed"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await line.rest() == b""
    assert not reached.requests


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-A: b\r\n" * 1000 + b"\r\n",
        GET + b"X-Long: " + b"a" * 65536 + b"\r\n\r\n",
        GET + b"X" * 65536 + b": a\r\n\r\n",
        GET + (b"X-Long: " + b"a" * 1000 + b"\r\n") * 33 + b"\r\n",
        b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: photo.test\r\n\r\n",
    ],
    ids=["a thousand", "a long one", "a long name", "33 KB of them", "a long path"],
)
async def test_a_large_head_is_refused(
    line: Line, reached: Reached, head: bytes
) -> None:
    await line.say(head)
    assert (await line.answer()).problem["status"] == 431
    assert not reached.requests


async def test_a_head_without_end_is_refused_before_it_is_whole(line: Line) -> None:
    await line.say(GET + b"X-Long: ")
    for _ in range(8):
        await line.say(b"a" * 8192)
    assert (await line.answer()).status == 431


@pytest.mark.parametrize(
    "head",
    [
        POST + b"Content-Length: 3\r\n" + CHUNKED + b"0\r\n\r\nGET /two HTTP/1.1",
        POST + CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"0",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3, 4\r\n\r\nabcd",
        POST + b"Content-Length: +3\r\n\r\nabc",
        POST + b"Content-Length: 0x3\r\n\r\nabc",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length : 3\r\n\r\nabc",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
        POST + CHUNKED + b"-1\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"3\nabc\n0\n\n",
        POST + CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
        POST + CHUNKED + b"ffffffffffffffffff\r\nabc",
        GET.replace(b"\r\n", b"\n") + b"\n",
        GET.replace(b"\r\n", b"\r") + b"\r",
        GET + b"X-A: b\r\n folded\r\n\r\n",
        GET + b" X-A: b\r\n\r\n",
        GET + b"X-A\r\n\r\n",
        GET + b"X\x00A: b\r\n\r\n",
        GET + b"X-A: b\x00c\r\n\r\n",
        GET + b"X-A: b\nX-B: c\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: photo.test\r\n\r\n",
        b"GET /healthz HTTP/1.1 \r\nHost: photo.test\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /he\xe4lthz HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"GET /he\x01lthz HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"GET http://evil.test/healthz HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"GET http://a@photo.test/healthz HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"GET http://photo.test HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"GET evil.test HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n",
        b"TRACK /healthz HTTP/1.1\r\nHost: photo.test\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_two_readers_could_read_in_two_ways_is_refused(
    line: Line, reached: Reached, head: bytes
) -> None:
    await line.say(head)
    answer = await line.answer()
    assert answer.status == 400
    assert answer.problem["code"] == "validation_failed"
    assert await line.rest() == b""
    assert not reached.requests


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.0\r\n\r\n",
        GET + b"Host: photo.test\r\n\r\n",
        GET + b"Host: evil.test\r\n\r\n",
        GET + b"hOST: evil.test\r\n\r\n",
    ],
)
async def test_a_request_is_for_one_host(
    line: Line, reached: Reached, head: bytes
) -> None:
    await line.say(head)
    assert (await line.answer()).problem["detail"] == "Send one Host header."
    assert not reached.requests


async def test_a_probe_of_old_needs_no_host(line: Line) -> None:
    await line.say(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (await line.answer()).status == 200


async def test_a_target_may_be_a_whole_url_of_the_same_host(
    line: Line, reached: Reached
) -> None:
    await line.say(
        b"GET http://Photo.test:80/a/b?c HTTP/1.1\r\nHost: photo.test:80\r\n\r\n"
    )
    assert (await line.answer()).status == 200
    assert reached.requests == [("/a/b", b"")]


async def test_a_trailer_is_no_header(line: Line, reached: Reached) -> None:
    await line.say(
        POST + CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n"
    )
    assert (await line.answer()).status == 200
    assert reached.requests == [("/v1/read", b"abc")]
    assert b"authorization" not in dict(reached.headers)


async def test_odd_bytes_in_a_path_are_only_a_path(service: Service) -> None:
    async with listening(http_only(service.app)) as listener:
        for path in [
            *(b"/%00", b"/%ff%fe", b"/v1/jobs/%0d%0aX-A:%20b", b"//evil.test/", b"*"),
            *(b"/v1/../metrics", b"/v1/%2e%2e/keys", b"/a\\b", b"/;x", b"/'\"<>"),
        ]:
            async with listener.line() as line:
                await line.say(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = await line.answer()
            assert answer.status in {400, 401, 404}
            assert answer.problem
            assert b"\r\n" not in answer.headers.get("location", "").encode()


async def test_garbage_is_no_answer_to_the_request_before_it(
    line: Line, reached: Reached
) -> None:
    await line.say(POST + b"Content-Length: 3\r\n\r\nabc" + b"\x00garbage\r\n\r\n")
    assert not (await line.rest()).startswith(b"HTTP/1.1 4")
