from itertools import combinations

import pytest

from drill.crash import crash_points
from drill.faults import every_crash_point, plan
from drill.shapes import Deed, Fault, Part

PARTS = tuple(Part)
SEEDS = range(30)


def a_plan(seed: int, faults: int = 20, **given: object) -> list[Fault]:
    return plan(seed, faults=faults, seconds=110, **{"parts": PARTS, **given})  # type: ignore[arg-type] # as given


def test_a_seed_always_makes_the_same_plan() -> None:
    assert a_plan(7) == a_plan(7)
    assert a_plan(7) != a_plan(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_faults_are_of_every_kind_and_kill_every_part(seed: int) -> None:
    faults = a_plan(seed)
    assert len(faults) == 20
    assert {fault.deed for fault in faults} == {*Deed}
    assert {fault.part for fault in faults if fault.deed is Deed.KILL} == {*Part}


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_come_in_order_and_within_their_time(seed: int) -> None:
    starts = [fault.at for fault in a_plan(seed)]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert starts[-1] < 140
    assert max(fault.seconds for fault in a_plan(seed)) <= 15


@pytest.mark.parametrize("seed", SEEDS)
def test_some_faults_overlap_but_not_two_on_the_same_process(seed: int) -> None:
    faults = a_plan(seed)
    assert any(first.at + first.seconds > then.at for first, then in pairs(faults))
    held = [fault for fault in faults if fault.deed in {Deed.STOP, Deed.KILL}]
    for first, then in pairs(held):
        if (first.part, first.number) == (then.part, then.number):
            assert first.at + first.seconds < then.at


def pairs(faults: list[Fault]) -> list[tuple[Fault, Fault]]:
    return [*combinations(faults, 2)]


def test_what_is_not_there_or_not_possible_is_left_alone() -> None:
    parts = [part for part in Part if part is not Part.CLAMD]
    for seed in SEEDS:
        faults = a_plan(seed, parts=parts, impossible={Deed.FILL})
        assert len(faults) == 20
        assert Part.CLAMD not in {fault.part for fault in faults}
        assert Deed.FILL not in {fault.deed for fault in faults}


def test_a_few_faults_are_of_as_many_kinds() -> None:
    for seed in SEEDS:
        assert len({fault.deed for fault in a_plan(seed, faults=6)}) == 6


def test_every_crash_point_can_be_made_a_fault_of_its_own() -> None:
    faults = every_crash_point(1)
    struck = {(fault.part, fault.detail) for fault in faults}
    assert len(struck) == len(faults)
    left = {(point.part, point.name) for point in crash_points()} - struck
    assert left  # erasing is no part of the load
    assert all("eras" in name for _, name in left)
