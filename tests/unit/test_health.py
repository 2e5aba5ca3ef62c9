import asyncio
from datetime import timedelta

import pytest

from photo.application.health import CheckHealth
from photo.application.ports import Check
from photo.domain.errors import Unavailable

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
