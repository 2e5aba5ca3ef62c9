"""Idempotency keys, and answers given once, on every adapter."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from photo.adapters.vault import AesVault
from photo.application.idempotency import KEPT_FOR, AnswerOnce
from photo.domain.access import Tenant
from photo.domain.errors import IdempotencyMismatch, NotFound, UploadUsed
from tests.contracts.repositories import Repositories
from tests.makers import ACME, SteppableClock, a_key

FIRST, OTHER = "11" * 32, "22" * 32


class Counter:
    """Has an effect, and answers with how often it had it."""

    def __init__(self, repositories: Repositories) -> None:
        self.calls = 0
        self._repositories = repositories

    async def __call__(self) -> bytes:
        self.calls += 1
        self.key = a_key()
        await self._repositories.keys.add(self.key)
        return str(self.calls).encode()


@pytest.fixture
def clock() -> SteppableClock:
    return SteppableClock()


@pytest.fixture
def answer_once(repositories: Repositories, clock: SteppableClock) -> AnswerOnce:
    return make(repositories, clock)


def make(repositories: Repositories, clock: SteppableClock) -> AnswerOnce:
    return AnswerOnce(
        repositories.transactions, repositories.idempotency, AesVault("s"), clock
    )


@pytest.fixture
def effect(repositories: Repositories) -> Counter:
    return Counter(repositories)


async def test_an_equal_request_gets_the_first_answer(
    answer_once: AnswerOnce, effect: Counter
) -> None:
    assert await answer_once(ACME, "key", FIRST, effect) == (b"1", False)
    assert await answer_once(ACME, "key", FIRST, effect) == (b"1", True)


async def test_another_request_with_the_key_is_refused(
    answer_once: AnswerOnce, effect: Counter
) -> None:
    await answer_once(ACME, "key", FIRST, effect)
    with pytest.raises(IdempotencyMismatch):
        await answer_once(ACME, "key", OTHER, effect)
    assert effect.calls == 1


async def test_keys_and_tenants_have_nothing_to_do_with_each_other(
    answer_once: AnswerOnce, effect: Counter
) -> None:
    await answer_once(ACME, "key", FIRST, effect)
    assert await answer_once(ACME, "yek", FIRST, effect) == (b"2", False)
    assert await answer_once(Tenant("other"), "key", OTHER, effect) == (b"3", False)


async def test_after_a_day_a_key_is_as_good_as_new(
    answer_once: AnswerOnce, effect: Counter, clock: SteppableClock
) -> None:
    await answer_once(ACME, "key", FIRST, effect)
    clock.step(KEPT_FOR - timedelta(seconds=1))
    assert await answer_once(ACME, "key", FIRST, effect) == (b"1", True)
    clock.step(timedelta(seconds=2))
    assert await answer_once(ACME, "key", OTHER, effect) == (b"2", False)
    assert await answer_once(ACME, "key", OTHER, effect) == (b"2", True)


async def test_a_refusal_frees_the_key_and_leaves_nothing(
    answer_once: AnswerOnce, effect: Counter, repositories: Repositories
) -> None:
    async def refuse() -> bytes:
        await effect()
        raise UploadUsed("no")

    with pytest.raises(UploadUsed):
        await answer_once(ACME, "key", FIRST, refuse)
    with pytest.raises(NotFound):
        await repositories.keys.get(effect.key.id)
    assert await answer_once(ACME, "key", OTHER, effect) == (b"2", False)


async def test_of_fifty_at_once_one_acts_and_all_get_its_answer(
    answer_once: AnswerOnce, effect: Counter
) -> None:
    requests = [answer_once(ACME, "key", FIRST, effect) for _ in range(50)]
    answers = await asyncio.gather(*requests)
    assert {given.answer for given in answers} == {b"1"}
    assert sorted(given.replayed for given in answers) == [False] + [True] * 49


async def test_of_many_processes_one_acts(
    repositories: Repositories, clock: SteppableClock, effect: Counter
) -> None:
    processes = [make(repositories, clock) for _ in range(10)]
    requests = [process(ACME, "key", FIRST, effect) for process in processes]
    answers = await asyncio.gather(*requests)
    assert {given.answer for given in answers} == {b"1"}
    assert effect.calls == 1


async def test_a_task_that_dies_before_its_answer_frees_the_key(
    repositories: Repositories, clock: SteppableClock, effect: Counter
) -> None:
    acting = asyncio.Event()

    async def hang() -> bytes:
        acting.set()
        await asyncio.Event().wait()
        return b""

    dying = asyncio.create_task(run(make(repositories, clock), hang))
    await acting.wait()
    waiting = asyncio.create_task(run(make(repositories, clock), effect))
    dying.cancel()
    assert await waiting == (b"1", False)


async def run(
    answer_once: AnswerOnce, answer: Callable[[], Awaitable[bytes]]
) -> tuple[bytes, bool]:
    return await answer_once(ACME, "key", FIRST, answer)
