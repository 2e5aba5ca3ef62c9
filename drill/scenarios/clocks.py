"""F17: the clock of an API process is wrong, by less and more than a store allows."""

import asyncio
from typing import Any

from drill.scene import Scene
from drill.shapes import Deed, Fault, Part

_SKEWS = (-840, 840, -1200, 1200)
_SECONDS = 10.0
_JOBS = 8


async def play(scene: Scene) -> dict[str, Any]:
    """Clients get a job all the same: from this process or from another one."""
    if Deed.SKEW in scene.stack.impossible:
        return {"left_out": "the clock of a process cannot be set here"}
    for nth, skew in enumerate(_SKEWS):
        wrong = Fault(
            at=0,
            deed=Deed.SKEW,
            part=Part.API,
            number=nth % len(scene.stack.apis),
            seconds=_SECONDS,
            detail=str(skew),
        )
        await asyncio.gather(
            scene.strike(wrong), scene.clients.submit(_JOBS, over_seconds=_SECONDS)
        )
    return {"skews_s": list(_SKEWS), "jobs": _JOBS * len(_SKEWS)}
