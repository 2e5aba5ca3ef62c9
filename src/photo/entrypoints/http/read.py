"""Route: a photo goes in, its text comes out, in one call."""

from datetime import timedelta
from typing import Annotated, Any

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, post
from litestar.params import FromQuery
from structlog.contextvars import bind_contextvars

from photo.application.jobs import AwaitJob, OpenArtifact, SubmitJob
from photo.application.uploads import ReceivePhoto
from photo.domain.errors import (
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
    UnsupportedMediaType,
)
from photo.domain.job import Failure, JobId
from photo.entrypoints.http.intake import MAX_BODY_BYTES, photo_in
from photo.entrypoints.http.jobs import WAIT, accepted
from photo.entrypoints.http.openapi import ACCEPTED, RESULT, ReadOperation, problems
from photo.entrypoints.http.problems import Problem, problem, status_of_code
from photo.entrypoints.http.request import WRITE, ApiRequest
from photo.entrypoints.http.results import Format, chosen_format, result_of


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
        UnsupportedMediaType,
        refusals=[406],
    ),
    operation_class=ReadOperation,
    request_max_body_size=MAX_BODY_BYTES,
    tags=["jobs"],
)
async def read_photo(
    request: ApiRequest,
    *,
    receive: FromDishka[ReceivePhoto],
    submit: FromDishka[SubmitJob],
    ended: FromDishka[AwaitJob],
    open_artifact: FromDishka[OpenArtifact],
    wait: Annotated[int, WAIT] = 30,
    format: FromQuery[Format | None] = None,
) -> Response[Any]:
    """The whole job in one call; if it takes longer than `wait`, the job."""
    form = chosen_format(request, format)
    tenant = request.user.tenant
    photo = await photo_in(request)
    upload = await receive(tenant, photo.promise, photo.body)
    job = await submit.on_upload(tenant, upload.id, {})
    bind_contextvars(job_id=job.id)
    job = await ended(tenant, job.id, up_to=timedelta(seconds=wait))
    if not job.ended:
        return accepted(job)
    if job.error:
        return _failed(request, job.id, job.error)
    return await result_of(open_artifact, tenant, job.id, form)


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
