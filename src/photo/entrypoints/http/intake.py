"""A photo on its way in, as the whole body or as the one file of a form."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from photo.application.uploads import PhotoPromise
from photo.domain.errors import UnsupportedMediaType, ValidationFailed
from photo.domain.filename import clean_filename
from photo.domain.media import LARGEST_FILE, SNIFF_BYTES, MediaType
from photo.entrypoints.http.problems import Refused
from photo.entrypoints.http.request import ApiRequest

#: The largest file that settings may allow, and what a form puts around it.
MAX_BODY_BYTES = LARGEST_FILE + 64 * 1024

_FORM = "multipart/form-data"
_FILE = "file"
#: What clients say that do not know a file's type.
_UNKNOWN = {"", "application/octet-stream"}


class IncomingPhoto(NamedTuple):
    promise: PhotoPromise
    body: AsyncIterator[bytes]


async def photo_in(request: ApiRequest) -> IncomingPhoto:
    """The photo of a request, to be read once; only its first bytes are held."""
    content_type, parameters = request.content_type
    if content_type == _FORM:
        return await _of_form(request, parameters.get("boundary", ""))
    chunks = (chunk async for chunk in request.stream() if chunk)
    # No bytes are no promise: that they are missing is said of the body.
    size_bytes = request.content_length or None
    return await _incoming(content_type, chunks, size_bytes=size_bytes)


async def _of_form(request: ApiRequest, boundary: str) -> IncomingPhoto:
    events = _events(request, boundary)
    part = await anext(events, None)
    if not isinstance(part, MultipartSegment) or part.name != _FILE:
        raise ValidationFailed(
            f'The form must have one part, named "{_FILE}".', pointer=f"/{_FILE}"
        )
    # Only what the file happens to be called, so it is mended and never refused.
    filename = clean_filename(part.filename or "")
    return await _incoming(
        part.content_type or "", _only_part(events), filename=filename
    )


async def _events(
    request: ApiRequest, boundary: str
) -> AsyncGenerator[MultipartSegment | bytes | None, None]:
    try:
        with PushMultipartParser(boundary) as parser:
            async for chunk in request.stream():
                for event in parser.parse(chunk) if chunk else ():
                    yield event
    except MultipartError as error:
        raise Refused(
            f"The form is malformed: {error.args[0]}.", status_code=400
        ) from error


async def _only_part(
    events: AsyncIterator[MultipartSegment | bytes | None],
) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, MultipartSegment):
            raise ValidationFailed(
                f'The form must have one part, named "{_FILE}", and has another.',
                pointer=f"/{_FILE}",
            )
        if event:
            yield event


async def _incoming(
    content_type: str,
    chunks: AsyncIterator[bytes],
    *,
    filename: str | None = None,
    size_bytes: int | None = None,
) -> IncomingPhoto:
    kind = MediaType.named(content_type)
    if content_type in _UNKNOWN:
        head = await _head(chunks)
        if not head:
            raise ValidationFailed("The body is empty. Send the photo's bytes.")
        kind, chunks = MediaType.of(head), _resumed(head, chunks)
    if kind is None:
        raise UnsupportedMediaType(
            f"Send a photo with its Content-Type, one of {', '.join(MediaType)}."
        )
    promise = PhotoPromise(content_type=kind, filename=filename, size_bytes=size_bytes)
    return IncomingPhoto(promise, chunks)


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break
    return head


async def _resumed(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for chunk in rest:
        yield chunk
