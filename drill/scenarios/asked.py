"""Jobs that a scenario asks for itself, each by a URL, and what becomes of them."""

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx

from drill.asking import Api
from drill.collecting.rows import connected
from drill.ledger import REQUEST, Accepted, Kind
from drill.photos import photo
from drill.scene import Scene

JOBS = "/v1/jobs"
_POLL_SECONDS = 0.5


def body(scene: Scene, number: int, key: str) -> dict[str, Any]:
    url = f"{scene.receiver.files_url}/{number}"
    return {"source": {"type": "url", "url": url}, "metadata": {REQUEST: key}}


async def ask_for_job(
    scene: Scene, number: int, *, api: Api | None = None, key: str = ""
) -> str:
    """The id of the job on the photo of that number, which is promised from now on."""
    key = key or uuid4().hex
    answer = await (api or scene.api).ask(
        "POST", JOBS, key=key, json=body(scene, number, key)
    )
    return promised(scene, answer, number, key)


def promised(scene: Scene, answer: httpx.Response, number: int, key: str) -> str:
    job_id: str = answer.raise_for_status().json()["id"]
    if job_id not in scene.ledger.jobs_of[key]:
        scene.ledger.jobs_of[key].add(job_id)
        scene.ledger.accepted.append(
            Accepted(
                job_id=job_id,
                kind=Kind.URL,
                idempotency_key=key,
                at=monotonic(),
                word=photo(scene.seed, number, Kind.URL).word,
            )
        )
    return job_id


async def ended(scene: Scene, job_ids: set[str], *, seconds: float) -> bool:
    """Whether all of them have, by their rows, within so many seconds."""
    until = monotonic() + seconds
    while monotonic() < until:
        if await _have_ended(scene, job_ids):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def _have_ended(scene: Scene, job_ids: set[str]) -> bool:
    async with connected(scene.stack.places.database_url) as db:
        left = await db.fetchval(
            "SELECT count(*) FROM jobs WHERE id = ANY($1) AND finished_at IS NULL",
            [*job_ids],
        )
    return not left


def forget(scene: Scene, job_id: str) -> None:
    """It was erased at its client's wish."""
    ledger = scene.ledger
    ledger.accepted[:] = [each for each in ledger.accepted if each.job_id != job_id]
