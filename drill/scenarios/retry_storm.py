"""F15: the scanner is away for a minute, and then has everybody at its door."""

import asyncio
from typing import Any

from drill.evidence import Violation
from drill.scenarios.asked import ask_for_job, ended
from drill.scene import Scene
from drill.shapes import Deed, Fault, Part

_AWAY_SECONDS = 60.0
_BEFORE, _DURING = 12, 24
_FIRST_NUMBER = 1_300_000
_CAUGHT_UP_SECONDS = 180.0
#: Times as many calls a photo after the return as in ordinary times.
_MOST = 2.0


async def play(scene: Scene) -> dict[str, Any]:
    """Every scan is a connection: so many does each photo cost that gets through."""
    if Part.CLAMD not in scene.stack.parts:
        return {"left_out": "there is no scanner"}
    before = await _calls(scene, await _asked(scene, 0, _BEFORE)) / _BEFORE
    away = Fault(at=0, deed=Deed.CUT, part=Part.CLAMD, seconds=_AWAY_SECONDS)
    _, jobs = await asyncio.gather(scene.strike(away), _asked(scene, _BEFORE, _DURING))
    after = await _calls(scene, jobs) / _DURING
    if after > _MOST * before:
        what = f"{after:.1f} calls a photo after its return, {before:.1f} before"
        scene.violations.append(Violation("F15", what, Part.CLAMD))
    return {
        "away_s": _AWAY_SECONDS,
        "calls_a_photo_before": round(before, 2),
        "calls_a_photo_after": round(after, 2),
    }


async def _asked(scene: Scene, first: int, many: int) -> set[str]:
    numbers = range(_FIRST_NUMBER + first, _FIRST_NUMBER + first + many)
    return {*await asyncio.gather(*(ask_for_job(scene, nth) for nth in numbers))}


async def _calls(scene: Scene, jobs: set[str]) -> int:
    """How often the scanner is called from now on until these jobs have ended."""
    scanner = scene.stack.proxies[Part.CLAMD]
    calls = scanner.connections
    if not await ended(scene, jobs, seconds=_CAUGHT_UP_SECONDS):
        what = f"jobs had not ended in {_CAUGHT_UP_SECONDS:.0f} s"
        scene.violations.append(Violation("F15", what, Part.CLAMD))
    return scanner.connections - calls
