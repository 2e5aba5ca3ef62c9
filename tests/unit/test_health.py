import asyncio
from datetime import timedelta

import pytest

from photo.application.health import CheckHealth
from photo.application.ports import Check
from photo.domain.errors import Internal, PhotoError, Unavailable

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


async def test_every_dependency_is_named_with_its_state() -> None:
    answers = await CheckHealth({"database": Well(), "raw_bucket": Ill()})()
    failures = {name: health.failure for name, health in answers.items()}
    assert failures == {"database": None, "raw_bucket": "The bucket is away."}


@pytest.mark.parametrize("kind", [Internal, Unavailable])
async def test_whatever_is_raised_on_purpose_is_a_failure_with_its_reason(
    kind: type[PhotoError],
) -> None:
    class Refused(Check):
        async def check(self) -> None:
            raise kind("The database refused a statement.", reason="42501")

    health = (await CheckHealth({"database": Refused()})())["database"]
    assert health.failure == "The database refused a statement."
    assert health.reason == "42501"


async def test_what_does_not_answer_fails_in_time_and_alone() -> None:
    answers = await CheckHealth({"workflows": Mute(), "database": Well()}, A_MOMENT)()
    assert answers["workflows"].failure == "no answer in 0.02 s"
    assert answers["workflows"].latency_ms >= 20
    assert answers["database"].failure is None


async def test_dependencies_are_asked_all_at_once() -> None:
    met = asyncio.Barrier(2)

    class Meeting(Check):
        async def check(self) -> None:
            await met.wait()

    answers = await CheckHealth({"a": Meeting(), "b": Meeting()})()
    assert [health.failure for health in answers.values()] == [None, None]


async def test_a_bug_is_not_called_an_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        await CheckHealth({"database": Buggy()})()


async def test_nothing_to_ask_is_healthy() -> None:
    assert await CheckHealth({})() == {}
