import asyncio
import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from photo.adapters.memory import (
    MemoryAuditLog,
    MemoryDatabase,
    MemoryKeyRepository,
)
from photo.adapters.vault import AesVault
from photo.application.audit import RecordChange, operator
from photo.application.authentication import CheckKey
from photo.application.keys import CreateKey, MintKey, RevokeKey
from photo.domain.access import ApiKey, KeyId, Principal, Scope, show_key, split_key
from photo.domain.audit import Action
from photo.domain.errors import (
    Forbidden,
    Internal,
    NotFound,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from tests.makers import (
    ACME,
    NOW,
    OTHER,
    SECRET,
    SteppableClock,
    SteppableStopwatch,
    new_id,
)

A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
READ = frozenset({Scope.READ})
BOSS = operator(ACME)


class CountingKeys(MemoryKeyRepository):
    """Counts look-ups and notes, and fails where it is told to."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database)
        self.looked_up = self.noted = 0
        self.failure: Exception | None = None
        self.on_look_up: Callable[[], None] = lambda: None
        self.lost: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def get(self, key_id: KeyId) -> ApiKey:
        self.looked_up += 1
        key = await super().get(key_id)
        self.on_look_up()
        await self.answers.wait()
        if self.lost:
            raise self.lost
        return key

    async def note_use(self, key_id: KeyId, *, at: datetime, secret_hmac: str) -> None:
        self.noted += 1
        if self.failure:
            raise self.failure
        await super().note_use(key_id, at=at, secret_hmac=secret_hmac)


class Office:
    """All there is to do with keys."""

    def __init__(self) -> None:
        database, vault = MemoryDatabase(), AesVault("pepper")
        self.clock, self.stopwatch = SteppableClock(), SteppableStopwatch()
        self.keys = CountingKeys(database)
        self.audit = MemoryAuditLog(database)
        record = RecordChange(self.audit, new_id, self.clock)
        mint = MintKey(vault, new_id, lambda: SECRET, self.clock)
        self.create = CreateKey(self.keys, database, mint, record)
        self.revoke = RevokeKey(self.keys, database, record, self.clock)
        self.authenticate = self.process(vault)

    def process(self, vault: AesVault | None = None) -> CheckKey:
        """The memory of another process of the service."""
        vault = vault or AesVault("pepper")
        return CheckKey(self.keys, vault, self.clock, self.stopwatch)

    def wait(self, time: timedelta) -> None:
        self.clock.step(time)
        self.stopwatch.step(time)

    async def stored(self, key: ApiKey) -> ApiKey:
        return await MemoryKeyRepository.get(self.keys, key.id)


@pytest.fixture
def office() -> Office:
    return Office()


async def refused(office: Office, shown: str) -> str:
    with pytest.raises(Unauthenticated) as error:
        await office.authenticate(shown)
    return error.value.detail


async def test_a_new_key_opens_its_tenant_with_its_scopes(office: Office) -> None:
    key, shown = await office.create(BOSS, name="laptop", scopes=READ)
    caller = await office.authenticate(shown)
    assert caller == Principal(ACME, READ, key.id)


async def test_only_a_keyed_hash_of_a_secret_is_kept(office: Office) -> None:
    key, shown = await office.create(BOSS, name="laptop", scopes=READ)
    assert shown == show_key(key.id, SECRET)
    everything = repr(await office.keys.all())
    _, secret = split_key(shown)
    for known in (SECRET, secret):
        assert known not in everything
        assert sha256(known.encode()).hexdigest() not in everything
    assert (await office.stored(key)).secret_sha256 is None


async def test_under_another_pepper_no_key_opens(office: Office) -> None:
    _, shown = await office.create(BOSS, name="laptop", scopes=READ)
    with pytest.raises(Unauthenticated):
        await office.process(AesVault("salt"))(shown)


async def test_a_key_without_a_lifetime_never_expires(office: Office) -> None:
    _, shown = await office.create(BOSS, name="laptop", scopes=READ)
    office.wait(10_000 * A_DAY)
    await office.authenticate(shown)


@pytest.mark.parametrize("expires", [A_DAY, NOW + A_DAY])
async def test_a_key_expires_in_time_however_busy(
    office: Office, expires: datetime | timedelta
) -> None:
    key, shown = await office.create(BOSS, name="ci", scopes=READ, expires=expires)
    assert key.expires_at == NOW + A_DAY
    office.wait(A_DAY - timedelta(microseconds=1))
    await office.authenticate(shown)
    office.wait(timedelta(microseconds=1))
    await refused(office, shown)


@pytest.mark.parametrize(
    "expires",
    [
        timedelta(),
        -A_DAY,
        NOW,
        NOW - A_DAY,
        3651 * A_DAY,
        datetime.max.replace(tzinfo=UTC),
    ],
)
async def test_a_key_ends_in_the_future_and_in_sight(
    office: Office, expires: datetime | timedelta
) -> None:
    with pytest.raises(ValidationFailed) as invalid:
        await office.create(BOSS, name="ci", scopes=READ, expires=expires)
    assert invalid.value.pointer == "/expires_at"
    assert await office.keys.all() == []


async def test_nobody_gives_away_more_than_they_have(office: Office) -> None:
    clerk = Principal(ACME, frozenset({Scope.ADMIN, Scope.READ}), "key_clerk")
    await office.create(clerk, name="reader", scopes=READ)
    with pytest.raises(Forbidden, match="photos:write"):
        await office.create(clerk, name="writer", scopes=frozenset(Scope))
    assert len(await office.keys.all()) == 1


async def test_a_revoked_key_is_refused_and_alone(office: Office) -> None:
    revoked, shown = await office.create(BOSS, name="old", scopes=READ)
    _, other = await office.create(BOSS, name="new", scopes=READ)
    await office.revoke(BOSS, revoked.id)
    assert (await office.stored(revoked)).revoked_at == NOW
    await refused(office, shown)
    await office.authenticate(other)


async def test_a_revoked_key_ends_within_a_second_in_every_process(
    office: Office,
) -> None:
    key, shown = await office.create(BOSS, name="old", scopes=READ)
    elsewhere = office.process()
    await office.authenticate(shown)
    await elsewhere(shown)
    await office.revoke(BOSS, key.id)
    office.wait(0.8 * A_SECOND)
    for process in (office.authenticate, elsewhere):
        with pytest.raises(Unauthenticated):
            await process(shown)


async def test_a_busy_key_is_looked_up_while_its_holders_go_on(office: Office) -> None:
    key, shown = await office.create(BOSS, name="old", scopes=READ)
    await office.authenticate(shown)
    await office.revoke(BOSS, key.id)
    office.keys.answers.clear()
    before = office.keys.looked_up
    for looked_up in (0, 1, 1):
        office.wait(0.26 * A_SECOND)
        await office.authenticate(shown)
        await a_few_turns()
        assert office.keys.looked_up == before + looked_up
    office.keys.answers.set()
    await a_few_turns()
    await refused(office, shown)
    assert office.keys.looked_up == before + 1


async def test_what_is_known_of_a_busy_key_outlives_a_failure_of_the_database(
    office: Office,
) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    await office.authenticate(shown)
    office.keys.lost = Unavailable("full")
    office.wait(0.4 * A_SECOND)
    for _ in range(3):
        await office.authenticate(shown)
        await a_few_turns()
    office.wait(0.4 * A_SECOND)
    with pytest.raises(Unavailable):
        await office.authenticate(shown)


async def test_a_slow_answer_is_not_believed_longer(office: Office) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    office.keys.on_look_up = lambda: office.wait(A_SECOND)
    await office.authenticate(shown)
    await office.authenticate(shown)
    assert office.keys.looked_up == 2


async def test_a_slow_answer_is_renewed_as_soon_as_a_quick_one(office: Office) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    office.keys.on_look_up = lambda: office.wait(0.3 * A_SECOND)
    await office.authenticate(shown)
    office.wait(0.1 * A_SECOND)
    await office.authenticate(shown)
    await a_few_turns()
    assert office.keys.looked_up == 2


async def a_few_turns() -> None:
    for _ in range(9):
        await asyncio.sleep(0)


async def test_while_a_busy_key_is_looked_up_all_wait_for_that(office: Office) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    office.keys.answers.clear()
    async with asyncio.TaskGroup() as group:
        for half_seconds in range(4):
            for _ in range(50):
                group.create_task(office.authenticate(shown))
            await a_few_turns()
            assert office.keys.looked_up == half_seconds + 1
            office.wait(A_SECOND / 2)
        office.keys.answers.set()


async def test_a_slow_answer_does_not_hide_that_another_is_awaited(
    office: Office,
) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    slow, quick = office.keys.answers, asyncio.Event()
    slow.clear()
    first = asyncio.create_task(office.authenticate(shown))
    await a_few_turns()
    office.wait(A_SECOND)
    office.keys.answers = quick
    second = asyncio.create_task(office.authenticate(shown))
    await a_few_turns()
    slow.set()
    await first
    third = asyncio.create_task(office.authenticate(shown))
    await a_few_turns()
    quick.set()
    await asyncio.gather(second, third)
    assert office.keys.looked_up == 2


async def test_a_slow_answer_does_not_replace_a_newer_one(office: Office) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    slow = office.keys.answers
    slow.clear()
    first = asyncio.create_task(office.authenticate(shown))
    await a_few_turns()
    office.wait(A_SECOND)
    office.keys.answers = asyncio.Event()
    office.keys.answers.set()
    await office.authenticate(shown)
    slow.set()
    await first
    await office.authenticate(shown)
    assert office.keys.looked_up == 2


async def ended(task: asyncio.Task[Principal]) -> object:
    [how] = await asyncio.gather(task, return_exceptions=True)
    return how


@pytest.mark.parametrize("gone", [1, 3])
async def test_who_still_waits_is_told_what_went_wrong(
    office: Office, gone: int
) -> None:
    _, shown = await office.create(BOSS, name="old", scopes=READ)
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unheard.append(context)
    )
    office.keys.answers.clear()
    office.keys.lost = Unavailable("full")
    asking = [asyncio.create_task(office.authenticate(shown)) for _ in range(3)]
    await a_few_turns()
    for each in asking[:gone]:
        each.cancel()
    await a_few_turns()
    office.keys.answers.set()
    told = [type(await ended(each)) for each in asking]
    assert told == [asyncio.CancelledError] * gone + [Unavailable] * (3 - gone)
    del asking, each
    office.keys.lost = None
    await office.authenticate(shown)
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert (office.keys.looked_up, unheard) == (2, [])


async def test_revoking_again_changes_nothing(office: Office) -> None:
    key, _ = await office.create(BOSS, name="old", scopes=READ)
    await office.revoke(BOSS, key.id)
    office.wait(A_DAY)
    await office.revoke(BOSS, key.id)
    assert (await office.stored(key)).revoked_at == NOW
    actions = [entry.action for entry in await office.audit.page(ACME, limit=9)]
    assert actions == [Action.KEY_REVOKED, Action.KEY_CREATED]


async def test_an_unknown_key_cannot_be_revoked(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.revoke(BOSS, KeyId("key_unknown"))


async def test_the_key_of_another_tenant_cannot_be_revoked(office: Office) -> None:
    key, shown = await office.create(BOSS, name="mine", scopes=READ)
    with pytest.raises(NotFound):
        await office.revoke(operator(OTHER), key.id)
    await office.authenticate(shown)
    assert await office.audit.page(OTHER, limit=9) == []


async def test_the_audit_log_tells_who_made_which_key(office: Office) -> None:
    caller = Principal(ACME, frozenset(Scope), "oidc:alice")
    key, shown = await office.create(caller, name="ci", scopes=frozenset(Scope))
    await office.revoke(BOSS, key.id)
    revoked, created = await office.audit.page(ACME, limit=9)
    assert (created.action, created.actor) == (Action.KEY_CREATED, "oidc:alice")
    assert (created.target, created.at) == (key.id, NOW)
    assert created.details == {"name": "ci", "scopes": "admin photos:read photos:write"}
    assert (revoked.action, revoked.actor) == (Action.KEY_REVOKED, "cli")
    assert shown.rpartition("_")[2] not in repr((revoked, created))


async def test_a_key_whose_making_cannot_be_told_is_not_made(office: Office) -> None:
    class FullLog(MemoryAuditLog):
        async def record(self, entry: object) -> None:
            raise Unavailable("full")

    record = RecordChange(FullLog(), new_id, office.clock)
    key, _ = await office.create(BOSS, name="old", scopes=READ)
    with pytest.raises(Unavailable):
        await replace(office.create, record=record)(BOSS, name="x", scopes=READ)
    with pytest.raises(Unavailable):
        await replace(office.revoke, record=record)(BOSS, key.id)
    assert await office.keys.all() == [key]


async def test_the_secret_of_one_key_does_not_open_another(office: Office) -> None:
    mine, _ = await office.create(BOSS, name="mine", scopes=READ)
    theirs, _ = await office.create(operator(OTHER), name="theirs", scopes=READ)
    for key in (mine, theirs):
        await refused(office, show_key(key.id, SECRET[::-1]))


async def test_an_unknown_key_is_refused_in_the_words_for_a_wrong_one(
    office: Office,
) -> None:
    key, _ = await office.create(BOSS, name="laptop", scopes=READ)
    wrong = await refused(office, show_key(key.id, SECRET[::-1]))
    unknown = await refused(office, show_key(KeyId(new_id("key")), SECRET))
    assert wrong == unknown


async def test_an_unknown_key_costs_what_a_wrong_one_does(office: Office) -> None:
    class CountingVault(AesVault):
        signed = 0

        def sign(self, data: bytes, *, purpose: bytes) -> bytes:
            self.signed += 1
            return super().sign(data, purpose=purpose)

    key, _ = await office.create(BOSS, name="laptop", scopes=READ)
    for key_id in (key.id, KeyId(new_id("key"))):
        vault = CountingVault("pepper")
        before = office.keys.looked_up
        with pytest.raises(Unauthenticated):
            await office.process(vault)(show_key(key_id, SECRET[::-1]))
        assert (vault.signed, office.keys.looked_up - before) == (1, 1)


@pytest.mark.parametrize("shown", ["", "Bearer", "sk_live_x", "pk_a", "pk_1_2"])
async def test_what_is_no_key_is_never_looked_up(office: Office, shown: str) -> None:
    await refused(office, shown)
    _, key = await office.create(BOSS, name="laptop", scopes=READ)
    await refused(office, key[:-1] + ("0" if key[-1] != "0" else "1"))
    assert office.keys.looked_up == 0


async def test_a_busy_key_is_looked_up_five_times_in_two_seconds(
    office: Office,
) -> None:
    _, shown = await office.create(BOSS, name="laptop", scopes=READ)
    for _ in range(100):
        await office.authenticate(shown)
        await a_few_turns()
        office.wait(A_SECOND / 50)
    assert office.keys.looked_up == 5


async def test_an_unknown_key_is_looked_up_each_time(office: Office) -> None:
    key, shown = await office.create(BOSS, name="laptop", scopes=READ)
    known = office.keys._keys.pop(key.id)
    for _ in range(3):
        await refused(office, shown)
    office.keys._keys[key.id] = known
    await office.authenticate(shown)
    assert office.keys.looked_up == 4


async def test_a_use_is_noted_once_a_minute(office: Office) -> None:
    key, shown = await office.create(BOSS, name="laptop", scopes=READ)
    assert (await office.stored(key)).last_used_at is None
    for _ in range(180):
        await office.authenticate(shown)
        office.wait(A_SECOND)
    assert office.keys.noted == 3
    assert (await office.stored(key)).last_used_at == NOW + 120 * A_SECOND


async def test_a_wrong_secret_is_no_use(office: Office) -> None:
    key, _ = await office.create(BOSS, name="laptop", scopes=READ)
    await refused(office, show_key(key.id, SECRET[::-1]))
    assert office.keys.noted == 0


@pytest.mark.parametrize("failure", [Unavailable("full"), Internal("read-only")])
async def test_a_use_that_cannot_be_noted_is_a_use(
    office: Office, failure: Exception
) -> None:
    _, shown = await office.create(BOSS, name="laptop", scopes=READ)
    office.keys.failure = failure
    for _ in range(5):
        await office.authenticate(shown)
    assert office.keys.noted == 1


async def test_an_older_key_is_stored_anew_when_it_is_used(office: Office) -> None:
    key, shown = await office.create(BOSS, name="old", scopes=READ)
    older = shown[:-8]
    plain = sha256(SECRET.encode()).hexdigest()
    office.keys._keys[key.id] = replace(
        key, secret_hmac=None, secret_sha256=plain, last_used_at=NOW
    )
    assert (await office.authenticate(older)).credential == key.id
    stored = await office.stored(key)
    assert stored.secret_sha256 is None
    assert stored.secret_hmac not in {None, key.secret_hmac, plain}
    office.wait(A_SECOND)
    await office.authenticate(older)
    # Its checksum was never a part of it.
    await refused(office, shown)
