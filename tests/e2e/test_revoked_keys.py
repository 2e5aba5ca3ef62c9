"""A key that is revoked in one process ends in all of them, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import httpx
import pytest

from photo.adapters.postgres.database import LIMITS, connect
from tests.e2e.another_api import another_api
from tests.e2e.conftest import Service


@pytest.fixture
async def another(service: Service, tmp_path: Path) -> AsyncIterator[str]:
    async with another_api(service, tmp_path / "api.log") as url:
        yield url


async def _until_refused(client: httpx.AsyncClient) -> float:
    """The moment at which a busy client is answered 401."""
    while (await client.get("/v1/jobs")).status_code != httpx.codes.UNAUTHORIZED:
        pass
    return perf_counter()


@pytest.mark.parametrize("way", ["over HTTP", "by the command"])
async def test_a_revoked_key_ends_soon_in_every_process(
    service: Service, another: str, way: str
) -> None:
    scopes = [f"--scope={scope}" for scope in ("admin", "photos:read")]
    _, admin, _ = await service.photo("keys", "create", "--name", "boss", *scopes)
    async with service.client(admin.strip()) as boss:
        new = {"name": "busy", "scopes": ["photos:read"]}
        key = (await boss.post("/v1/keys", json=new)).raise_for_status().json()
        headers = {"Authorization": f"Bearer {key['key']}"}
        async with (
            httpx.AsyncClient(
                base_url=service.url, headers=headers, timeout=60
            ) as here,
            httpx.AsyncClient(base_url=another, headers=headers, timeout=60) as there,
        ):
            for client in (here, there):
                assert (await client.get("/v1/jobs")).status_code == 200
            busy = [asyncio.create_task(_until_refused(it)) for it in (here, there)]
            if way == "over HTTP":
                path = f"/v1/keys/{key['id']}"
                assert (await boss.delete(path)).status_code == 204
            else:
                assert (await service.photo("keys", "revoke", key["id"]))[0] == 0
            revoked = perf_counter()
            async with asyncio.timeout(60):
                refused = await asyncio.gather(*busy)
    # It would be cached; for how long, other tests say by a clock of their own.
    assert max(refused) - revoked < 30


async def test_keys_are_listed_with_their_last_use(service: Service) -> None:
    _, shown, _ = await service.photo("keys", "create", "--name", "listed\x1b[31m")
    key_id = f"key_{shown.split('_')[1]}"

    async def line() -> str:
        _, out, _ = await service.photo("keys", "list")
        return next(line for line in out.splitlines() if key_id in line)

    assert "last-used=never" in await line()
    async with service.client(shown.strip()) as client:
        (await client.get("/v1/jobs")).raise_for_status()
    used = await line()
    assert "last-used=20" in used
    assert "listed\\x1b[31m" in used
    assert shown.strip().rpartition("_")[2] not in used


async def test_nothing_of_a_secret_is_in_a_dump_of_the_database(
    service: Service,
) -> None:
    _, shown, _ = await service.photo("keys", "create", "--name", "dumped")
    async with service.client(shown.strip()) as client:
        (await client.get("/v1/jobs")).raise_for_status()
    database = await connect(service.env["DATABASE_URL"], LIMITS)
    await database.execute("SET photo.tenant = '*'")
    rows = repr(await database.fetch("SELECT * FROM api_keys"))
    await database.close()
    secret = shown.strip().rpartition("_")[2]
    assert shown.split("_")[1] in rows
    for known in (secret, secret[:-8]):
        assert known not in rows
        # With this and no pepper, guesses could at least be tried.
        assert sha256(known.encode()).hexdigest() not in rows
