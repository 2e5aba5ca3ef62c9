"""Routes: start jobs, follow them, find them again."""

from datetime import timedelta
from typing import Annotated

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from structlog.contextvars import bind_contextvars

from photo.application.jobs import (
    AwaitJob,
    CancelJob,
    SubmitJob,
)
from photo.application.linking import ListFiles
from photo.application.ports import JobQuery, JobRepository
from photo.application.results import OpenResult
from photo.application.retrying import RetryJob
from photo.domain.errors import (
    Infected,
    JobFailed,
    JobFinished,
    JobNotFinished,
    NotFound,
    Overloaded,
    UnsupportedMediaType,
    UploadExpired,
    UploadMissing,
    UploadUsed,
    UrlRefused,
)
from photo.domain.formats import Format
from photo.domain.job import Job, Status
from photo.entrypoints.http.bodies import NewJob, UploadSource
from photo.entrypoints.http.erasures import erase_job
from photo.entrypoints.http.events import follow_job
from photo.entrypoints.http.idempotency import idempotent
from photo.entrypoints.http.identifiers import job_named
from photo.entrypoints.http.limits import COST, MAKES_JOB
from photo.entrypoints.http.openapi import (
    IDEMPOTENT,
    RESULT,
    IdempotentOperation,
    ResultOperation,
    problems,
)
from photo.entrypoints.http.paging import (
    CURSOR,
    LIMIT,
    METADATA,
    cursor_after,
    job_before,
    metadata_filters,
    moment,
)
from photo.entrypoints.http.request import OPEN_QUERY, READ, WRITE, ApiRequest
from photo.entrypoints.http.results import FORMAT, chosen_format, result_of
from photo.entrypoints.http.slowness import as_wished
from photo.entrypoints.http.turns import in_turn
from photo.entrypoints.http.views import FileList, FileView, JobPage, JobView, job_path

WAIT = QueryParameter(ge=0, le=60, description="Seconds to wait for the job's end.")
_STATUS = QueryParameter(description="Only jobs in this state.")
_MOMENT = QueryParameter(
    description="RFC 3339, such as `2026-11-22T10:00:00Z`.",
    schema_extra={"format": "date-time"},
)


@post(
    "/",
    status_code=202,
    security=WRITE,
    summary="Start a job",
    responses=problems(
        NotFound,
        UploadMissing,
        UploadExpired,
        UploadUsed,
        UnsupportedMediaType,
        UrlRefused,
        Overloaded,
        *IDEMPOTENT,
    ),
    operation_class=IdempotentOperation,
    opt={COST: 5, MAKES_JOB: True},
)
@in_turn
@idempotent
async def create_job(
    request: ApiRequest, data: JSONBody[NewJob], submit: FromDishka[SubmitJob]
) -> Response[JobView]:
    """Start reading a photo that was sent to its upload, or is to be fetched."""
    tenant = request.user.tenant
    if isinstance(data.source, UploadSource):
        upload_id = data.source.upload_id
        job = await submit.on_upload(
            tenant, upload_id, data.metadata, webhook_url=data.webhook_url
        )
        return accepted(job)
    try:
        job = await submit.on_url(
            tenant, data.source.url, data.metadata, webhook_url=data.webhook_url
        )
    except UrlRefused as error:
        error.pointer = error.pointer or "/source/url"
        raise
    return accepted(job)


@get(
    "/",
    security=READ,
    summary="List jobs",
    responses=problems(),
    opt={OPEN_QUERY: METADATA},
)
async def list_jobs(
    request: ApiRequest,
    *,
    jobs: FromDishka[JobRepository],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
    status: Annotated[Status | None, _STATUS] = None,
    created_after: Annotated[str | None, _MOMENT] = None,
    created_before: Annotated[str | None, _MOMENT] = None,
) -> JobPage:
    """Newest first. `metadata.<key>=<value>` filters by metadata."""
    query = JobQuery(
        tenant=request.user.tenant,
        limit=limit + 1,
        before=None if cursor is None else job_before(cursor),
        status=status,
        created_after=moment("created_after", created_after),
        created_before=moment("created_before", created_before),
        metadata=metadata_filters(request.query_params.multi_items()),
    )
    found = await jobs.page(query)
    page, more = found[:limit], found[limit:]
    return JobPage(
        [JobView.of(job) for job in page], cursor_after(page[-1].id) if more else None
    )


@get(
    "/{id:str}",
    security=READ,
    summary="Follow a job",
    responses=problems(NotFound),
)
async def get_job(
    request: ApiRequest,
    id: FromPath[str],
    ended: FromDishka[AwaitJob],
    wait: Annotated[int, WAIT] = 0,
) -> JobView:
    """With `wait`, answers when the job has ended or the seconds are over."""
    up_to = timedelta(seconds=wait)
    with as_wished(request, wait):
        return JobView.of(await ended(request.user.tenant, job_named(id), up_to=up_to))


@post(
    "/{id:str}/cancel",
    status_code=202,
    security=WRITE,
    summary="Cancel a job",
    responses=problems(NotFound, JobFinished, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def cancel_job(
    request: ApiRequest, id: FromPath[str], cancel: FromDishka[CancelJob]
) -> JobView:
    """The work on it stops within seconds. What was done so far is not kept."""
    return JobView.of(await cancel(request.user.tenant, job_named(id)))


@post(
    "/{id:str}/retry",
    status_code=202,
    security=WRITE,
    summary="Retry a job",
    responses=problems(
        NotFound, Infected, JobNotFinished, UploadMissing, Overloaded, *IDEMPOTENT
    ),
    operation_class=IdempotentOperation,
    opt={COST: 5, MAKES_JOB: True},
)
@in_turn
@idempotent
async def retry_job(
    request: ApiRequest, id: FromPath[str], retry: FromDishka[RetryJob]
) -> Response[JobView]:
    """A new job on the photo of one that has ended: nothing has to be sent again."""
    return accepted(await retry(request.user.tenant, job_named(id)))


@get(
    "/{id:str}/result",
    security=READ,
    summary="Fetch the text",
    responses=RESULT | problems(NotFound, JobNotFinished, JobFailed, refusals=[406]),
    operation_class=ResultOperation,
)
async def get_result(
    request: ApiRequest,
    id: FromPath[str],
    open_result: FromDishka[OpenResult],
    format: Annotated[Format | None, FORMAT] = None,
) -> Stream:
    """In the form that `format` asks for, or else `Accept`."""
    form = chosen_format(request, format)
    return await result_of(open_result, request.user.tenant, job_named(id), form)


@get(
    "/{id:str}/files",
    security=READ,
    summary="List the files",
    responses=problems(NotFound, JobNotFinished, JobFailed),
)
async def list_files(
    request: ApiRequest, id: FromPath[str], files: FromDishka[ListFiles]
) -> FileList:
    """Links to the photo and all that was made of it; they work for some minutes."""
    linked = await files(request.user.tenant, job_named(id))
    return FileList([FileView.of(file) for file in linked])


def accepted(job: Job) -> Response[JobView]:
    bind_contextvars(job_id=job.id)
    return Response(
        JobView.of(job), status_code=202, headers={"Location": job_path(job.id)}
    )


router = DishkaRouter(
    "/jobs",
    route_handlers=[
        create_job,
        list_jobs,
        get_job,
        follow_job,
        cancel_job,
        retry_job,
        erase_job,
        get_result,
        list_files,
    ],
    tags=["jobs"],
)
