"""Every error that a client may meet, in one table: problems and pages follow it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from photo.domain import errors
from photo.domain.errors import PhotoError


class Entry(NamedTuple):
    kind: type[PhotoError]
    status: HTTPStatus
    title: str
    means: str
    remedy: str

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def retryable(self) -> bool:
        return self.kind.retryable


_ENTRIES = (
    Entry(
        errors.ValidationFailed,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Validation failed",
        "The request, or a field or parameter of it, is not as it must be.",
        "Mend what `detail` and `errors` name: `pointer` leads to the field.",
    ),
    Entry(
        errors.Unauthenticated,
        HTTPStatus.UNAUTHORIZED,
        "Unauthenticated",
        "The credential is missing, wrong, revoked or expired.",
        "Send `Authorization: Bearer` with a valid API key or access token.",
    ),
    Entry(
        errors.Forbidden,
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        "The credential is valid but does not allow this.",
        "Use a credential with the scope that `detail` names.",
    ),
    Entry(
        errors.NotFound,
        HTTPStatus.NOT_FOUND,
        "Not found",
        "There is no such thing, or not for this credential.",
        "Check the id and the path. What another tenant owns is not found either.",
    ),
    Entry(
        errors.RateLimited,
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "What may be spent in the present span of time is spent.",
        "Wait for `Retry-After` seconds. `RateLimit` says how much is left.",
    ),
    Entry(
        errors.Overloaded,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Overloaded",
        "The service has taken on all that it can do for now.",
        "Send the same request again after `Retry-After` seconds.",
    ),
    Entry(
        errors.Unavailable,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Dependency unavailable",
        "Something that the service needs did not answer.",
        "Send the same request again after `Retry-After` seconds.",
    ),
    Entry(
        errors.Internal,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "Something broke in the service; the request was not at fault.",
        "Report the `request_id` to whoever runs the service.",
    ),
    Entry(
        errors.IdempotencyMismatch,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Idempotency key used before",
        "The `Idempotency-Key` came with another request in the last 24 hours.",
        "Use a new key for a new request, and the same key only to repeat one.",
    ),
    Entry(
        errors.IdempotencyInProgress,
        HTTPStatus.CONFLICT,
        "First request not answered yet",
        "An equal request with this `Idempotency-Key` is still being worked on.",
        "Send it again in a moment: it gets the first one's answer.",
    ),
    Entry(
        errors.UploadMissing,
        HTTPStatus.CONFLICT,
        "Upload missing",
        "The photo has not arrived, or it is not kept any more.",
        "Send it to the upload's `url`, then start the job; instead of a retry, ask "
        "for a new upload.",
    ),
    Entry(
        errors.UploadExpired,
        HTTPStatus.CONFLICT,
        "Upload expired",
        "The photo was not sent, or not used, in time.",
        "Ask for a new upload.",
    ),
    Entry(
        errors.UploadUsed,
        HTTPStatus.CONFLICT,
        "Upload used",
        "The upload already has a job, and serves one only.",
        "Ask for a new upload, or retry the job that it has.",
    ),
    Entry(
        errors.UrlRefused,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "URL refused",
        "The URL, or one that it leads to, is not one that may be asked.",
        "Use an `https` URL at a public address.",
    ),
    Entry(
        errors.UrlUnreachable,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "URL unreachable",
        "The other server could not be reached, or did not answer with a file.",
        "Check that the URL answers with the photo. If `retryable`, try again later.",
    ),
    Entry(
        errors.UnsupportedMediaType,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Unsupported media type",
        "Files, or bodies, of this type are not read here.",
        "Send JPEG, PNG, WebP, HEIC, HEIF, AVIF, TIFF, GIF or BMP under its own type, "
        "and JSON as `application/json`.",
    ),
    Entry(
        errors.ContentMismatch,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Content mismatch",
        "The file is of another type or size than was promised.",
        "Promise what the bytes are, whatever the file is called.",
    ),
    Entry(
        errors.ChecksumMismatch,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Checksum mismatch",
        "The SHA-256 of the file is not the one that was promised.",
        "Send the file again, whole; compute the sum over the bytes as they are sent.",
    ),
    Entry(
        errors.FileTooLarge,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "File too large",
        "The file, or the body, is larger than is taken here.",
        "Send fewer bytes: the upload's `max_bytes` says how many a photo may have.",
    ),
    Entry(
        errors.ImageTooLarge,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Image too large",
        "The picture has too many pixels, or a side that is too long.",
        "Send it at 100 megapixels or less, with no side over 20,000 pixels.",
    ),
    Entry(
        errors.CorruptImage,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Corrupt image",
        "The file is damaged: no picture can be made of it.",
        "Open it and save it anew, or send another photo.",
    ),
    Entry(
        errors.Infected,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Infected",
        "The virus scanner knows the file as harmful. It was deleted.",
        "Do not send it again. If it is harmless, tell whoever runs the service.",
    ),
    Entry(
        errors.Unscannable,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Unscannable",
        "The virus scanner cannot look into all of the file.",
        "Save the photo anew, without anything attached or encrypted, and send that.",
    ),
    Entry(
        errors.RecognitionFailed,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Recognition failed",
        "The picture is sound, but reading it failed.",
        "Try once more, then send a smaller or clearer photo.",
    ),
    Entry(
        errors.TimedOut,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Timed out",
        "Working on the photo took too long, several times.",
        "Try once more, then send a smaller photo.",
    ),
    Entry(
        errors.Cancelled,
        HTTPStatus.CONFLICT,
        "Cancelled",
        "The job was cancelled before it was done.",
        "Retry the job, if its text is wanted after all.",
    ),
    Entry(
        errors.JobNotFinished,
        HTTPStatus.CONFLICT,
        "Job not finished",
        "The job is still being worked on, so there is nothing to fetch.",
        "Ask for the job with `?wait=`, or follow its events, then fetch again.",
    ),
    Entry(
        errors.JobFailed,
        HTTPStatus.CONFLICT,
        "Job failed",
        "The job ended without a text.",
        "Read the job's `error`.",
    ),
    Entry(
        errors.JobFinished,
        HTTPStatus.CONFLICT,
        "Job finished",
        "The job has ended, so there is nothing to stop.",
        "Read the job's `status`.",
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}
