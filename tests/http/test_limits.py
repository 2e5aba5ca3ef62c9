import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import chain, cycle
from typing import Any, cast

import httpx
import pytest
from dishka import Provider

from photo.adapters.limits.memory import MemoryRateLimiter
from photo.adapters.limits.redis import redis_rate_limiter
from photo.adapters.limits.steady import SteadyRateLimiter
from photo.adapters.memory import MemoryKeyRepository
from photo.application.limits import RateLimits
from photo.application.ports import KeyRepository, Limit, RateLimiter, Stopwatch
from photo.domain.access import ApiKey, KeyId, Scope, Tenant
from photo.entrypoints.local.ports import choose_ports
from tests.http.conftest import Run
from tests.http.service import JPEG, Service
from tests.http.stand_ins import instead
from tests.makers import SteppableStopwatch
from tests.valkey import Valkey, patient_limiter

UNKNOWN = "Bearer pk_01h00000000000000000000000_" + "0" * 64
LIMITS = RateLimits.per_minute(key=20, tenant=30, address=5)
A_JOB = {"source": {"type": "url", "url": "https://example.com/photo.jpg"}}


class CountingKeys(MemoryKeyRepository):
    def __init__(self) -> None:
        super().__init__()
        self.looked_up = 0

    async def get(self, key_id: KeyId) -> ApiKey:
        self.looked_up += 1
        return await super().get(key_id)


@pytest.fixture
def stopwatch() -> SteppableStopwatch:
    return SteppableStopwatch()


@pytest.fixture
def keys() -> CountingKeys:
    return CountingKeys()


@pytest.fixture
async def limited(
    run: Run, stopwatch: SteppableStopwatch, keys: CountingKeys
) -> Service:
    return await run(
        instead(RateLimits, lambda: LIMITS),
        instead(Stopwatch, lambda: stopwatch),
        instead(KeyRepository, lambda: keys),
    )


def left(answer: httpx.Response) -> list[str]:
    """What remains of each limit: `r` of every item."""
    items = answer.headers["RateLimit"].split(", ")
    return [item.split(";r=")[1].split(";")[0] for item in items]


async def spend(api: httpx.AsyncClient, requests: int) -> list[int]:
    return [(await api.get("/v1/jobs")).status_code for _ in range(requests)]


def a_stranger(service: Service, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(cast("Any", service.app), client=(address, 1))
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://photo.test",
        headers={"Authorization": UNKNOWN},
    )


async def test_every_answer_says_what_may_be_spent_and_what_is_left(
    limited: Service,
) -> None:
    api = await limited.client()
    answer = await api.get("/v1/jobs")
    assert answer.headers["RateLimit-Policy"] == '"key";q=20;w=60, "tenant";q=30;w=60'
    assert answer.headers["RateLimit"] == '"key";r=19;t=3, "tenant";r=29;t=2'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/jobs/job_0", 404),
        ("GET", "/v1/jobs?mistyped=1", 422),
        ("POST", "/v1/jobs", 400),
    ],
)
async def test_errors_say_it_too(
    limited: Service, method: str, path: str, status: int
) -> None:
    answer = await (await limited.client()).request(method, path)
    assert answer.status_code == status
    assert "RateLimit-Policy" in answer.headers


async def test_what_a_scope_forbids_is_paid_for_all_the_same(limited: Service) -> None:
    api = await limited.client(scopes=[Scope.WRITE])
    answer = await api.get("/v1/jobs")
    assert answer.status_code == 403
    assert left(answer) == ["19", "29"]


async def test_requests_cost_by_what_they_ask_for(
    run: Run, stopwatch: SteppableStopwatch
) -> None:
    limits = RateLimits.per_minute(key=100, tenant=100, address=5)
    service = await run(
        instead(RateLimits, lambda: limits), instead(Stopwatch, lambda: stopwatch)
    )
    api = await service.client()
    assert left(await api.get("/v1/jobs"))[0] == "99"
    assert left(await api.head("/v1/jobs"))[0] == "98"
    upload = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    assert left(upload)[0] == "96"
    assert left(await api.post("/v1/jobs", json=A_JOB))[0] == "91"
    jpeg = {"Content-Type": "image/jpeg"}
    assert left(await api.post("/v1/read", content=JPEG, headers=jpeg))[0] == "81"
    assert left(await api.post("/v1/jobs/job_0/cancel"))[0] == "79"
    assert left(await api.post("/v1/jobs/job_0/retry"))[0] == "74"
    assert left(await api.get("/v1/search?q=a"))[0] == "69"


async def test_beyond_a_keys_limit_requests_are_refused(
    limited: Service, stopwatch: SteppableStopwatch
) -> None:
    api = await limited.client()
    assert await spend(api, 21) == [200] * 20 + [429]
    answer = await api.get("/v1/jobs")
    problem = answer.json()
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["RateLimit"] == '"key";r=0;t=3, "tenant";r=10;t=2'
    assert (problem["code"], problem["retryable"]) == ("rate_limited", True)
    assert problem["detail"] == (
        "This key has spent the 20 units that it may spend in 60 s; "
        "this request costs 1. Try again in 3 s."
    )
    stopwatch.step(timedelta(seconds=3))
    assert await spend(api, 2) == [200, 429]


async def test_a_dear_request_waits_for_all_that_it_costs(limited: Service) -> None:
    api = await limited.client()
    await spend(api, 18)
    answer = await api.post("/v1/jobs", json=A_JOB)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "9"
    assert await spend(api, 2) == [200, 200]


async def test_the_keys_of_a_tenant_share_its_limit(limited: Service) -> None:
    one, other = await limited.client(), await limited.client()
    assert await spend(one, 20) == [200] * 20
    assert await spend(other, 11) == [200] * 10 + [429]
    assert "This tenant has spent" in (await other.get("/v1/jobs")).json()["detail"]
    assert await spend(await limited.client("other"), 1) == [200]


async def test_what_the_tenant_is_refused_costs_the_key_nothing(
    limited: Service, stopwatch: SteppableStopwatch
) -> None:
    one, other = await limited.client(), await limited.client()
    await spend(one, 20)
    await spend(other, 15)
    stopwatch.step(timedelta(seconds=2))
    assert left(await other.get("/v1/jobs")) == ["9", "0"]


async def test_a_refused_request_is_not_looked_into(limited: Service) -> None:
    api = await limited.client()
    await spend(api, 20)
    answer = await api.post("/v1/jobs", content=b"{")
    assert answer.status_code == 429


async def test_strangers_are_limited_by_address_before_any_look_up(
    limited: Service, keys: CountingKeys, stopwatch: SteppableStopwatch
) -> None:
    stranger = await limited.anyone(UNKNOWN)
    assert await spend(stranger, 8) == [401] * 5 + [429] * 3
    looked_up = keys.looked_up
    answer = await stranger.get("/v1/jobs")
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["Retry-After"] == "12"
    assert "RateLimit" not in answer.headers
    assert keys.looked_up == looked_up
    stopwatch.step(timedelta(seconds=12))
    assert await spend(stranger, 2) == [401, 429]


@pytest.mark.parametrize("authorization", [None, "Basic dTpw", "Bearer pk_x"])
async def test_those_without_any_credential_are_strangers_too(
    limited: Service, authorization: str | None
) -> None:
    stranger = await limited.anyone(authorization)
    assert await spend(stranger, 6) == [401] * 5 + [429]


async def test_a_valid_key_costs_its_address_nothing(limited: Service) -> None:
    assert await spend(await limited.client(), 10) == [200] * 10
    assert await spend(await limited.anyone(UNKNOWN), 5) == [401] * 5


async def test_other_addresses_are_not_refused(limited: Service) -> None:
    async with a_stranger(limited, "192.0.2.1") as bad:
        assert await spend(bad, 6) == [401] * 5 + [429]
    async with a_stranger(limited, "192.0.2.2") as other:
        assert await spend(other, 1) == [401]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "hidden", False),
    ],
)
async def test_an_ipv6_network_counts_as_one_address(
    limited: Service, one: str, other: str, *, shared: bool
) -> None:
    async with a_stranger(limited, one) as api:
        await spend(api, 6)
    async with a_stranger(limited, other) as api:
        assert await spend(api, 1) == [429 if shared else 401]


FORWARDED: list[Callable[[int], dict[str, str]]] = [
    lambda n: {"X-Forwarded-For": f"198.51.100.{n % 256}"},
    lambda n: {"Forwarded": f"for=198.51.100.{n % 256};proto=https"},
    lambda n: {"X-Real-IP": f"198.51.100.{n % 256}"},
    lambda n: {"X-Forwarded-For": f"2001:db8:{n:x}::1, 192.0.2.{n % 256}"},
]


async def test_made_up_addresses_change_nothing(
    run: Run, stopwatch: SteppableStopwatch
) -> None:
    limits = RateLimits.per_minute(key=20, tenant=20, address=100)
    service = await run(
        instead(RateLimits, lambda: limits), instead(Stopwatch, lambda: stopwatch)
    )
    stranger = await service.anyone(UNKNOWN)
    outcomes = [
        (await stranger.get("/v1/jobs", headers=forged(n))).status_code
        for n, forged in zip(range(1000), cycle(FORWARDED), strict=False)
    ]
    assert outcomes == [401] * 100 + [429] * 900


SLOW = RateLimits(
    key=Limit("key", 20, 3600),
    tenant=Limit("tenant", 30, 3600),
    address=Limit("address", 30, 3600),
)


def limited_in_redis(valkey: Valkey) -> tuple[Provider, ...]:
    async def limiter() -> AsyncIterator[RateLimiter]:
        async with patient_limiter(valkey.url) as limiter:
            yield limiter

    return instead(RateLimits, lambda: SLOW), instead(RateLimiter, limiter)


async def spend_at_once(*clients: httpx.AsyncClient, requests: int) -> Counter[int]:
    """How often each status was answered."""
    statuses = await asyncio.gather(*(spend(api, requests) for api in clients))
    return Counter(chain.from_iterable(statuses))


async def test_two_processes_share_the_limits_of_keys_and_tenants(
    run: Run, valkey: Valkey, keys: CountingKeys, tenant: Tenant
) -> None:
    same_keys = instead(KeyRepository, lambda: keys)
    services = [await run(*limited_in_redis(valkey), same_keys) for _ in range(2)]
    for allowed in (20, 10):
        key = f"Bearer {await services[0].key(tenant)}"
        clients = [await service.anyone(key) for service in services]
        statuses = await spend_at_once(*clients, requests=30)
        assert statuses == {200: allowed, 429: 60 - allowed}
    await valkey.pass_time(timedelta(seconds=3600 / 30))
    assert await spend(clients[0], 2) == [200, 429]


async def test_two_processes_share_the_limits_of_addresses(
    run: Run, valkey: Valkey
) -> None:
    services = [await run(*limited_in_redis(valkey)) for _ in range(2)]
    address = "203.0.113.1"
    async with (
        a_stranger(services[0], address) as one,
        a_stranger(services[1], address) as other,
    ):
        statuses = await spend_at_once(one, other, requests=50)
    assert statuses == {401: 30, 429: 70}


async def test_requests_go_on_while_what_is_shared_is_away(run: Run) -> None:
    nowhere = f"redis://127.0.0.1:{choose_ports(['nobody'])['nobody']}"
    stopwatch = SteppableStopwatch()

    async def limiter() -> AsyncIterator[RateLimiter]:
        own = MemoryRateLimiter(stopwatch)
        async with redis_rate_limiter(nowhere) as shared:
            yield SteadyRateLimiter(shared, own, stopwatch)

    service = await run(
        instead(RateLimits, lambda: SLOW), instead(RateLimiter, limiter)
    )
    assert await spend(await service.client(), 21) == [200] * 20 + [429]
