"""Route: a photo goes in, its text comes out, in one call."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, post
from structlog.contextvars import bind_contextvars

from photo.application.admission import AdmitJob
from photo.application.jobs import AwaitJob, SubmitJob
from photo.application.results import OpenResult
from photo.application.uploads import ReceivePhoto
from photo.domain.errors import (
    Cancelled,
    ChecksumMismatch,
    ContentMismatch,
    CorruptImage,
    FileTooLarge,
    ImageTooLarge,
    Infected,
    NotFound,
    Overloaded,
    RecognitionFailed,
    TimedOut,
    Unscannable,
    UnsupportedMediaType,
)
from photo.domain.formats import Format
from photo.domain.job import Failure, JobId
from photo.entrypoints.http.idempotency import idempotency_key, remembered
from photo.entrypoints.http.intake import MAX_BODY_BYTES, photo_in
from photo.entrypoints.http.jobs import WAIT, accepted
from photo.entrypoints.http.limits import COST, MAKES_JOB
from photo.entrypoints.http.openapi import (
    ACCEPTED,
    IDEMPOTENT,
    RESULT,
    ReadOperation,
    problems,
)
from photo.entrypoints.http.problems import Problem, problem, status_of_code
from photo.entrypoints.http.request import WRITE, ApiRequest
from photo.entrypoints.http.results import FORMAT, chosen_format, result_of
from photo.entrypoints.http.slowness import as_wished

if TYPE_CHECKING:
    from hashlib import _Hash


@post(
    "/read",
    status_code=200,
    security=WRITE,
    summary="Read a photo",
    responses=RESULT
    | ACCEPTED
    | problems(
        Cancelled,
        ChecksumMismatch,
        ContentMismatch,
        CorruptImage,
        FileTooLarge,
        ImageTooLarge,
        Infected,
        RecognitionFailed,
        TimedOut,
        Unscannable,
        NotFound,
        UnsupportedMediaType,
        Overloaded,
        *IDEMPOTENT,
        refusals=[406],
    ),
    operation_class=ReadOperation,
    request_max_body_size=MAX_BODY_BYTES,
    opt={COST: 10, MAKES_JOB: True},
    tags=["jobs"],
)
async def read_photo(
    request: ApiRequest,
    *,
    admit: FromDishka[AdmitJob],
    receive: FromDishka[ReceivePhoto],
    submit: FromDishka[SubmitJob],
    ended: FromDishka[AwaitJob],
    open_result: FromDishka[OpenResult],
    wait: Annotated[int, WAIT] = 30,
    format: Annotated[Format | None, FORMAT] = None,
) -> Response[Any]:
    """The whole job in one call; if it takes longer than `wait`, the job."""
    form = chosen_format(request, format)
    tenant = request.user.tenant
    idempotency_key(request)
    await admit()
    photo = await photo_in(request)
    digest = sha256()
    upload = await receive(tenant, photo.promise, _hashed(photo.body, digest))

    async def accept() -> bytes:
        job = await submit.on_upload(tenant, upload.id, {})
        return job.id.encode()

    # Of a request that is sent again, the upload is left to the sweep.
    async with admit.place():
        accepted_id = await remembered(request, digest.hexdigest(), accept)
    job_id = JobId(accepted_id.decode())
    bind_contextvars(job_id=job_id)
    with as_wished(request, wait):
        job = await ended(tenant, job_id, up_to=timedelta(seconds=wait))
    if not job.ended:
        return accepted(job)
    if job.error:
        return _failed(request, job.id, job.error)
    return await result_of(open_result, tenant, job.id, form)


async def _hashed(chunks: AsyncIterator[bytes], into: "_Hash") -> AsyncIterator[bytes]:
    async for chunk in chunks:
        into.update(chunk)
        yield chunk


def _failed(request: ApiRequest, job_id: JobId, failure: Failure) -> Response[Problem]:
    """The job's own error, as if the route had found it."""
    return problem(
        request,
        status_of_code(failure.code),
        failure.code,
        failure.detail,
        retryable=failure.retryable,
        job_id=job_id,
    )


router = DishkaRouter("/", route_handlers=[read_photo])
