"""F14: for a minute, ten times as many jobs are sent as can be done."""

import asyncio
from collections import Counter
from http import HTTPStatus
from statistics import quantiles
from time import monotonic
from typing import Any
from uuid import uuid4

from drill.asking import code_of
from drill.collecting.rows import unfinished_jobs
from drill.evidence import Violation
from drill.scenarios.asked import JOBS, ask_for_job, body, promised
from drill.scene import Scene

_SECONDS = 60.0
#: Ten times what two processors read in a second.
_JOBS_A_SECOND = 15
_READS_A_SECOND = 5
_FIRST_NUMBER = 1_400_000
_CALM_SECONDS = 10.0
#: While everything is asked of the machine: so long, or so many times as long as before
#: on one that is slow without that.
_READ_P99_SECONDS = 2.0
_TIMES_AS_LONG = 5
#: Requests under way do not count each other.
_OVER_BOUND = 16


async def play(scene: Scene) -> dict[str, Any]:
    """What is too much is told to come later, and whoever reads does not feel it."""
    job_id = await ask_for_job(scene, _FIRST_NUMBER)
    calm_p99 = await _read_p99(scene, job_id, seconds=_CALM_SECONDS)
    submitting = asyncio.create_task(_submit(scene))
    p99 = await _read_p99(scene, job_id, seconds=_SECONDS)
    answers = await submitting
    most = len(await unfinished_jobs(scene.stack.places.database_url))
    _expect(scene, {*answers} <= {"202", "overloaded", "rate_limited"}, str(answers))
    _expect(scene, "overloaded" in answers, "nothing was turned away")
    bound = scene.max_unfinished + _OVER_BOUND
    _expect(scene, most <= bound, f"{most} jobs are unfinished, more than {bound}")
    longest = max(_READ_P99_SECONDS, _TIMES_AS_LONG * calm_p99)
    _expect(scene, p99 <= longest, f"reads take {p99:.1f} s, before {calm_p99:.1f} s")
    return {
        "answers": dict(answers),
        "unfinished": most,
        "bound": scene.max_unfinished,
        "read_p99_s": round(p99, 3),
        "calm_read_p99_s": round(calm_p99, 3),
    }


async def _submit(scene: Scene) -> Counter[str]:
    answers: Counter[str] = Counter()

    async def ask(number: int) -> None:
        key = uuid4().hex
        answer = await scene.api.asker.once(
            "POST",
            JOBS,
            route=JOBS,
            headers={**scene.api.headers, "Idempotency-Key": key},
            json=body(scene, number, key),
        )
        if answer is None:
            scene.ledger.given_up.append(key)
            answers["none"] += 1
            return
        answers[code_of(answer) or str(answer.status_code)] += 1
        if answer.status_code == HTTPStatus.ACCEPTED:
            promised(scene, answer, number, key)
        elif "Retry-After" not in answer.headers:
            _expect(scene, False, "a refusal does not say for how long")

    began = monotonic()
    async with asyncio.TaskGroup() as group:
        for nth in range(int(_SECONDS * _JOBS_A_SECOND)):
            await asyncio.sleep(max(0.0, began + nth / _JOBS_A_SECOND - monotonic()))
            group.create_task(ask(_FIRST_NUMBER + 1 + nth))
    return answers


async def _read_p99(scene: Scene, job_id: str, *, seconds: float) -> float:
    """Of the seconds that each read takes, begun at fixed moments."""
    taken: list[float] = []

    async def read() -> None:
        began = monotonic()
        await scene.api.ask("GET", f"{JOBS}/{{id}}", id=job_id)
        taken.append(monotonic() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(int(seconds * _READS_A_SECOND)):
            await asyncio.sleep(1 / _READS_A_SECOND)
            group.create_task(read())
    return quantiles(taken, n=100)[98]


def _expect(scene: Scene, is_so: bool, what: str) -> None:
    if not is_so:
        scene.violations.append(Violation("F14", what, "back pressure"))
