"""F9, continued: processes die at every point of an erasure; all goes all the same."""

import asyncio
from http import HTTPStatus
from typing import Any

from drill.collecting.objects import keys_of, opened
from drill.crash import CrashPoint, crash_points
from drill.evidence import Violation
from drill.scenarios.asked import ask_for_job, ended, forget
from drill.scene import Scene
from drill.shapes import Deed, Fault

_JOB = "/v1/jobs/{id}"
_STEPS = ("erasure-row", "commit:erasure", "erased-objects")
_FIRST_NUMBER = 1_600_000
_COME_BY_SECONDS = 15.0
_ENDED_SECONDS = 120.0


async def play(scene: Scene) -> dict[str, Any]:
    points = [point for point in crash_points() if point.name.endswith(_STEPS)]
    numbers = range(_FIRST_NUMBER, _FIRST_NUMBER + len(points))
    jobs = [await ask_for_job(scene, number) for number in numbers]
    await ended(scene, {*jobs}, seconds=_ENDED_SECONDS)
    met = [
        await _erase(scene, job_id, point)
        for job_id, point in zip(jobs, points, strict=True)
    ]
    return {"points": len(points), "come_by": sum(met)}


async def _erase(scene: Scene, job_id: str, point: CrashPoint) -> bool:
    """Whether the process came by; the client asks until the job has gone."""
    crash = Fault(
        at=0,
        deed=Deed.CRASH,
        part=point.part,
        seconds=_COME_BY_SECONDS,
        detail=point.name,
    )
    met, _ = await asyncio.gather(
        scene.strike(crash), scene.api.ask("DELETE", _JOB, id=job_id)
    )
    forget(scene, job_id)
    shown = await scene.api.ask("GET", _JOB, id=job_id)
    _expect(scene, shown.status_code == HTTPStatus.NOT_FOUND, "it is shown", job_id)
    _expect(scene, not await _left_of(scene, job_id), "objects are left", job_id)
    return met


async def _left_of(scene: Scene, job_id: str) -> list[str]:
    places = scene.stack.places
    async with opened(places.s3) as s3:
        return [
            key
            for bucket in (places.raw_bucket, places.processed_bucket)
            for key in await keys_of(s3, bucket)
            if job_id in key
        ]


def _expect(scene: Scene, is_so: bool, what: str, job_id: str) -> None:
    if not is_so:
        scene.violations.append(Violation("F9", f"it was erased, and {what}", job_id))
