"""Textract's answers, as the real AWS client gets them from a server on loopback."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aioboto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer
from PIL import Image

from photo.adapters.textract import TextractRecognizer
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.text import Page

ANSWER = (Path(__file__).parent / "textract" / "receipt.json").read_bytes()
SESSION = aioboto3.Session("key", "secret", region_name="eu-central-1")
WIDTH, HEIGHT = 800, 600


class Textract:
    """One canned answer to every request, and the requests that came."""

    def __init__(self) -> None:
        self.status = 200
        self.body = ANSWER
        self.hangs_up = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.requests: list[tuple[dict[str, str], bytes]] = []

    def fail(self, status: int, code: str) -> None:
        self.status = status
        self.body = json.dumps({"__type": code, "Message": "arn:secret"}).encode()

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, body))
        self.asked.set()
        if not self.hold.is_set():
            await reader.read()
            self.gone.set()
        elif not self.hangs_up:
            writer.write(
                b"HTTP/1.1 %d -\r\nConnection: close\r\n"
                b"Content-Type: application/x-amz-json-1.1\r\n"
                b"Content-Length: %d\r\n\r\n%b"
                % (self.status, len(self.body), self.body)
            )
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def recognizer(url: str, **config: Any) -> AsyncIterator[TextractRecognizer]:
    once = Config(retries={"total_max_attempts": 1}, **config)
    async with SESSION.client("textract", endpoint_url=url, config=once) as client:
        yield TextractRecognizer(client)


@asynccontextmanager
async def listening(textract: Textract) -> AsyncIterator[str]:
    async with await asyncio.start_server(textract.answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@pytest.fixture
async def textract() -> Textract:
    return Textract()


@pytest.fixture
async def url(textract: Textract) -> AsyncIterator[str]:
    async with listening(textract) as url:
        yield url


@pytest.fixture
async def reads(url: str) -> AsyncIterator[TextractRecognizer]:
    async with recognizer(url) as reads:
        yield reads


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "normalized.jpg"
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(path)
    return path


async def test_lines_come_in_textracts_order(
    reads: TextractRecognizer, page: Path
) -> None:
    read = await reads.recognize(page)
    assert read.text == "HARBOUR LANE GROCERS\nOat bread\n2.40"


async def test_a_line_has_its_own_words_from_left_to_right(
    reads: TextractRecognizer, page: Path
) -> None:
    read = await reads.recognize(page)
    words = [[word.text for word in line.words] for line in read.lines]
    assert words == [["HARBOUR", "LANE", "GROCERS"], ["Oat", "bread"], ["2.40"]]


async def test_polygons_are_in_pixels_of_the_page(
    reads: TextractRecognizer, page: Path
) -> None:
    read = await reads.recognize(page)
    assert (read.width, read.height) == (WIDTH, HEIGHT)
    top_left, top_right, bottom_right, bottom_left = read.lines[1].words[0].polygon
    assert top_left == pytest.approx((80, 180.6), abs=0.5)
    assert top_right == pytest.approx((160, 181.2), abs=0.5)
    assert bottom_right == pytest.approx((160, 217.2), abs=0.5)
    assert bottom_left == pytest.approx((80, 216.6), abs=0.5)


async def test_confidence_is_a_share_of_one(
    reads: TextractRecognizer, page: Path
) -> None:
    line = (await reads.recognize(page)).lines[1]
    assert line.confidence == pytest.approx(0.9833389)
    assert line.words[1].confidence == pytest.approx(0.9680656433)


async def test_the_page_is_sent_as_it_is_once_and_signed(
    reads: TextractRecognizer, textract: Textract, page: Path
) -> None:
    await reads.recognize(page)
    [(headers, body)] = textract.requests
    assert headers["x-amz-target"] == "textract.detectdocumenttext"
    assert headers["authorization"].startswith("aws4-hmac-sha256")
    sent = base64.b64decode(json.loads(body)["Document"]["Bytes"])
    assert sent == await asyncio.to_thread(page.read_bytes)


async def test_a_page_without_text_has_no_lines(
    reads: TextractRecognizer, textract: Textract, page: Path
) -> None:
    answer = json.loads(ANSWER)
    blank = {**answer["Blocks"][0], "Relationships": []}
    textract.body = json.dumps({**answer, "Blocks": [blank]}).encode()
    assert await reads.recognize(page) == Page(WIDTH, HEIGHT)


async def test_the_engine_is_named(reads: TextractRecognizer) -> None:
    assert reads.engine.name == "textract"
    assert reads.engine.version == "2018-06-27"


@pytest.mark.parametrize(
    "code",
    [
        "BadDocumentException",
        "DocumentTooLargeException",
        "InvalidParameterException",
        "UnsupportedDocumentException",
    ],
)
async def test_what_textract_cannot_read_fails_for_good(
    reads: TextractRecognizer, textract: Textract, page: Path, code: str
) -> None:
    textract.fail(400, code)
    with pytest.raises(RecognitionFailed) as failure:
        await reads.recognize(page)
    assert "secret" not in str(failure.value)


async def test_a_page_too_large_for_textract_is_told_what_helps(
    reads: TextractRecognizer, textract: Textract, page: Path
) -> None:
    textract.fail(400, "DocumentTooLargeException")
    with pytest.raises(RecognitionFailed, match="lower resolution"):
        await reads.recognize(page)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (400, "AccessDeniedException"),
        (400, "ExpiredTokenException"),
        (400, "UnrecognizedClientException"),
    ],
)
async def test_what_may_pass_is_unavailable_after_one_attempt(
    reads: TextractRecognizer, textract: Textract, page: Path, status: int, code: str
) -> None:
    textract.fail(status, code)
    with pytest.raises(Unavailable) as failure:
        await reads.recognize(page)
    assert "secret" not in str(failure.value)
    assert failure.value.reason == code
    assert len(textract.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>Welcome to the hotel's network</html>",
        b'{"Blocks": [{"BlockType": "LINE", "Id": "1", "Geometry": {"Polygon": []}}]}',
        json.dumps({"Blocks": json.loads(ANSWER)["Blocks"][:4]}).encode(),
    ],
    ids=["empty", "no blocks", "a portal's page", "no corners", "no words"],
)
async def test_an_answer_that_is_not_textracts_is_unavailable(
    reads: TextractRecognizer, textract: Textract, page: Path, body: bytes
) -> None:
    textract.body = body
    with pytest.raises(Unavailable):
        await reads.recognize(page)


async def test_a_connection_that_breaks_is_unavailable(
    reads: TextractRecognizer, textract: Textract, page: Path
) -> None:
    textract.hangs_up = True
    with pytest.raises(Unavailable):
        await reads.recognize(page)


async def test_nobody_listening_is_unavailable(textract: Textract, page: Path) -> None:
    async with listening(textract) as url:
        pass
    async with recognizer(url) as reads:
        with pytest.raises(Unavailable):
            await reads.recognize(page)


async def test_an_answer_that_takes_too_long_is_unavailable(
    textract: Textract, url: str, page: Path
) -> None:
    textract.hold.clear()
    async with recognizer(url, read_timeout=0.1) as reads:
        with pytest.raises(Unavailable):
            await reads.recognize(page)


async def test_cancelling_ends_the_request(
    reads: TextractRecognizer, textract: Textract, page: Path
) -> None:
    textract.hold.clear()
    reading = asyncio.create_task(reads.recognize(page))
    await textract.asked.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.wait_for(textract.gone.wait(), 60)


@pytest.fixture
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_motos_textract_understands_the_request(
    moto_url: str, page: Path
) -> None:
    async with recognizer(moto_url) as reads:
        assert await reads.recognize(page) == Page(WIDTH, HEIGHT)
