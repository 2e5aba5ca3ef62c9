import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from photo.domain.access import ApiKey, KeyId, Scope
from photo.domain.errors import NotFound
from tests.contracts.repositories import Repositories
from tests.makers import ACME, NOW, OTHER, a_key


async def test_a_key_comes_back_as_it_was(repositories: Repositories) -> None:
    lasting = a_key(scopes=frozenset({Scope.READ, Scope.WRITE}))
    ended = a_key(expires_at=NOW + timedelta(days=90)).revoke(NOW)
    for key in (lasting, ended):
        await repositories.keys.add(key)
        assert await repositories.keys.get(key.id) == key


async def test_an_unknown_key_is_not_found(repositories: Repositories) -> None:
    with pytest.raises(NotFound):
        await repositories.keys.get(KeyId("key_0"))
    with pytest.raises(NotFound):
        await repositories.keys.update(KeyId("key_0"), lambda key: key)


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
