"""What keeps failing is left alone, and found again."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

import pytest
from dishka import Provider, Scope, decorate
from structlog.testing import capture_logs

from photo.adapters.circuits.breaker import Breaker, Patience
from photo.adapters.circuits.guarded import GuardedScanner, GuardedStore
from photo.adapters.memory import MemoryObjectStore, MemoryScanner
from photo.application.ports import Buckets, ObjectStore, Scanner
from photo.domain.errors import FileTooLarge, ObjectNotFound, Unavailable, Unscannable
from photo.entrypoints.circuits import Circuits
from photo.entrypoints.in_memory import memory_container
from tests.makers import SteppableStopwatch, in_chunks

PATIENCE = Patience(failures=3, first=2, longest=8)
SECOND = timedelta(seconds=1)
Deed = Callable[[], Awaitable[object]]


class Service:
    """Does what it is told, and counts how often it was reached."""

    def __init__(self) -> None:
        self.clock = SteppableStopwatch()
        self.breaker = Breaker("service", self.clock, PATIENCE)
        self.error: BaseException | None = None
        self.reached = 0

    async def call(self, *, until: asyncio.Event | None = None) -> None:
        with self.breaker.calling():
            self.reached += 1
            if until:
                await until.wait()
            if self.error:
                raise self.error

    async def refusal(self) -> Unavailable:
        """Of a call that did not get through."""
        before = self.reached
        with pytest.raises(Unavailable) as refused:
            await self.call()
        assert self.reached == before
        return refused.value

    async def fail(self, times: int = PATIENCE.failures) -> None:
        self.error = Unavailable("It is down.", reason="down")
        for _ in range(times):
            with pytest.raises(Unavailable, match="It is down"):
                await self.call()

    def wait(self, seconds: float) -> None:
        self.clock.step(timedelta(seconds=seconds))


@pytest.fixture
def service() -> Service:
    return Service()


async def test_after_several_failures_it_is_left_alone(service: Service) -> None:
    await service.fail()
    refusal = await service.refusal()
    assert refusal.retry_after
    assert refusal.retry_after <= 2.5 * SECOND
    assert refusal.reason == "circuit_open service"


async def test_what_goes_well_in_between_begins_the_count_anew(
    service: Service,
) -> None:
    for _ in range(3):
        await service.fail(2)
        service.error = None
        await service.call()
    assert service.reached == 9


@pytest.mark.parametrize(
    "answer", [ObjectNotFound("No."), Unscannable("Too deep."), FileTooLarge("No.")]
)
async def test_a_refusal_is_an_answer(service: Service, answer: Exception) -> None:
    for _ in range(3):
        await service.fail(2)
        service.error = answer
        with pytest.raises(type(answer)):
            await service.call()
    service.error = None
    await service.call()


@pytest.mark.parametrize("said", [asyncio.CancelledError(), ZeroDivisionError()])
async def test_who_gives_up_says_nothing_of_it(
    service: Service, said: BaseException
) -> None:
    await service.fail(2)
    service.error = said
    for _ in range(5):
        with pytest.raises(type(said)):
            await service.call()
    await service.fail(1)
    await service.refusal()


async def test_then_one_at_a_time_may_try(service: Service) -> None:
    await service.fail()
    service.wait(2.5)
    service.error, done = None, asyncio.Event()
    first = asyncio.create_task(service.call(until=done))
    await asyncio.sleep(0)
    for _ in range(50):
        assert (await service.refusal()).retry_after
    done.set()
    await first
    await asyncio.gather(*(service.call() for _ in range(50)))
    assert service.reached == 3 + 1 + 50


async def test_each_failed_try_makes_the_pause_longer_up_to_a_limit(
    service: Service,
) -> None:
    await service.fail()
    for pause in (2, 4, 8, 8, 8):
        service.wait(pause * 0.74)
        await service.refusal()
        service.wait(pause * 0.52)
        await service.fail(1)


async def test_a_try_that_is_given_up_leaves_the_next_one_to_others(
    service: Service,
) -> None:
    await service.fail()
    service.wait(2.5)
    service.error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await service.call()
    service.error = None
    await service.call()
    await service.call()


async def test_late_news_of_before_are_no_news(service: Service) -> None:
    service.error, slow = Unavailable("It is down."), asyncio.Event()
    stragglers = [asyncio.create_task(service.call(until=slow)) for _ in range(10)]
    await asyncio.sleep(0)
    await service.fail()
    service.wait(2.5)
    service.error = None
    await service.call()
    service.error = Unavailable("It was down.")
    slow.set()
    for outcome in await asyncio.gather(*stragglers, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    service.error = None
    await service.call()


async def test_it_is_logged_once_when_it_opens_and_when_it_closes(
    service: Service,
) -> None:
    with capture_logs() as logs:
        await service.fail()
        service.wait(2.5)
        await service.fail(1)
        service.wait(5)
        service.error = None
        await service.call()
        await service.call()
    opened = {"log_level": "warning", "reason": "down"}
    assert logs == [
        {"event": "circuit_opened", "dependency": "service", **opened},
        {"event": "circuit_closed", "dependency": "service", "log_level": "info"},
    ]


class Broken(MemoryObjectStore):
    asked = 0

    async def check(self) -> None:
        self.asked += 1
        raise Unavailable("It is down.")


async def failing() -> AsyncIterator[bytes]:
    yield b"begins well"
    raise Unavailable("Where this comes from is down.")


async def test_what_the_caller_brings_is_not_the_stores_fault(
    service: Service,
) -> None:
    store = GuardedStore(MemoryObjectStore(), service.breaker)
    scanner = GuardedScanner(MemoryScanner({}), service.breaker)
    for _ in range(PATIENCE.failures):
        with pytest.raises(Unavailable, match="Where this comes from"):
            await store.write("key", failing(), content_type="text/plain")
        with pytest.raises(Unavailable, match="Where this comes from"):
            await scanner.scan(failing())
    assert await scanner.scan(in_chunks(b"x")) is None


async def test_who_is_slow_to_read_keeps_nobody_from_trying(service: Service) -> None:
    inner = MemoryObjectStore()
    await inner.write("key", in_chunks(b"x"), content_type="text/plain")
    store = GuardedStore(inner, service.breaker)
    await service.fail()
    service.wait(2.5)
    async with aclosing(store.read("key")) as chunks:
        await anext(chunks)
        await store.head("key")


async def test_a_read_that_goes_on_after_it_has_closed_the_circuit_is_past(
    service: Service,
) -> None:
    inner = MemoryObjectStore()
    await inner.write("key", in_chunks(b"x"), content_type="text/plain")
    store = GuardedStore(inner, service.breaker)
    await service.fail()
    service.wait(2.5)
    async with aclosing(store.read("key")) as chunks:
        await anext(chunks)
        await service.fail(PATIENCE.failures - 1)
        await store.head("key")
        await service.fail()
        await service.refusal()
        service.wait(2.5)
        await store.head("key")
    await store.head("key")


async def test_whether_it_answers_is_always_really_asked(service: Service) -> None:
    store = GuardedStore(broken := Broken(), service.breaker)
    await service.fail()
    for _ in range(10):
        with pytest.raises(Unavailable, match="It is down"):
            await store.check()
    assert broken.asked == 10


async def test_every_way_to_a_store_leads_through_the_circuit(
    service: Service,
) -> None:
    store: ObjectStore = GuardedStore(Broken(), service.breaker)
    await service.fail()
    for way in (
        store.head("key"),
        anext(store.read("key")),
        store.write("key", in_chunks(b"x"), content_type="text/plain"),
        store.delete("key"),
        store.list(after="", limit=1),
    ):
        with pytest.raises(Unavailable, match="left alone"):
            await way


async def test_workers_have_a_circuit_for_the_scanner_and_for_each_bucket() -> None:
    container = memory_container(Circuits())
    assert isinstance(await container.get(Scanner | None), GuardedScanner)
    buckets = await container.get(Buckets)
    assert isinstance(buckets.raw, GuardedStore)
    assert isinstance(buckets.processed, GuardedStore)
    assert buckets.raw._breaker is not buckets.processed._breaker
    await container.close()


async def test_others_may_be_put_around_them() -> None:
    class Around(Provider):
        scope = Scope.APP

        @decorate
        def buckets(self, inner: Buckets) -> Buckets:
            assert isinstance(inner.raw, GuardedStore)
            return Buckets(inner.processed, inner.raw)

    container = memory_container(Circuits(), Around())
    assert isinstance((await container.get(Buckets)).raw, GuardedStore)
    await container.close()


class Outage:
    """A dependency that is away for a minute of the clock's, and who wants it.

    Each caller wants one thing done, and asks again when it was told to, a little
    later than the others (F15).
    """

    AWAY = 60.0
    CALLERS = 200

    def __init__(self) -> None:
        self.clock = SteppableStopwatch(0.0)
        self.breaker = Breaker("service", self.clock)
        self.reached_at: list[float] = []
        self.refused = 0
        self.chance = random.Random(1)  # noqa: S311 # seeded

    async def call(self) -> None:
        with self.breaker.calling():
            self.reached_at.append(self.clock())
            if self.clock() < self.AWAY:
                raise Unavailable("It is down.")

    async def pass_by(self) -> None:
        due = [self.chance.uniform(0, 10) for _ in range(self.CALLERS)]
        while due:
            due.sort()
            self.clock.seconds = due.pop(0)
            try:
                await self.call()
            except Unavailable as error:
                wait = (error.retry_after or SECOND).total_seconds()
                due.append(self.clock() + wait * self.chance.uniform(1, 2))


async def test_a_dependency_that_is_away_is_not_stormed() -> None:
    outage = Outage()
    await outage.pass_by()
    while_away = [at for at in outage.reached_at if at < Outage.AWAY]
    after = [at for at in outage.reached_at if at >= Outage.AWAY]
    assert len(while_away) <= 15
    assert len(after) == Outage.CALLERS
    assert after[0] - Outage.AWAY <= 2 * 15 * 1.25
