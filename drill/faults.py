"""What strikes when: drawn by a seed, and the same for the same seed.

`python -m drill.faults --seed N` shows a plan.
"""

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random
from typing import NamedTuple, TypeVar

from drill.crash import CrashPoint, crash_points
from drill.shapes import Deed, Fault, Part

T = TypeVar("T")

_DEPENDENCIES = (Part.POSTGRES, Part.S3, Part.TEMPORAL, Part.CLAMD)
_SERVICE = (Part.API, Part.WORKER)

#: Whom each deed may strike, and how often one is drawn besides those that must be.
_DEEDS: dict[Deed, dict[Part, int]] = {
    Deed.KILL: {
        Part.API: 4,
        Part.WORKER: 4,
        Part.POSTGRES: 2,
        Part.TEMPORAL: 2,
        Part.S3: 0,  # once is enough: it is long in coming back
        Part.CLAMD: 1,
    },
    Deed.STOP: dict.fromkeys(_DEPENDENCIES, 1) | {Part.API: 1, Part.WORKER: 2},
    Deed.RESTART: {Part.API: 1, Part.WORKER: 1},
    Deed.RELOAD: {Part.CLAMD: 1},
    Deed.CUT: dict.fromkeys(_DEPENDENCIES, 1),
    Deed.BLACKHOLE: dict.fromkeys(_DEPENDENCIES, 1),
    Deed.DELAY: dict.fromkeys(_DEPENDENCIES, 1),
    Deed.HALF_OPEN: dict.fromkeys(_DEPENDENCIES, 1),
    Deed.DRIP: dict.fromkeys(_DEPENDENCIES, 1),
    Deed.CRASH: {Part.API: 4, Part.WORKER: 8},
    Deed.FILL: {Part.WORKER: 1},
    Deed.SKEW: {Part.API: 1},
}

#: From so many seconds to so many.
_LASTS = {
    Deed.STOP: (5, 15),
    Deed.CUT: (2, 8),
    Deed.BLACKHOLE: (5, 12),
    Deed.DELAY: (5, 12),
    Deed.HALF_OPEN: (5, 12),
    Deed.DRIP: (5, 12),
    Deed.FILL: (4, 10),
    Deed.SKEW: (6, 10),
}
#: How long it is waited for somebody to come by a crash point.
_COME_BY_SECONDS = 15.0
#: The same, where each is to be come by: few photos are infected or cancelled.
_RARELY_COME_BY_SECONDS = 45.0
#: Until it is back, at a guess: so long nothing else strikes the same.
_BACK_SECONDS = 5.0

#: A store of objects lets clocks differ by 15 minutes.
_SKEWS = ("-840", "840", "-1200", "1200")
_PROCESSES = 2
#: The load of the drill erases nothing.
_NOT_COME_BY = ("erasure-row", "commit:erasure", "erased-objects")


class _Kind(NamedTuple):
    deed: Deed
    part: Part


def plan(
    seed: int,
    *,
    faults: int,
    seconds: float,
    parts: Collection[Part],
    impossible: Collection[Deed] = (),
) -> list[Fault]:
    """So many faults, begun within so many seconds or soon after, the first one first.

    If there are enough of them, every deed is among them and every part is killed. They
    overlap, but for those that strike the same process or the same way.
    """
    rng = Random(seed)
    kinds = _kinds(rng, faults, parts, impossible)
    points = cycle(_shuffled(rng, _points(parts)))
    planned: list[Fault] = []
    for number, kind in enumerate(kinds):
        at = seconds * (number + rng.random()) / faults
        planned.append(_after_its_like(_fault(rng, at, kind, points), planned))
    return sorted(planned, key=lambda fault: fault.at)


def every_crash_point(seed: int) -> list[Fault]:
    """Each that the load comes by, if it takes a while."""
    points = _shuffled(Random(seed), _points(_SERVICE))
    return [
        replace(_crash(0, point), seconds=_RARELY_COME_BY_SECONDS) for point in points
    ]


def _kinds(
    rng: Random, count: int, parts: Collection[Part], impossible: Collection[Deed]
) -> list[_Kind]:
    possible = {
        _Kind(deed, part): weight
        for deed, weights in _DEEDS.items()
        for part, weight in weights.items()
        if part in parts and deed not in impossible
    }
    kills = [kind for kind in possible if kind.deed is Deed.KILL]
    others = [
        rng.choice([kind for kind in possible if kind.deed is deed])
        for deed in dict.fromkeys(kind.deed for kind in possible)
        if deed is not Deed.KILL
    ]
    musts = [*_shuffled(rng, others), *_shuffled(rng, kills)][:count]
    rest = rng.choices([*possible], [*possible.values()], k=count - len(musts))
    return _shuffled(rng, [*musts, *rest])


def _points(parts: Collection[Part]) -> list[CrashPoint]:
    return [
        point
        for point in crash_points()
        if point.part in parts and not point.name.endswith(_NOT_COME_BY)
    ]


def _fault(rng: Random, at: float, kind: _Kind, points: Iterator[CrashPoint]) -> Fault:
    if kind.deed is Deed.CRASH:
        return _crash(at, next(point for point in points if point.part is kind.part))
    shortest, longest = _LASTS.get(kind.deed, (0, 0))
    return Fault(
        at=round(at, 1),
        deed=kind.deed,
        part=kind.part,
        number=rng.randrange(_PROCESSES) if kind.part in _SERVICE else 0,
        seconds=round(rng.uniform(shortest, longest), 1),
        detail=rng.choice(_SKEWS) if kind.deed is Deed.SKEW else "",
    )


def _crash(at: float, point: CrashPoint) -> Fault:
    return Fault(
        at=round(at, 1),
        deed=Deed.CRASH,
        part=point.part,
        seconds=_COME_BY_SECONDS,
        detail=point.name,
    )


def _after_its_like(fault: Fault, others: Sequence[Fault]) -> Fault:
    """Put off until nothing else is done to the same."""
    free = max(
        (
            other.at + other.seconds + _BACK_SECONDS
            for other in others
            if _target(other) == _target(fault)
        ),
        default=fault.at,
    )
    return replace(fault, at=max(fault.at, free))


def _target(fault: Fault) -> tuple[object, ...]:
    match fault.deed:
        case Deed.CRASH:
            return (fault.part, fault.detail)
        case Deed.FILL:
            return (fault.deed,)
        case Deed.KILL | Deed.STOP | Deed.RESTART | Deed.RELOAD | Deed.SKEW:
            return (fault.part, fault.number)
        case _:
            return ("the way to", fault.part)


def _shuffled(rng: Random, things: Sequence[T]) -> list[T]:
    return rng.sample(things, len(things))


def _main() -> None:
    parser = argparse.ArgumentParser(prog="drill.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=110)
    asked = parser.parse_args()
    planned = plan(
        asked.seed, faults=asked.faults, seconds=asked.seconds, parts=tuple(Part)
    )
    sys.stdout.writelines(f"{_told(fault)}\n" for fault in planned)


def _told(fault: Fault) -> str:
    target = (
        f"{fault.part}-{fault.number + 1}" if fault.part in _SERVICE else fault.part
    )
    lasting = f"{fault.seconds:.1f} s" if fault.seconds else ""
    return (
        f"{fault.at:6.1f}  {fault.deed:<9}  {target:<8}  {lasting:<6}  {fault.detail}"
    )


if __name__ == "__main__":
    _main()
