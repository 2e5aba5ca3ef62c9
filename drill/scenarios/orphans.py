"""F18: halves of things: each is mended, cleared away, or kept and told of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from temporalio.client import Client
from ulid import ULID

from drill.asking import code_of
from drill.collecting.objects import keys_of, opened
from drill.collecting.rows import connected
from drill.collecting.workflows import connected as temporal_of
from drill.evidence import Violation
from drill.ledger import REQUEST, Accepted, Kind
from drill.photos import photo
from drill.scenarios.asked import JOBS, body, ended
from drill.scene import Scene
from photo.adapters.temporal.engine import workflow_id
from photo.adapters.temporal.messages import JobRef
from photo.application.reconciling import Stretch
from photo.domain.job import JobId

_OF_EACH = 20
_FIRST_NUMBER = 1_200_000
#: A row without a workflow is to be found in 30 s; then its photo has to be read.
_MENDED_SECONDS = 180.0
_ROW = """
    INSERT INTO jobs
        (id, tenant, source_url, raw_key, created_at, metadata, status, entered)
    VALUES ($1, $2, $3, $2 || '/' || $1, $4, jsonb_build_object($5::text, $6::text),
        'queued', '{}')
"""
_RECEIPT = """
    INSERT INTO erasures
        (job_id, tenant, actor, requested_at, raw_key, objects, rows, completed_at,
        confirmed_at)
    VALUES ($1, $2, 'drill', $3, $2 || '/' || $1, '[]', '{}', $3, $3)
"""


async def play(scene: Scene) -> dict[str, Any]:
    """What is cleared away, the invariants ask for in the end: it is gone."""
    await _uploads_nobody_submits(scene)
    await _submitted_without_photo(scene)
    await _workflows_without_row(scene)
    await _photos_without_row(scene)
    await _files_of_erased_jobs(scene)
    await _files_that_nothing_explains(scene)
    seconds = await _rows_without_workflow(scene)
    return {"of_each_kind": _OF_EACH, "kinds": 7, "rows_mended_s": round(seconds, 1)}


async def _uploads_nobody_submits(scene: Scene) -> None:
    for number in range(_OF_EACH):
        sent = photo(scene.seed, _FIRST_NUMBER + number)
        grant = await _grant(scene)
        await scene.store.take(grant, sent.content)


async def _submitted_without_photo(scene: Scene) -> None:
    for _ in range(_OF_EACH):
        grant, key = await _grant(scene), uuid4().hex
        source = {"type": "upload", "upload_id": grant["id"]}
        answer = await scene.api.ask("POST", JOBS, key=key, json={"source": source})
        if code_of(answer) != "upload_missing":
            what = f"a job without a photo: {answer.status_code}"
            scene.violations.append(Violation("I3", what, grant["id"]))


async def _workflows_without_row(scene: Scene) -> None:
    client: Client = await temporal_of(scene.stack.places)
    for job_id in _ids():
        await client.start_workflow(
            "process-photo",
            JobRef(job_id),
            id=workflow_id(job_id),
            task_queue=scene.stack.places.task_queue,
        )


async def _photos_without_row(scene: Scene) -> None:
    keys = [f"{scene.tenant}/{job_id}" for job_id in _ids()]
    await _plant(scene, scene.stack.places.raw_bucket, keys)


async def _files_of_erased_jobs(scene: Scene) -> None:
    """As of a step that was at work all the while, and past the second deletion."""
    job_ids, now = _ids(), datetime.now(UTC)
    async with connected(scene.stack.places.database_url) as db:
        for job_id in job_ids:
            await db.execute(_RECEIPT, job_id, scene.tenant, now)
    await _plant(scene, scene.stack.places.processed_bucket, _files(scene, job_ids))


async def _files_that_nothing_explains(scene: Scene) -> None:
    """As in a database that has lost jobs: the service keeps and counts them."""
    places = scene.stack.places
    keys = _files(scene, _ids())
    await _plant(scene, places.processed_bucket, keys)
    swept = await (await temporal_of(places)).execute_workflow(
        "sweep-artifacts",
        Stretch(),
        id=f"sweep-artifacts/{uuid4().hex}",
        task_queue=places.task_queue,
        result_type=Stretch,
        run_timeout=timedelta(seconds=_MENDED_SECONDS),
    )
    async with opened(places.s3) as s3:
        kept = {*keys} & {*await keys_of(s3, places.processed_bucket)}
        for key in keys:
            await s3.delete_object(Bucket=places.processed_bucket, Key=key)
    if len(kept) != _OF_EACH or swept.without_row != _OF_EACH:
        what = f"of {_OF_EACH} unexplained files {len(kept)} were kept, "
        what += f"{swept.without_row} counted"
        scene.violations.append(Violation("I5", what, "orphans"))


async def _plant(scene: Scene, bucket: str, keys: Sequence[str]) -> None:
    async with opened(scene.stack.places.s3) as s3:
        for key in keys:
            await s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def _files(scene: Scene, job_ids: Sequence[JobId]) -> Sequence[str]:
    return [f"{scene.tenant}/{job_id}/normalized.jpg" for job_id in job_ids]


async def _rows_without_workflow(scene: Scene) -> float:
    """Seconds until all had ended."""
    began, jobs = monotonic(), set[str]()
    async with connected(scene.stack.places.database_url) as db:
        for nth, job_id in enumerate(_ids()):
            number, key = _FIRST_NUMBER + _OF_EACH + nth, uuid4().hex
            url = body(scene, number, key)["source"]["url"]
            now = datetime.now(UTC)
            await db.execute(_ROW, job_id, scene.tenant, url, now, REQUEST, key)
            _promise(scene, job_id, number, key)
            jobs.add(job_id)
    if not await ended(scene, jobs, seconds=_MENDED_SECONDS):
        what = f"rows without a workflow were not mended in {_MENDED_SECONDS:.0f} s"
        scene.violations.append(Violation("I9", what, "orphans"))
    return monotonic() - began


def _promise(scene: Scene, job_id: str, number: int, key: str) -> None:
    scene.ledger.jobs_of[key].add(job_id)
    word = photo(scene.seed, number, Kind.URL).word
    scene.ledger.accepted.append(
        Accepted(
            job_id=job_id,
            kind=Kind.URL,
            idempotency_key=key,
            at=monotonic(),
            word=word,
        )
    )


async def _grant(scene: Scene) -> dict[str, Any]:
    answer = await scene.api.ask(
        "POST", "/v1/uploads", key=uuid4().hex, json={"content_type": "image/tiff"}
    )
    grant: dict[str, Any] = answer.raise_for_status().json()
    return grant


def _ids() -> list[JobId]:
    return [JobId(f"job_{str(ULID()).lower()}") for _ in range(_OF_EACH)]
