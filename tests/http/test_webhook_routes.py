import asyncio
from base64 import b64decode
from datetime import timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from photo.adapters.memory import MemoryWebhookSender
from photo.application.ports import AuditLog, Clock, Receipt
from photo.application.webhooks import MAX_WEBHOOKS
from photo.domain.access import Scope, Tenant
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead

URL = "https://hooks.example.com/photos?token=c4n4ry"
EVENTS = ["job.succeeded", "job.failed", "job.cancelled"]

Sent = tuple[str, dict[str, str], bytes]


async def created(api: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    answer = await api.post("/v1/webhooks", json={"url": URL, **body})
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


async def deliveries(
    api: httpx.AsyncClient, webhook_id: str, **query: str
) -> list[dict[str, Any]]:
    answer = await api.get(f"/v1/webhooks/{webhook_id}/deliveries", params=query)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


async def settled(api: httpx.AsyncClient, webhook_id: str) -> list[dict[str, Any]]:
    """The deliveries, when the first attempt at each of them is noted."""
    async with asyncio.timeout(60):
        found = await deliveries(api, webhook_id)
        while not all(delivery["attempts"] for delivery in found):
            await asyncio.sleep(0)  # in memory, nothing else lets others have a turn
            found = await deliveries(api, webhook_id)
    return found


async def sender(service: Service) -> MemoryWebhookSender:
    return await service.container.get(MemoryWebhookSender)


async def sent_to(service: Service, url: str) -> list[Sent]:
    sent = (await sender(service)).sent
    return [(to, dict(headers), body) for to, headers, body in sent if to == url]


async def test_a_webhook_shows_its_secret_once(api: httpx.AsyncClient) -> None:
    webhook = await created(api)
    secret = webhook.pop("secret")
    assert 24 <= len(b64decode(secret.removeprefix("whsec_"))) <= 64
    assert (webhook["url"], webhook["events"]) == (URL, EVENTS)
    path = f"/v1/webhooks/{webhook['id']}"
    assert (await api.get(path)).json() == webhook
    assert (await api.get("/v1/webhooks")).json()["items"] == [webhook]


async def test_creating_says_where_the_webhook_is(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/webhooks", json={"url": URL})
    assert answer.headers["Location"] == f"/v1/webhooks/{answer.json()['id']}"


async def test_creating_again_with_the_same_key_shows_the_same_secret(
    api: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [
        await api.post("/v1/webhooks", json={"url": URL}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await api.get("/v1/webhooks")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["job.started"]}, "/events/0"),
        ({"url": URL, "event": "job.failed"}, "/event"),
        ({"url": "http://hooks.example.com/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://localhost/"}, "/url"),
        ({"url": "https://me:c4n4ry@example.com/"}, "/url"),
        ({"url": "x" * 2001}, "/url"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused_by_name(
    api: httpx.AsyncClient, body: dict[str, object], pointer: str
) -> None:
    answer = await api.post("/v1/webhooks", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "c4n4ry" not in answer.text
    assert (await api.get("/v1/webhooks")).json()["items"] == []


async def test_a_tenant_has_a_bounded_number_of_webhooks(
    api: httpx.AsyncClient,
) -> None:
    for _ in range(MAX_WEBHOOKS):
        webhook = await created(api)
    answer = await api.post("/v1/webhooks", json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert str(MAX_WEBHOOKS) in answer.json()["detail"]
    await api.delete(f"/v1/webhooks/{webhook['id']}")
    await created(api)


async def test_webhooks_are_listed_a_page_at_a_time(api: httpx.AsyncClient) -> None:
    ids = [(await created(api))["id"] for _ in range(5)]
    page = (await api.get("/v1/webhooks", params={"limit": 3})).json()
    rest = await api.get("/v1/webhooks", params={"cursor": page["next_cursor"]})
    listed = [item["id"] for item in [*page["items"], *rest.json()["items"]]]
    assert listed == ids[::-1]
    assert rest.json()["next_cursor"] is None
    assert (await api.get("/v1/webhooks?cursor=nonsense")).status_code == 422


async def test_a_deleted_webhook_is_gone(
    service: Service, api: httpx.AsyncClient
) -> None:
    webhook = await created(api, url="https://deleted.example.com/")
    path = f"/v1/webhooks/{webhook['id']}"
    answer = await api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for again in (await api.get(path), await api.delete(path)):
        assert (again.status_code, again.json()["code"]) == (404, "not_found")
    await service.job(api)
    assert await sent_to(service, "https://deleted.example.com/") == []


async def test_a_jobs_end_is_told_as_the_api_shows_the_job(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    url = f"https://{tenant.replace('_', '-')}.example.com/"
    webhook = await created(api, url=url)
    job = await service.job(api, metadata={"order": "4711"})
    (delivery,) = await settled(api, webhook["id"])
    ((_, headers, body),) = await sent_to(service, url)
    told = Verifier(webhook["secret"]).verify(body, headers)
    assert told == {
        "type": "job.succeeded",
        "timestamp": job["finished_at"],
        "data": (await api.get(job["links"]["self"])).json(),
    }
    (attempt,) = delivery.pop("attempts")
    assert (attempt["status_code"], attempt["error"]) == (200, None)
    assert delivery == {
        "id": headers["webhook-id"],
        "event": "job.succeeded",
        "job_id": job["id"],
        "url": url,
        "status": "delivered",
        "created_at": delivery["created_at"],
        "next_attempt_at": None,
        "finished_at": delivery["finished_at"],
    }


async def test_a_webhook_hears_only_what_it_asked_for(
    service: Service, api: httpx.AsyncClient
) -> None:
    failures = await created(api, events=["job.failed"])
    everything = await created(api)
    await service.job(api)
    await service.job(api, b"just a text")
    assert [it["event"] for it in await settled(api, failures["id"])] == ["job.failed"]
    assert len(await settled(api, everything["id"])) == 2


async def test_the_webhook_url_of_a_job_is_told_of_this_job_alone(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    default = (await api.post("/v1/webhooks/default")).json()
    assert default["url"] is None
    again = (await api.post("/v1/webhooks/default")).json()
    assert again == {name: default[name] for name in default if name != "secret"}
    url = f"https://only-{tenant.replace('_', '-')}.example.com/"
    await service.job(api)
    accepted = await api.post(
        "/v1/jobs",
        json={
            "source": {"type": "upload", "upload_id": await service.upload(api)},
            "webhook_url": url,
        },
    )
    assert "webhook_url" not in accepted.raise_for_status().json()
    await api.get(accepted.headers["Location"], params={"wait": 10})
    (delivery,) = await settled(api, default["id"])
    ((_, headers, body),) = await sent_to(service, url)
    told = Verifier(default["secret"]).verify(body, headers)
    assert told["data"]["id"] == accepted.json()["id"] == delivery["job_id"]
    assert (await api.get("/v1/webhooks")).json()["items"] == []


@pytest.mark.parametrize("url", ["http://example.com/", "https://127.0.0.1/", "x"])
@pytest.mark.parametrize("kind", ["upload", "url"])
async def test_a_webhook_url_is_checked_when_the_job_is_made(
    service: Service, api: httpx.AsyncClient, url: str, kind: str
) -> None:
    source = {"type": "url", "url": "https://example.com/photo.jpg"}
    if kind == "upload":
        source = {"type": "upload", "upload_id": await service.upload(api)}
    answer = await api.post("/v1/jobs", json={"source": source, "webhook_url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert answer.json()["errors"][0]["pointer"] == "/webhook_url"
    assert (await api.get("/v1/jobs")).json()["items"] == []


async def test_after_a_rotation_both_secrets_verify(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    url = f"https://rotated-{tenant.replace('_', '-')}.example.com/"
    webhook = await created(api, url=url)
    answer = await api.post(f"/v1/webhooks/{webhook['id']}/rotate-secret")
    assert answer.status_code == 200
    rotated = answer.json()
    assert rotated["secret"] != webhook["secret"]
    await service.job(api)
    await settled(api, webhook["id"])
    ((_, headers, body),) = await sent_to(service, url)
    for secret in (webhook["secret"], rotated["secret"]):
        assert Verifier(secret).verify(body, headers)


async def test_a_failed_delivery_is_listed_and_replayed(
    service: Service, api: httpx.AsyncClient, tenant: Tenant, run: Run
) -> None:
    own = await run()
    api = await own.client(tenant)
    webhook = await created(api)
    (await sender(own)).answers.append(Receipt(500))
    await own.job(api)
    (failing,) = await settled(api, webhook["id"])
    assert failing["status"] == "pending"
    assert failing["next_attempt_at"] > failing["attempts"][0]["at"]
    assert await deliveries(api, webhook["id"], status="delivered") == []
    assert (await api.get(f"/v1/webhooks/{webhook['id']}")).json()["failing_since"]
    path = f"/v1/webhooks/{webhook['id']}/deliveries/{failing['id']}/replay"
    answer = await api.post(path)
    assert (answer.status_code, answer.json()["id"]) == (202, failing["id"])
    (delivered,) = await deliveries(api, webhook["id"], status="delivered")
    statuses = [attempt["status_code"] for attempt in delivered["attempts"]]
    assert statuses == [500, 200]
    sent = (await sender(own)).sent
    assert len({headers["webhook-id"] for _, headers, _ in sent}) == 1
    assert not (await api.get(f"/v1/webhooks/{webhook['id']}")).json()["failing_since"]


async def test_an_endpoint_that_is_gone_is_disabled_until_it_is_enabled(
    tenant: Tenant, run: Run
) -> None:
    own = await run()
    api = await own.client(tenant)
    webhook = await created(api)
    path = f"/v1/webhooks/{webhook['id']}"
    (await sender(own)).answers.append(Receipt(410))
    await own.job(api)
    (delivery,) = await settled(api, webhook["id"])
    assert delivery["status"] == "failed"
    disabled = (await api.get(path)).json()
    assert "410" in disabled["disabled_reason"]
    replay = await api.post(f"{path}/deliveries/{delivery['id']}/replay")
    assert (replay.status_code, replay.json()["code"]) == (422, "validation_failed")
    await own.job(api)
    assert len(await deliveries(api, webhook["id"])) == 1
    enabled = (await api.post(f"{path}/enable")).json()
    assert enabled == (await api.post(f"{path}/enable")).json()
    assert (enabled["disabled_at"], enabled["failing_since"]) == (None, None)
    await own.job(api)
    assert len(await settled(api, webhook["id"])) == 2
    audit: AuditLog = await own.container.get(AuditLog)
    entries = await audit.page(tenant, limit=9)
    assert [(entry.action, entry.actor[:4]) for entry in reversed(entries)][1:] == [
        ("webhook.created", "key_"),
        ("webhook.disabled", "serv"),
        ("webhook.enabled", "key_"),
    ]
    assert "c4n4ry" not in str(entries)


async def test_deliveries_are_listed_a_page_at_a_time(
    service: Service, api: httpx.AsyncClient
) -> None:
    webhook = await created(api)
    for _ in range(3):
        await service.job(api)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    page = (await api.get(path, params={"limit": 2})).json()
    rest = (await api.get(path, params={"cursor": page["next_cursor"]})).json()
    listed = [item["id"] for item in [*page["items"], *rest["items"]]]
    assert (len(listed), listed) == (3, sorted(listed, reverse=True))
    assert (await api.get(f"{path}?status=lost")).status_code == 422


@pytest.mark.parametrize("scopes", [[Scope.READ], [Scope.WRITE, Scope.READ]])
async def test_webhooks_are_for_admins(
    service: Service, tenant: Tenant, scopes: list[Scope]
) -> None:
    api = await service.client(tenant, scopes)
    for answer in (
        await api.get("/v1/webhooks"),
        await api.post("/v1/webhooks/default"),
        await api.post("/v1/webhooks", json={"url": URL}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_another_tenants_webhook_is_not_found(
    service: Service, api: httpx.AsyncClient
) -> None:
    webhook = await created(api)
    await service.job(api)
    (delivery,) = await settled(api, webhook["id"])
    other = await service.client("somebody-else")
    mine = await created(other)
    path = f"/v1/webhooks/{webhook['id']}"
    replay = f"deliveries/{delivery['id']}/replay"
    for answer in (
        await other.get(path),
        await other.delete(path),
        await other.post(f"{path}/rotate-secret"),
        await other.post(f"{path}/enable"),
        await other.get(f"{path}/deliveries"),
        await other.post(f"{path}/{replay}"),
        await other.post(f"/v1/webhooks/{mine['id']}/{replay}"),
        await other.get("/v1/webhooks/nonsense"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await api.get(path)).status_code == 200


async def test_a_secret_that_was_replaced_a_day_ago_signs_no_more(run: Run) -> None:
    real = await (await run()).container.get(Clock)
    ahead = timedelta()
    service = await run(instead(Clock, lambda: lambda: real() + ahead))
    api = await service.client()
    webhook = await created(api)
    await api.post(f"/v1/webhooks/{webhook['id']}/rotate-secret")
    ahead = timedelta(hours=24)
    await service.job(api)
    await settled(api, webhook["id"])
    ((_, headers, _),) = (await sender(service)).sent
    assert len(headers["webhook-signature"].split(" ")) == 1
