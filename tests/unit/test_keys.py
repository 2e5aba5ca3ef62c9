from datetime import timedelta

import pytest

from photo.adapters.memory import MemoryKeyRepository
from photo.application.keys import Authenticate, CreateKey, RevokeKey
from photo.domain.access import KeyId, Scope, hash_secret, show_key
from photo.domain.errors import NotFound, Unauthenticated
from tests.makers import ACME, NOW, OTHER, SECRET, SteppableClock, a_key, new_id

A_DAY = timedelta(days=1)
READ = frozenset({Scope.READ})


class Office:
    """All there is to do with keys."""

    def __init__(self) -> None:
        self.clock = SteppableClock()
        self.keys = MemoryKeyRepository()
        self.create = CreateKey(self.keys, new_id, lambda: SECRET, self.clock)
        self.revoke = RevokeKey(self.keys, self.clock)
        self.authenticate = Authenticate(self.keys, self.clock)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_new_key_opens_its_tenant_with_its_scopes(office: Office) -> None:
    key, shown = await office.create(ACME, name="laptop", scopes=READ)
    caller = await office.authenticate(shown)
    assert (caller.tenant, caller.scopes, caller.credential) == (ACME, READ, key.id)


async def test_only_the_hash_of_a_secret_is_kept(office: Office) -> None:
    key, shown = await office.create(ACME, name="laptop", scopes=READ)
    assert shown == show_key(key.id, SECRET)
    assert (await office.keys.get(key.id)).secret_sha256 == hash_secret(SECRET)
    assert SECRET not in repr(await office.keys.all())


async def test_a_key_without_a_lifetime_never_expires(office: Office) -> None:
    _, shown = await office.create(ACME, name="laptop", scopes=READ)
    office.clock.step(10_000 * A_DAY)
    await office.authenticate(shown)


async def test_a_key_expires_after_its_lifetime(office: Office) -> None:
    key, shown = await office.create(ACME, name="ci", scopes=READ, lifetime=A_DAY)
    assert key.expires_at == NOW + A_DAY
    office.clock.step(A_DAY)
    with pytest.raises(Unauthenticated):
        await office.authenticate(shown)


async def test_a_key_without_any_time_to_live_is_no_key_for_ever(
    office: Office,
) -> None:
    _, shown = await office.create(ACME, name="ci", scopes=READ, lifetime=timedelta(0))
    with pytest.raises(Unauthenticated):
        await office.authenticate(shown)


async def test_a_revoked_key_is_refused_at_once_and_alone(office: Office) -> None:
    revoked, shown = await office.create(ACME, name="old", scopes=READ)
    _, other = await office.create(ACME, name="new", scopes=READ)
    assert (await office.revoke(revoked.id)).revoked_at == NOW
    with pytest.raises(Unauthenticated):
        await office.authenticate(shown)
    await office.authenticate(other)


async def test_revoking_again_keeps_the_first_time(office: Office) -> None:
    key, _ = await office.create(ACME, name="old", scopes=READ)
    first = await office.revoke(key.id)
    office.clock.step(A_DAY)
    assert await office.revoke(key.id) == first


async def test_an_unknown_key_cannot_be_revoked(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.revoke(KeyId("key_unknown"))


async def test_the_secret_of_one_key_does_not_open_another(office: Office) -> None:
    mine, theirs = a_key(secret="mine"), a_key(secret="theirs", tenant=OTHER)
    await office.keys.add(mine)
    await office.keys.add(theirs)
    with pytest.raises(Unauthenticated):
        await office.authenticate(show_key(theirs.id, "mine"))


async def test_an_unknown_key_is_refused_in_the_words_for_a_wrong_one(
    office: Office,
) -> None:
    key, _ = await office.create(ACME, name="laptop", scopes=READ)
    told = set()
    for shown in [show_key(key.id, "wrong"), show_key(KeyId("key_unknown"), SECRET)]:
        with pytest.raises(Unauthenticated) as refused:
            await office.authenticate(shown)
        told.add(refused.value.detail)
    assert len(told) == 1


@pytest.mark.parametrize("shown", ["", "Bearer", "eyJh.eyJz.c2ln", "sk_live_x", "pk_a"])
async def test_other_credentials_are_no_keys(office: Office, shown: str) -> None:
    with pytest.raises(Unauthenticated):
        await office.authenticate(shown)
