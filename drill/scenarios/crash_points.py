"""F9: a process dies at every point before and after a durable step."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from drill.faults import every_crash_point
from drill.scene import Scene
from drill.shapes import Fault, Part

_ROUNDS = 3
#: Of each part, as many as it has processes: a dead one takes no other point.
_ARMED_AT_ONCE = 2
#: Jobs of all kinds come again and again for as long as it takes.
_JOBS, _SECONDS = 25, 25.0


async def play(scene: Scene) -> dict[str, Any]:
    """Every point once, under load; what nobody came by gets another chance."""
    points: Sequence[Fault] = every_crash_point(scene.seed)
    left = points
    async with _load(scene):
        for _ in range(_ROUNDS):
            left = await _crash_at(scene, left)
    return {
        "points": len(points),
        "not_come_by": [f"{fault.part} {fault.detail}" for fault in left],
    }


async def _crash_at(scene: Scene, points: Sequence[Fault]) -> Sequence[Fault]:
    """Those that nobody came by."""
    turns = {part: asyncio.Semaphore(_ARMED_AT_ONCE) for part in Part}

    async def strike(fault: Fault) -> bool:
        async with turns[fault.part]:
            return await scene.strike(fault)

    met = await asyncio.gather(*map(strike, points))
    return [fault for fault, is_met in zip(points, met, strict=True) if not is_met]


@asynccontextmanager
async def _load(scene: Scene) -> AsyncIterator[None]:
    """In the end each of its clients was promised a job."""
    over = asyncio.Event()

    async def send() -> None:
        while not over.is_set():
            await scene.clients.submit(_JOBS, over_seconds=_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(send())
        yield
        over.set()
