"""Routes: a tenant's API keys."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from photo.application.ports import AuditLog, Clock, Stopwatch
from photo.domain.access import Scope, Tenant
from photo.domain.audit import Action
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead
from tests.makers import ACME, SteppableClock, SteppableStopwatch

NEW = {"name": "scanner", "scopes": ["photos:read", "photos:write"]}


class Time:
    def __init__(self) -> None:
        self.clock, self.stopwatch = SteppableClock(), SteppableStopwatch()

    def wait(self, **parts: float) -> None:
        for each in (self.clock, self.stopwatch):
            each.step(timedelta(**parts))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def timed(run: Run, time: Time) -> Service:
    """A service for which no time passes unless it is told so."""
    return await run(
        instead(Clock, lambda: time.clock), instead(Stopwatch, lambda: time.stopwatch)
    )


async def made(api: httpx.AsyncClient, **said: Any) -> dict[str, Any]:
    answer = await api.post("/v1/keys", json={**NEW, **said})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


async def test_a_new_key_is_shown_once(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/keys", json=NEW)
    assert answer.status_code == 201
    key = answer.json()
    assert answer.headers["Location"] == f"/v1/keys/{key['id']}"
    shown = key.pop("key")
    assert shown.startswith(key["prefix"] + "_")
    assert key["prefix"] == "pk_" + key["id"].removeprefix("key_")
    assert key["scopes"] == ["photos:read", "photos:write"]
    again = await api.get(f"/v1/keys/{key['id']}")
    assert again.json() == key
    listed = await api.get("/v1/keys")
    secret = shown.rpartition("_")[2]
    assert secret not in again.text + listed.text


async def test_a_new_key_works(service: Service, api: httpx.AsyncClient) -> None:
    key = await made(api)
    client = await service.anyone(f"Bearer {key['key']}")
    assert (await client.get("/v1/jobs")).status_code == 200
    assert (await client.get("/v1/keys")).status_code == 403


async def test_a_key_tells_when_it_was_last_used(timed: Service, time: Time) -> None:
    api = await timed.client()
    key = await made(api)
    assert key["last_used_at"] is None
    client = await timed.anyone(f"Bearer {key['key']}")
    for seconds, noted in [(0, "03:04:05Z"), (59, "03:04:05Z"), (1, "03:05:05Z")]:
        time.wait(seconds=seconds)
        await client.get("/v1/jobs")
        shown = await api.get(f"/v1/keys/{key['id']}")
        assert shown.json()["last_used_at"] == f"2026-01-02T{noted}"


async def test_keys_are_listed_newest_first_a_page_at_a_time(
    service: Service, tenant: Tenant
) -> None:
    api = await service.client(tenant)
    keys = [await made(api, name=str(number)) for number in range(5)]
    await api.delete(f"/v1/keys/{keys[2]['id']}")
    names, cursor = [], None
    while True:
        page = (
            await api.get(
                "/v1/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        names += [key["name"] for key in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == ["4", "3", "2", "1", "0", "test"]


@pytest.mark.parametrize("cursor", ["", "x", "am9iX3g", "é", "a2V5X3g="])
async def test_what_is_no_cursor_is_refused(
    api: httpx.AsyncClient, cursor: str
) -> None:
    answer = await api.get("/v1/keys", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/cursor"


async def test_a_revoked_key_ends_within_a_second_and_stays_listed(
    timed: Service, time: Time
) -> None:
    api = await timed.client()
    key = await made(api)
    client = await timed.anyone(f"Bearer {key['key']}")
    assert (await client.get("/v1/jobs")).status_code == 200
    for _ in range(2):
        assert (await api.delete(f"/v1/keys/{key['id']}")).status_code == 204
        time.wait(seconds=0.8)
        assert (await client.get("/v1/jobs")).status_code == 401
    shown = (await api.get(f"/v1/keys/{key['id']}")).json()
    assert shown["revoked_at"] == "2026-01-02T03:04:05Z"


async def test_a_key_may_revoke_itself(timed: Service, time: Time) -> None:
    api = await timed.client()
    key = await made(api, scopes=["admin"])
    itself = await timed.anyone(f"Bearer {key['key']}")
    assert (await itself.delete(f"/v1/keys/{key['id']}")).status_code == 204
    time.wait(seconds=0.8)
    assert (await itself.get("/v1/keys")).status_code == 401


@pytest.mark.parametrize(
    ("said", "expires_at"),
    [
        ({}, None),
        ({"expires_at": None, "expires_in_days": None}, None),
        ({"expires_in_days": 90}, "2026-04-02T03:04:05Z"),
        ({"expires_at": "2026-01-02T03:04:06Z"}, "2026-01-02T03:04:06Z"),
        ({"expires_at": "2026-01-02T05:04:06+02:00"}, "2026-01-02T03:04:06Z"),
    ],
)
async def test_a_key_may_end(
    timed: Service, said: dict[str, Any], expires_at: str | None
) -> None:
    assert (await made(await timed.client(), **said))["expires_at"] == expires_at


async def test_a_key_that_has_ended_opens_nothing(timed: Service, time: Time) -> None:
    key = await made(await timed.client(), expires_in_days=1)
    client = await timed.anyone(f"Bearer {key['key']}")
    assert (await client.get("/v1/jobs")).status_code == 200
    time.wait(days=1)
    assert (await client.get("/v1/jobs")).status_code == 401


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a" * 101}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": 7}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["photos:*"]}, "/scopes/0"),
        ({"scopes": "admin"}, "/scopes"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"expires_in_days": 3651}, "/expires_in_days"),
        ({"expires_in_days": 1, "expires_at": "2040-01-01T00:00:00Z"},
         "/expires_in_days"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "/expires_at"),
        ({"expires_at": "2040-01-01T00:00:00"}, "/expires_at"),
        ({"tenant": "other"}, "/tenant"),
        ({"secret": "x"}, "/secret"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_field_that_does_not_hold_is_named(
    api: httpx.AsyncClient, said: dict[str, Any], pointer: str
) -> None:
    answer = await api.post("/v1/keys", json={**NEW, **said})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_an_unknown_scope_is_answered_with_the_known_ones(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.post("/v1/keys", json={**NEW, "scopes": ["photos"]})
    for scope in Scope:
        assert scope in answer.json()["detail"]


async def test_nobody_gives_away_more_than_they_have(
    service: Service, tenant: Tenant
) -> None:
    admin = await service.client(tenant, {Scope.ADMIN, Scope.READ})
    await made(admin, scopes=["photos:read"])
    answer = await admin.post("/v1/keys", json=NEW)
    assert answer.status_code == 403
    assert "photos:write" in answer.json()["detail"]
    assert 'scope="photos:write"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("id", ["key_0", "job_" + "0" * 26, "key_" + "0" * 26, "%00"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_key_is_not_found(
    api: httpx.AsyncClient, method: str, id: str
) -> None:
    assert (await api.request(method, f"/v1/keys/{id}")).status_code == 404


async def test_every_change_is_in_the_audit_log(
    run: Run, service: Service, tenant: Tenant
) -> None:
    api = await service.client(tenant)
    key = await made(api)
    await api.delete(f"/v1/keys/{key['id']}")
    audit = await service.container.get(AuditLog)
    revoked, created, first = await audit.page(tenant, limit=9)
    assert (first.actor, first.target) == ("cli", created.actor)
    assert created.target == revoked.target == key["id"]
    assert (created.action, revoked.action) == (Action.KEY_CREATED, Action.KEY_REVOKED)
    assert (await audit.page(ACME, limit=1)) != [revoked]


async def test_a_key_that_is_asked_for_twice_is_made_once(
    api: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "7"}
    first, again = [
        await api.post("/v1/keys", json=NEW, headers=headers) for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len((await api.get("/v1/keys")).json()["items"]) == 2
