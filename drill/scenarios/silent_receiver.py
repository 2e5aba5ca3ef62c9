"""F12: nobody is there to be told; whoever comes back is told what was missed, once."""

from typing import Any

from drill.collecting.rows import connected
from drill.evidence import Violation
from drill.scenarios.asked import ask_for_job, ended
from drill.scene import Scene

_JOBS = 10
_FIRST_NUMBER = 1_500_000
_ENDED_SECONDS = 120.0
_ATTEMPTED = """
    SELECT count(*) FROM webhook_deliveries
    WHERE job_id = ANY($1) AND due_at IS NOT NULL
"""


async def play(scene: Scene) -> dict[str, Any]:
    scene.receiver.away = True
    try:
        numbers = range(_FIRST_NUMBER, _FIRST_NUMBER + _JOBS)
        jobs = {await ask_for_job(scene, number) for number in numbers}
        await ended(scene, jobs, seconds=_ENDED_SECONDS)
        async with connected(scene.stack.places.database_url) as db:
            owed = await db.fetchval(_ATTEMPTED, [*jobs])
    finally:
        scene.receiver.away = False
    if owed != _JOBS:
        what = f"{owed} of {_JOBS} deliveries wait for the receiver"
        scene.violations.append(Violation("F12", what, "receiver"))
    return {"deliveries_missed": owed}
