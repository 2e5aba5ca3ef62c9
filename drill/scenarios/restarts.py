"""F16: every process is replaced, one after the other, while clients come and go."""

import asyncio
from time import monotonic
from typing import Any

from drill.asking import STORE
from drill.evidence import Violation
from drill.invariants.answers import failed
from drill.scene import Scene
from drill.shapes import Deed, Fault, Part

_ROUNDS = 2
_JOBS = 40
#: From one process to the next.
_PAUSE_SECONDS = 2.0


async def play(scene: Scene) -> dict[str, Any]:
    """No request fails: what is refused goes to another process, as balancers do it."""
    began, first = monotonic(), len(scene.ledger.answers)
    loading = asyncio.create_task(scene.clients.submit(_JOBS, over_seconds=60))
    restarts = [
        Fault(at=0, deed=Deed.RESTART, part=part, number=number)
        for _ in range(_ROUNDS)
        for part, many in (
            (Part.API, len(scene.stack.apis)),
            (Part.WORKER, len(scene.stack.workers)),
        )
        for number in range(many)
    ]
    for fault in restarts:
        await scene.strike(fault)
        await asyncio.sleep(_PAUSE_SECONDS)
    await loading
    answers = [
        answer for answer in scene.ledger.answers[first:] if answer.route != STORE
    ]
    failures = [answer for answer in answers if failed(answer)]
    scene.violations.extend(
        Violation("F16", f"a request failed: {each.status} {each.code}", each.route)
        for each in failures
    )
    return {
        "restarts": len(restarts),
        "requests": len(answers),
        "failed_requests": len(failures),
        "seconds": round(monotonic() - began, 1),
    }
