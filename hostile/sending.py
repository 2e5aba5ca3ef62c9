"""One file's way through the public API, as any client would send it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import httpx

from hostile.attempt import SUCCEEDED
from hostile.cases import Case
from photo.entrypoints.client import PhotoClient, Refused

#: S3 itself turned the file away: its answers have no code of the contract.
STORE_REFUSED = "store_refused"

#: Longer than any job may take, however many wait before it.
_PATIENCE_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Outcome:
    #: `refused` before there was a job, what the job ended as, or `lost`.
    status: str
    #: `succeeded`, or why not: a code.
    verdict: str
    #: The HTTP status of the refusal, or of the list of the job's files.
    answer: int
    job: Mapping[str, Any] | None = None
    text: str | None = None


async def send(client: PhotoClient, case: Case) -> Outcome:
    """Until the job has ended, or the service is not what it should be."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await _ended(client, await _submitted(client, case))
    except _Refused as refused:
        return Outcome("refused", refused.code, refused.answer)
    except (Refused, httpx.HTTPError, TimeoutError, ValueError) as error:
        return Outcome("lost", repr(error), 0)


async def _ended(client: PhotoClient, job: Mapping[str, Any]) -> Outcome:
    ended = await client.ended(job)
    files = await client.api.get(ended["links"]["files"])
    done = ended["status"] == SUCCEEDED
    return Outcome(
        ended["status"],
        SUCCEEDED if done else ended["error"]["code"],
        files.status_code,
        job=ended,
        text=await client.text(job) if done else None,
    )


class _Refused(Exception):
    def __init__(self, code: str, answer: int) -> None:
        super().__init__(code)
        self.code = code
        self.answer = answer


async def _submitted(client: PhotoClient, case: Case) -> dict[str, Any]:
    grant = _accepted(await client.api.post("/v1/uploads", json=_promise(case)))
    stored = await client.store.post(
        grant["url"], data=grant["fields"], files={"file": case.attempt.content}
    )
    if not stored.is_success:
        raise _Refused(STORE_REFUSED, stored.status_code)
    source = {"type": "upload", "upload_id": grant["id"]}
    return _accepted(await client.api.post("/v1/jobs", json={"source": source}))


def _promise(case: Case) -> dict[str, Any]:
    promised = {
        "content_type": case.attempt.content_type,
        "filename": PurePath(case.name).name,
        "size_bytes": case.attempt.size_bytes,
        "sha256": case.attempt.sha256,
    }
    return {name: value for name, value in promised.items() if value is not None}


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    if answer.is_success:
        return body
    raise _Refused(body["code"], answer.status_code)
