"""Route: leave nothing of a job but a receipt."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from dishka.integrations.litestar import FromDishka
from litestar import delete
from litestar.params import FromPath
from msgspec import Struct

from photo.application.erasing import EraseJob
from photo.domain.erasure import ErasedObject, Erasure
from photo.domain.errors import NotFound
from photo.domain.job import JobId
from photo.entrypoints.http.identifiers import job_named
from photo.entrypoints.http.limits import COST
from photo.entrypoints.http.openapi import problems
from photo.entrypoints.http.request import WRITE, ApiRequest


class ErasureView(Struct, frozen=True, kw_only=True):
    """The receipt: all that is left of the job, and the same for ever."""

    job_id: JobId
    photo_sha256: str | None
    #: What was deleted from the buckets.
    objects: Sequence[ErasedObject]
    #: How many rows of which kind were deleted from the database.
    rows: Mapping[str, int]
    requested_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        return cls(
            job_id=erasure.job_id,
            photo_sha256=erasure.photo_sha256,
            objects=erasure.objects,
            rows=erasure.rows,
            requested_at=erasure.requested_at,
            completed_at=erasure.completed_at,
        )


@delete(
    "/{id:str}",
    status_code=200,
    security=WRITE,
    summary="Erase a job",
    responses=problems(NotFound),
    opt={COST: 5},
)
async def erase_job(
    request: ApiRequest, id: FromPath[str], erase: FromDishka[EraseJob]
) -> ErasureView:
    """Delete the job, its photo and all that was made of it, for good.

    A job that has not ended is cancelled. Asked for again, the receipt is the same.
    """
    return ErasureView.of(await erase(request.user, job_named(id)))
