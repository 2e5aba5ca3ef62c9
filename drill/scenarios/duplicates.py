"""F11: the same request many times, another one under its key, an upload used twice."""

import asyncio
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from drill.asking import Api, code_of
from drill.evidence import Violation
from drill.ledger import Kind
from drill.photos import photo
from drill.scenarios.asked import JOBS, body, promised
from drill.scene import Scene

_AT_ONCE = 50
_FIRST_NUMBER = 1_100_000


async def play(scene: Scene) -> dict[str, Any]:
    key, number = uuid4().hex, _FIRST_NUMBER
    asked = body(scene, number, key)
    answers = await asyncio.gather(
        *(scene.api.ask("POST", JOBS, key=key, json=asked) for _ in range(_AT_ONCE))
    )
    jobs = {promised(scene, answer, number, key) for answer in answers}
    bodies = {answer.text for answer in answers}
    _expect(scene, len(bodies) == 1, f"one key had {len(bodies)} answers")
    other = await scene.api.ask("POST", JOBS, key=key, json={**asked, "metadata": {}})
    mismatch = code_of(other) or str(other.status_code)
    _expect(scene, mismatch == "idempotency_mismatch", f"another body: {mismatch}")
    used = await _use_twice(scene, scene.api)
    _expect(scene, used == ["202", "upload_used"], f"an upload used twice: {used}")
    return {"at_once": _AT_ONCE, "jobs": len(jobs)}


async def _use_twice(scene: Scene, api: Api) -> list[str]:
    number = _FIRST_NUMBER + 1
    sent = photo(scene.seed, number, Kind.URL)
    grant = await api.ask(
        "POST",
        "/v1/uploads",
        key=uuid4().hex,
        json={"content_type": sent.content_type},
    )
    upload = grant.raise_for_status().json()
    await scene.store.take(upload, sent.content)
    source = {"type": "upload", "upload_id": upload["id"]}
    told = []
    for key in (uuid4().hex, uuid4().hex):
        asked = {**body(scene, number, key), "source": source}
        answer = await api.ask("POST", JOBS, key=key, json=asked)
        told.append(code_of(answer) or str(answer.status_code))
        if answer.status_code == HTTPStatus.ACCEPTED:
            promised(scene, answer, number, key)
    return told


def _expect(scene: Scene, is_so: bool, what: str) -> None:
    if not is_so:
        scene.violations.append(Violation("I4", what, "duplicates"))
