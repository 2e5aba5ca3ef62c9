"""Route: a job's changes as they happen, as Server-Sent Events."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from secrets import randbelow
from typing import Annotated, Any, Literal

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter
from litestar.response import Stream
from msgspec import Struct

from photo.application.draining import Draining
from photo.application.following import FollowJob
from photo.domain.errors import NotFound, RateLimited, ValidationFailed
from photo.domain.job import Job
from photo.entrypoints.http.identifiers import job_named
from photo.entrypoints.http.openapi import problems
from photo.entrypoints.http.request import READ, ApiRequest
from photo.entrypoints.http.views import JobView

_LAST_EVENT_ID = "Last-Event-ID"
_VERSION = re.compile(r"[0-9]{1,9}")
_LAST = HeaderParameter(
    name=_LAST_EVENT_ID,
    description="The `id` of the last event that arrived: the next one follows.",
    schema_extra={"pattern": f"^{_VERSION.pattern}$"},
)
#: Milliseconds from the end of a stream until its client comes again: at least, and
#: at most so many more, or all that a process had would come at once.
_RETRY, _RETRY_SPREAD = 1_000, 5_000
_HEARTBEAT = b":\n\n"


class JobEvent(Struct, frozen=True):
    """One event of the stream, for the documentation."""

    id: str
    event: Literal["job"]
    #: The job, as JSON.
    data: str


_EVENTS = {
    200: ResponseSpec(
        JobEvent,
        generate_examples=False,
        description="Events `job`: the `data` of each is the job, its `id` a version.",
        media_type="text/event-stream",
    ),
    204: ResponseSpec(
        None, description="The job has ended, and its last event has arrived."
    ),
}


@get(
    "/{id:str}/events",
    security=READ,
    summary="Stream a job's changes",
    responses=_EVENTS | problems(NotFound, RateLimited),
)
async def follow_job(
    request: ApiRequest,
    id: FromPath[str],
    follow: FromDishka[FollowJob],
    draining: FromDishka[Draining],
    last_event_id: Annotated[str | None, _LAST] = None,
) -> Response[Any]:
    """Server-Sent Events `job`, from the first change or that after `Last-Event-ID`.

    The stream ends after the event of the job's end.
    """
    versions = follow(
        request.user.tenant,
        job_named(id),
        after=_version(last_event_id),
        still_allowed=partial(request.app.state.gate.still_open, request),
    )
    try:
        # Whatever fails should fail before the answer has begun.
        first = await anext(versions)
    except StopAsyncIteration:
        return Response(None, status_code=204)
    except ValidationFailed as error:
        error.pointer = f"/{_LAST_EVENT_ID}"
        raise
    return Stream(
        _events(first, versions, draining),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-store", "X-Accel-Buffering": "no"},
    )


def _version(last_event_id: str | None) -> int:
    if last_event_id is None:
        return 0
    if not _VERSION.fullmatch(last_event_id):
        raise ValidationFailed(
            f"{_LAST_EVENT_ID}: Expected the id of an event, a whole number.",
            pointer=f"/{_LAST_EVENT_ID}",
        )
    return int(last_event_id)


async def _events(
    first: Job | None, rest: AsyncGenerator[Job | None, None], draining: Draining
) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield _retry() + _event(first)
        async for version in rest:
            yield _event(version)
        if draining.begun:
            yield _retry()


def _retry() -> bytes:
    return b"retry: %d\n\n" % (_RETRY + randbelow(_RETRY_SPREAD))


def _event(job: Job | None) -> bytes:
    if job is None:
        return _HEARTBEAT
    data = msgspec.json.encode(JobView.of(job))
    return b"event: job\nid: %d\ndata: %s\n\n" % (job.version, data)
