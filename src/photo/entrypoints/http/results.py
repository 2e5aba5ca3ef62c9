"""What was read, in the form that the caller asked for."""

from collections.abc import AsyncIterator

from litestar.params import QueryParameter
from litestar.response import Stream

from photo.application.results import OpenResult
from photo.domain.access import Tenant
from photo.domain.formats import Format
from photo.domain.job import JobId
from photo.entrypoints.http.accept import best_of
from photo.entrypoints.http.problems import Refused
from photo.entrypoints.http.request import ApiRequest
from photo.entrypoints.http.views import job_path

FORMAT = QueryParameter(description="The form to answer in, whatever `Accept` says.")

_BY_MEDIA_TYPE = {form.media_type: form for form in Format}
#: What browsers show by themselves, and what they are told to keep their hands off:
#: hOCR is HTML made of text that anyone may have written.
_DISPOSITIONS = {
    Format.HOCR: "attachment",
    Format.ALTO: "attachment",
    Format.PDF: "inline",
    Format.TEXTRACT: "attachment",
}


def chosen_format(request: ApiRequest, named: Format | None) -> Format:
    """The format named in the query, else the best that `Accept` allows."""
    if named:
        return named
    accept = ",".join(request.headers.getall("Accept", []))
    best = best_of([*_BY_MEDIA_TYPE], accept)
    if best is None:
        offered = ", ".join(_BY_MEDIA_TYPE)
        raise Refused(f"The text is to be had as {offered}.", status_code=406)
    return _BY_MEDIA_TYPE[best]


async def result_of(
    open_result: OpenResult, tenant: Tenant, job_id: JobId, format: Format
) -> Stream:
    chunks = await open_result(tenant, job_id, format)
    # Whatever fails should fail before the answer has begun.
    first = await anext(chunks, b"")
    return Stream(
        _resumed(first, chunks),
        media_type=format.media_type,
        headers=_headers(job_id, format),
    )


def _headers(job_id: JobId, format: Format) -> dict[str, str]:
    headers = {"Content-Location": f"{job_path(job_id)}/result", "Vary": "Accept"}
    if disposition := _DISPOSITIONS.get(format):
        filename = f"{job_id}.{format.extension}"
        headers["Content-Disposition"] = f'{disposition}; filename="{filename}"'
    return headers


async def _resumed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
