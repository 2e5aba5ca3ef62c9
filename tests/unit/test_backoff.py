"""How long a step waits before it is tried again."""

from datetime import timedelta

import pytest

from photo.adapters.temporal.backoff import RETRY, pause

NEARLY_ONE = 1 - 2**-53
MANY = 1_000_000


def seconds(failures: int, chance: float, at_least: float = 0) -> float:
    wait = pause(failures, chance, at_least=timedelta(seconds=at_least))
    return wait.total_seconds()


def test_pauses_double_until_half_a_minute() -> None:
    longest = [seconds(failures, NEARLY_ONE) for failures in (1, 2, 3, 4, 5, 6, MANY)]
    assert longest == pytest.approx([1, 2, 4, 8, 16, 30, 30])


def test_half_of_a_pause_is_left_to_chance() -> None:
    assert [seconds(6, chance) for chance in (0, 0.5)] == [15, 22.5]
    assert seconds(1, 0) == 0.5


def test_nobody_who_said_when_is_asked_before_nor_all_at_once() -> None:
    assert [seconds(1, chance, 20) for chance in (0, 0.5)] == [20, 25]
    assert seconds(MANY, 0, 10) == 15


def test_temporal_itself_waits_no_other_way() -> None:
    assert RETRY.initial_interval == timedelta(seconds=1)
    assert RETRY.backoff_coefficient == 2
    assert RETRY.maximum_interval == timedelta(seconds=30)
    assert RETRY.maximum_attempts == 0
