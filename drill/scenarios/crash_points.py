"""F9: a process dies at every point before and after a durable step."""

import asyncio
from time import monotonic
from typing import Any

from drill.faults import every_crash_point
from drill.scene import Scene
from drill.shapes import Fault

_SECONDS = 240.0
_JOBS_A_SECOND = 0.7
_ROUNDS = 3
#: Of a round for the few that are left: every kind of job comes in it.
_SHORTEST = 45.0


async def play(scene: Scene) -> dict[str, Any]:
    """Every point once, under load; what nobody came by gets another chance."""
    points = every_crash_point(scene.seed, seconds=_SECONDS)
    left, total = points, len(points)
    for _ in range(_ROUNDS):
        seconds = max(_SHORTEST, _SECONDS * len(left) / total)
        left = await _crash_at(scene, left, seconds) if left else []
    return {
        "points": total,
        "not_come_by": [f"{fault.part} {fault.detail}" for fault in left],
    }


async def _crash_at(scene: Scene, points: list[Fault], seconds: float) -> list[Fault]:
    """Those that nobody came by."""
    began = monotonic()

    async def strike(fault: Fault, at: float) -> Fault | None:
        await asyncio.sleep(max(0.0, began + at - monotonic()))
        return None if await scene.strike(fault) else fault

    jobs = round(_JOBS_A_SECOND * seconds)
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.clients.submit(jobs, over_seconds=seconds))
        striking = [
            group.create_task(strike(fault, seconds * number / len(points)))
            for number, fault in enumerate(points)
        ]
    return [fault for task in striking if (fault := task.result())]
