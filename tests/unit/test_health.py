import asyncio
from datetime import timedelta
from functools import partial

import pytest

from photo.application.health import CheckHealth
from photo.application.ports import Check
from photo.domain.errors import Internal, PhotoError, Unavailable
from tests.makers import SteppableStopwatch

A_MOMENT = timedelta(milliseconds=20)


class Well(Check):
    async def check(self) -> None:
        """Everything works."""


class Ill(Check):
    async def check(self) -> None:
        raise Unavailable("The bucket is away.")


class Mute(Check):
    async def check(self) -> None:
        await asyncio.Event().wait()


class Buggy(Check):
    async def check(self) -> None:
        raise ZeroDivisionError


class SelfCancelled(Check):
    async def check(self) -> None:
        raise asyncio.CancelledError


class Bugs:
    """What was told of them."""

    def __init__(self) -> None:
        self.told: list[tuple[str, type[BaseException]]] = []

    def __call__(self, dependency: str, error: BaseException) -> None:
        self.told.append((dependency, type(error)))


def unexpected(dependency: str, error: BaseException) -> None:
    pytest.fail(f"{dependency}: {error!r}")


checking = partial(CheckHealth, on_bug=unexpected)


async def test_every_dependency_is_named_with_its_state() -> None:
    answers = await checking({"database": Well(), "raw_bucket": Ill()})()
    failures = {name: health.failure for name, health in answers.items()}
    assert failures == {"database": None, "raw_bucket": "The bucket is away."}


@pytest.mark.parametrize("kind", [Internal, Unavailable])
async def test_whatever_is_raised_on_purpose_is_a_failure_with_its_reason(
    kind: type[PhotoError],
) -> None:
    class Refused(Check):
        async def check(self) -> None:
            raise kind("The database refused a statement.", reason="42501")

    health = (await checking({"database": Refused()})())["database"]
    assert health.failure == "The database refused a statement."
    assert health.reason == "42501"


async def test_what_does_not_answer_fails_in_time_and_alone() -> None:
    answers = await checking({"workflows": Mute(), "database": Well()}, A_MOMENT)()
    assert answers["workflows"].failure == "no answer in 0.02 s"
    assert answers["workflows"].latency_ms >= 20
    assert answers["database"].failure is None


async def test_dependencies_are_asked_all_at_once() -> None:
    met = asyncio.Barrier(2)

    class Meeting(Check):
        async def check(self) -> None:
            await met.wait()

    answers = await checking({"a": Meeting(), "b": Meeting()})()
    assert [health.failure for health in answers.values()] == [None, None]


async def test_a_bug_breaks_its_own_dependency_alone_and_is_told_of_once() -> None:
    bugs = Bugs()
    check_health = CheckHealth(
        {"scanner": Buggy(), "database": Well()}, fresh_for=timedelta(), on_bug=bugs
    )
    for _ in range(3):
        answers = await check_health()
        assert {name: health.failure for name, health in answers.items()} == {
            "scanner": "broken",
            "database": None,
        }
        assert answers["scanner"].reason == "ZeroDivisionError"
    assert bugs.told == [("scanner", ZeroDivisionError)]


async def test_a_bug_that_comes_again_is_told_of_again() -> None:
    bugs = Bugs()
    checks: dict[str, Check] = {"database": Buggy()}
    check_health = CheckHealth(checks, fresh_for=timedelta(), on_bug=bugs)
    for check in (Buggy(), Well(), Buggy(), SelfCancelled()):
        checks["database"] = check
        await check_health()
    assert bugs.told == [
        ("database", ZeroDivisionError),
        ("database", ZeroDivisionError),
        ("database", asyncio.CancelledError),
    ]


async def test_nothing_to_ask_is_healthy() -> None:
    assert await checking({})() == {}


class Counted(Check):
    """Answers when it may, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_for = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def check(self) -> None:
        self.asked += 1
        self.asked_for.set()
        await self.may_answer.wait()


async def test_a_hundred_who_ask_at_once_are_one() -> None:
    database = Counted()
    check_health = checking({"database": database})
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(check_health()) for _ in range(100)]
        await database.asked_for.wait()
        database.may_answer.set()
    assert database.asked == 1
    assert {each.result()["database"].failure for each in asking} == {None}


async def test_what_was_found_a_moment_ago_is_told_again() -> None:
    database, elapsed = Counted(), SteppableStopwatch()
    database.may_answer.set()
    check_health = checking({"database": database}, elapsed=elapsed)
    first = await check_health()
    elapsed.step(timedelta(seconds=0.9))
    assert await check_health() is first
    assert database.asked == 1
    elapsed.step(timedelta(seconds=0.1))
    await check_health()
    assert database.asked == 2


async def test_one_who_waits_no_longer_does_not_spoil_it_for_the_others() -> None:
    database = Counted()
    check_health = checking({"database": database})
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(check_health())
        other = group.create_task(check_health())
        await database.asked_for.wait()
        gone.cancel()
        await asyncio.wait([gone])
        database.may_answer.set()
    assert other.result()["database"].failure is None
    assert database.asked == 1


async def test_who_is_asked_as_it_stops_is_asked_anew_if_need_be() -> None:
    database = Counted()
    check_health = checking({"database": database})
    asking = asyncio.create_task(check_health())
    await database.asked_for.wait()
    await check_health.stop()
    with pytest.raises(asyncio.CancelledError):
        await asking
    database.may_answer.set()
    assert (await check_health())["database"].failure is None


async def test_what_does_not_heed_that_it_is_given_up_holds_up_nobody() -> None:
    may_end = asyncio.Event()

    class Stubborn(Check):
        async def check(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await may_end.wait()

    health = (await checking({"database": Stubborn()}, A_MOMENT)())["database"]
    assert health.failure == "no answer in 0.02 s"
    may_end.set()
