"""What was read, in the form that the caller asked for."""

from collections.abc import AsyncIterator
from enum import StrEnum

from litestar.response import Stream

from photo.application.jobs import OpenArtifact
from photo.domain.access import Tenant
from photo.domain.files import TEXT_JSON, TEXT_PLAIN
from photo.domain.job import JobId
from photo.entrypoints.http.problems import Refused
from photo.entrypoints.http.request import ApiRequest
from photo.entrypoints.http.views import job_path


class Format(StrEnum):
    JSON = "json"
    TEXT = "text"


_FILES = {Format.JSON: TEXT_JSON, Format.TEXT: TEXT_PLAIN}
_MEDIA_TYPES = {Format.JSON: "application/json", Format.TEXT: "text/plain"}
_BY_MEDIA_TYPE = {name: kind for kind, name in _MEDIA_TYPES.items()}


def chosen_format(request: ApiRequest, named: Format | None) -> Format:
    """The format named in the query, else the best that `Accept` allows."""
    if named:
        return named
    try:
        best = request.accept.best_match([*_BY_MEDIA_TYPE])
    except OverflowError:  # what Litestar makes of q=1e999
        best = None
    if best is None:
        offered = " or ".join(_BY_MEDIA_TYPE)
        raise Refused(f"The text is to be had as {offered}.", status_code=406)
    return _BY_MEDIA_TYPE[best]


async def result_of(
    open_artifact: OpenArtifact, tenant: Tenant, job_id: JobId, format: Format
) -> Stream:
    chunks = await open_artifact(tenant, job_id, _FILES[format])
    # Whatever fails should fail before the answer has begun.
    first = await anext(chunks, b"")
    return Stream(
        _resumed(first, chunks),
        media_type=_MEDIA_TYPES[format],
        headers={"Content-Location": f"{job_path(job_id)}/result"},
    )


async def _resumed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
