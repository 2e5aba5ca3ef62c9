import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from photo import __version__
from photo.adapters.web.client import GuardedClient, Limits
from photo.adapters.web.sender import HttpWebhookSender
from photo.application.ports import Receipt
from photo.domain.addresses import WebPolicy
from photo.domain.errors import UrlRefused, UrlUnreachable
from tests.certificates import Authority
from tests.hostile_server import (
    Visit,
    answer,
    drips,
    redirects,
    says,
    says_and_stays,
    says_for_ever,
    serving,
)
from tests.makers import NOW
from tests.web.fetching import LOOPBACK, NAME, named

HEADERS = {"webhook-id": "msg_1", "webhook-signature": "v1,abc v1,def"}
BODY = json.dumps({"type": "job.succeeded", "data": "é"}).encode()
PATIENT = Limits(total=5)


def sender(
    policy: WebPolicy = LOOPBACK, *, limits: Limits = PATIENT, **options: Any
) -> HttpWebhookSender:
    return HttpWebhookSender(
        GuardedClient(policy, limits=limits, **options), lambda: NOW
    )


async def test_a_body_arrives_with_its_headers() -> None:
    bodies = []

    async def deed(visit: Visit) -> None:
        bodies.append(await visit.reader.readexactly(len(BODY)))
        await visit.say(answer(b"thanks", status=204))

    async with serving(deed) as server:
        receipt = await sender().send(f"{server.url}hooks?of=acme", HEADERS, BODY)
    assert receipt == Receipt(204)
    assert bodies == [BODY]
    first, *lines = server.requests[0].strip().split("\r\n")
    assert first == "POST /hooks?of=acme HTTP/1.1"
    sent = dict(line.split(": ", 1) for line in lines)
    assert sent == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": f"photo-api/{__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        "Accept-Encoding": "identity",
        "Connection": "close",
        **HEADERS,
    }


@pytest.mark.parametrize("status", [200, 299, 400, 404, 410, 500, 503])
async def test_every_answer_is_a_receipt(status: int) -> None:
    async with serving(says(answer(status=status))) as server:
        receipt = await sender().send(server.url, HEADERS, BODY)
    assert receipt.status_code == status


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        ("Fri, 02 Jan 2026 03:05:05", timedelta(minutes=1)),
        ("soon", None),
        ("-1", None),
        ("9" * 400, None),
        ("Fri, 02 Jan 2026 03:05:05 +" + "9" * 20, None),
    ],
)
async def test_a_receiver_may_ask_to_be_left_alone(
    value: str, wait: timedelta | None
) -> None:
    busy = answer(b"", f"Retry-After: {value}", status=503)
    async with serving(says(busy)) as server:
        assert await sender().send(server.url, HEADERS, BODY) == Receipt(503, wait)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with serving(says(answer())) as other:
        for status in (301, 302, 303, 307, 308):
            async with serving(redirects(other.url, status)) as server:
                receipt = await sender().send(server.url, HEADERS, BODY)
            assert receipt.status_code == status
        assert other.connections == 0


async def test_the_answers_body_is_not_read() -> None:
    endless = says_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
    async with serving(endless) as server:
        assert await sender().send(server.url, HEADERS, BODY) == Receipt(200)
        await asyncio.wait_for(server.gone.wait(), 60)


@pytest.mark.parametrize(
    "deed",
    [says_and_stays(b""), drips(b"HTTP/1.1 200 OK\r\nX: ", b"x", every=0.01)],
    ids=["silent", "slow"],
)
async def test_a_receiver_that_does_not_answer_in_time_is_given_up(deed: Any) -> None:
    limits = Limits(silence=3600, total=0.3)
    async with serving(deed) as server:
        async with asyncio.timeout(60):
            with pytest.raises(UrlUnreachable, match="too slow"):
                await sender(limits=limits).send(server.url, HEADERS, BODY)
        await asyncio.wait_for(server.gone.wait(), 60)


async def test_a_receiver_that_takes_no_body_is_given_up() -> None:
    async def deed(visit: Visit) -> None:
        visit.reader._transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own
        await visit.stay()

    async with serving(deed) as server:
        with pytest.raises(UrlUnreachable, match="too slow"):
            await sender(limits=Limits(total=0.5)).send(
                server.url, HEADERS, b"x" * 50_000_000
            )


async def test_nobody_there_is_unreachable() -> None:
    async with serving(says(b"")) as server:
        url = server.url
    with pytest.raises(UrlUnreachable, match="cannot be reached"):
        await sender().send(url, HEADERS, BODY)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "ftp://example.com/"],
)
async def test_what_may_not_be_fetched_may_not_be_sent_to(url: str) -> None:
    strict = sender(WebPolicy())
    with pytest.raises(UrlRefused):
        strict.check(url)
    with pytest.raises(UrlRefused):
        await strict.send(url, HEADERS, BODY)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"]]
)
async def test_a_name_that_leads_inside_is_refused_when_connecting(
    addresses: list[str],
) -> None:
    async with serving(says(answer())) as server:
        strict = sender(WebPolicy(), resolve=named(addresses))
        strict.check(f"https://{NAME}/")
        with pytest.raises(UrlRefused):
            await strict.send(f"https://{NAME}/", HEADERS, BODY)
    assert server.connections == 0


async def test_a_certificate_must_be_valid(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("strange"))
    deed = says(answer())
    sending = sender(resolve=named(["127.0.0.1"]), tls=authority.trusting)
    async with serving(deed, tls=authority.server(NAME)) as server:
        url = f"https://{NAME}:{server.port}/"
        assert await sending.send(url, HEADERS, BODY) == Receipt(200)
    async with serving(deed, tls=stranger.server(NAME)) as server:
        with pytest.raises(UrlUnreachable, match="certificate"):
            await sending.send(f"https://{NAME}:{server.port}/", HEADERS, BODY)
        assert server.requests == []
