"""The end of a job reaches a receiver, signed, from real processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook as Verifier

from photo.domain.access import Scope
from tests.e2e.conftest import Service
from tests.e2e.test_intake import ended
from tests.e2e.test_refusals import grant, send
from tests.hostile_server import Visit, answer, serving

JPEG = Path("samples/receipt.jpg").read_bytes()
Message = tuple[dict[str, str], bytes]


class Receiver:
    """Answers each message with the next of its statuses, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.url = ""
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self._statuses = [*statuses]

    async def take(self, visit: Visit) -> None:
        lines = visit.request.strip().split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines)
        body = await visit.reader.readexactly(int(headers["Content-Length"]))
        self.messages.put_nowait((headers, body))
        status = self._statuses.pop(0) if self._statuses else 200
        await visit.say(answer(status=status))

    async def message(self) -> Message:
        async with asyncio.timeout(60):
            return await self.messages.get()


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(*statuses)
    async with serving(receiver.take) as server:
        receiver.url = f"{server.url}hooks?token=c4n4ry"
        yield receiver


@asynccontextmanager
async def admin(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    scopes = [f"--scope={scope}" for scope in Scope]
    _, key, _ = await service.photo("keys", "create", "--name", "hooks", *scopes)
    async with service.client(key.strip()) as client:
        yield client


async def job_on(client: httpx.AsyncClient, data: bytes, **more: str) -> dict[str, Any]:
    upload = await grant(client)
    assert (await send(upload, data)).is_success
    source = {"type": "upload", "upload_id": upload["id"]}
    started = await client.post("/v1/jobs", json={"source": source, **more})
    return await ended(client, started.raise_for_status().json())


async def listed(client: httpx.AsyncClient, webhook_id: str) -> list[dict[str, Any]]:
    """The deliveries, when each has come to its end."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(f"/v1/webhooks/{webhook_id}/deliveries")
            items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
            if items and not any(item["status"] == "pending" for item in items):
                return items


async def test_the_end_of_a_job_reaches_a_receiver_and_verifies(
    service: Service,
) -> None:
    async with admin(service) as client, receiving(500) as receiver:
        created = await client.post("/v1/webhooks", json={"url": receiver.url})
        webhook = created.raise_for_status().json()
        path = f"/v1/webhooks/{webhook['id']}"
        job = await job_on(client, JPEG)
        (headers, body), (again, same) = [await receiver.message() for _ in range(2)]
        for sent in (headers, again):
            told = Verifier(webhook["secret"]).verify(body, sent)
            assert told["type"] == f"job.{job['status']}"
            assert told["data"] == job
        assert (body, headers["webhook-id"]) == (same, again["webhook-id"])
        (delivery,) = await listed(client, webhook["id"])
        attempts = [attempt["status_code"] for attempt in delivery["attempts"]]
        assert (delivery["id"], attempts) == (headers["webhook-id"], [500, 200])

        rotated = (await client.post(f"{path}/rotate-secret")).json()
        replay = await client.post(f"{path}/deliveries/{delivery['id']}/replay")
        assert replay.status_code == 202
        replayed, body = await receiver.message()
        for secret in (webhook["secret"], rotated["secret"]):
            assert Verifier(secret).verify(body, replayed) == told
        assert replayed["webhook-id"] == delivery["id"]
        assert (await client.delete(path)).status_code == 204

    log = service.worker_log.read_text()
    assert delivery["id"] in log
    for sent in (headers, again, replayed):
        assert sent["webhook-signature"].split(" ")[0] not in log
    for secret in (webhook["secret"], rotated["secret"], "c4n4ry", job["text_preview"]):
        assert secret not in log


async def test_a_job_may_have_a_receiver_of_its_own(service: Service) -> None:
    async with admin(service) as client, receiving() as receiver:
        default = (await client.post("/v1/webhooks/default")).raise_for_status().json()
        rotated = await client.post(f"/v1/webhooks/{default['id']}/rotate-secret")
        job = await job_on(client, b"just a text", webhook_url=receiver.url)
        headers, body = await receiver.message()
        told = Verifier(rotated.json()["secret"]).verify(body, headers)
        assert (told["type"], told["data"]) == ("job.failed", job)


async def test_a_receiver_at_an_address_that_is_not_allowed_gets_nothing(
    service: Service,
) -> None:
    async with admin(service) as client:
        refused = await client.post("/v1/webhooks", json={"url": "http://127.0.0.2/"})
        assert (refused.status_code, refused.json()["code"]) == (422, "url_refused")
