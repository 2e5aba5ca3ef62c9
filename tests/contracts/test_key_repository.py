import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.keys import PostgresKeyRepository
from photo.adapters.postgres.transactions import Database
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.access import ONE_USE, ApiKey, KeyId, Scope
from photo.domain.errors import NotFound
from tests.contracts.repositories import Repositories
from tests.makers import ACME, NOW, OTHER, PROOF, a_key

HMAC = "c3" * 32


def an_older_key() -> ApiKey:
    return replace(a_key(), secret_hmac=None, secret_sha256=PROOF.sha256)


async def test_a_key_comes_back_as_it_was(repositories: Repositories) -> None:
    lasting = a_key(scopes=frozenset({Scope.READ, Scope.WRITE}))
    ended = a_key(expires_at=NOW + timedelta(days=90)).revoke(NOW)
    used = a_key().used(NOW, secret_hmac=HMAC)
    for key in (lasting, ended, used, an_older_key()):
        await repositories.keys.add(key)
        assert await repositories.keys.get(key.id) == key
        assert await repositories.keys.get_for(ACME, key.id) == key


async def test_an_unknown_key_is_not_found(repositories: Repositories) -> None:
    with pytest.raises(NotFound):
        await repositories.keys.get(KeyId("key_0"))
    with pytest.raises(NotFound):
        await repositories.keys.get_for(ACME, KeyId("key_0"))
    with pytest.raises(NotFound):
        await repositories.keys.update(KeyId("key_0"), lambda key: key)


async def test_the_key_of_another_tenant_is_not_found(
    repositories: Repositories,
) -> None:
    key = a_key(tenant=OTHER)
    await repositories.keys.add(key)
    with pytest.raises(NotFound):
        await repositories.keys.get_for(ACME, key.id)


async def test_a_revoked_key_stays_revoked(repositories: Repositories) -> None:
    key = a_key()
    await repositories.keys.add(key)
    revoked = await repositories.keys.update(key.id, lambda key: key.revoke(NOW))
    assert revoked == key.revoke(NOW) == await repositories.keys.get(key.id)


async def test_a_change_that_fails_changes_nothing(repositories: Repositories) -> None:
    key = a_key()
    await repositories.keys.add(key)

    def fail(_: ApiKey) -> ApiKey:
        raise NotFound("on purpose")

    with pytest.raises(NotFound, match="on purpose"):
        await repositories.keys.update(key.id, fail)
    assert await repositories.keys.get(key.id) == key


async def test_concurrent_changes_are_all_kept(repositories: Repositories) -> None:
    key = replace(a_key(), name="")
    await repositories.keys.add(key)

    def mark(key: ApiKey) -> ApiKey:
        return replace(key, name=key.name + "x")

    await asyncio.gather(*(repositories.keys.update(key.id, mark) for _ in range(8)))
    assert (await repositories.keys.get(key.id)).name == "x" * 8


async def test_all_keys_are_listed_newest_first(repositories: Repositories) -> None:
    keys = [a_key(tenant=tenant) for tenant in (ACME, OTHER, ACME)]
    for key in keys:
        await repositories.keys.add(key)
    assert list(await repositories.keys.all()) == keys[::-1]


@pytest.mark.parametrize("limit", [1, 2, 5, 9])
async def test_pages_hold_every_key_of_a_tenant_once(
    repositories: Repositories, limit: int
) -> None:
    mine = [a_key() for _ in range(5)]
    for key in mine:
        await repositories.keys.add(key)
        await repositories.keys.add(a_key(tenant=OTHER))
    seen: list[ApiKey] = []
    while page := await repositories.keys.page(
        ACME, limit=limit, before=seen[-1].id if seen else None
    ):
        assert len(page) <= limit
        seen += page
    assert seen == mine[::-1]


async def test_a_use_is_noted_once_in_a_while(repositories: Repositories) -> None:
    key = a_key()
    await repositories.keys.add(key)
    for seconds, noted in [(0, 0), (1, 0), (59, 0), (60, 60), (61, 60), (180, 180)]:
        at = NOW + timedelta(seconds=seconds)
        await repositories.keys.note_use(key.id, at=at, secret_hmac=PROOF.hmac)
        stored = await repositories.keys.get(key.id)
        assert stored == replace(key, last_used_at=NOW + timedelta(seconds=noted))


async def test_a_use_replaces_the_plain_hash(repositories: Repositories) -> None:
    key = replace(an_older_key(), last_used_at=NOW)
    await repositories.keys.add(key)
    await repositories.keys.note_use(key.id, at=NOW, secret_hmac=HMAC)
    assert await repositories.keys.get(key.id) == key.used(NOW, secret_hmac=HMAC)


async def test_the_use_of_an_unknown_key_is_not_noted(
    repositories: Repositories,
) -> None:
    await repositories.keys.add(key := a_key())
    await repositories.keys.note_use(KeyId("key_0"), at=NOW, secret_hmac=HMAC)
    assert await repositories.keys.all() == [key]


async def test_noting_a_use_waits_for_nobody(
    database: Database, engine: AsyncEngine
) -> None:
    keys = PostgresKeyRepository(database)
    elsewhere = PostgresKeyRepository(Database(engine, acts_for=EVERYONE))
    await keys.add(key := a_key())
    async with database.begin():
        await keys.update(key.id, lambda key: key.revoke(NOW))
        async with asyncio.timeout(60):
            await elsewhere.note_use(key.id, at=NOW, secret_hmac=HMAC)
    assert await keys.get(key.id) == key.revoke(NOW)


async def test_the_database_shows_each_tenant_its_own_keys(database: Database) -> None:
    keys = PostgresKeyRepository(database)
    await keys.add(key := a_key())
    with acting_for(OTHER):
        assert await keys.all() == []
        with pytest.raises(NotFound):
            await keys.get(key.id)
        await keys.note_use(key.id, at=NOW + ONE_USE, secret_hmac=HMAC)
    assert await keys.get(key.id) == key
