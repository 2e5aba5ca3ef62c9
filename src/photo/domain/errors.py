"""Everything that can go wrong on purpose: a few kinds, one permanent code each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class PhotoError(Exception):
    """A failure that a caller can act on.

    `code` is permanent and public, the message is a sentence that says what to do.
    """

    code: ClassVar[str]
    #: Whether the same request may succeed later.
    retryable: bool = False

    def __init__(
        self,
        detail: str,
        *,
        pointer: str | None = None,
        reason: str | None = None,
        retryable: bool | None = None,
        retry_after: timedelta | None = None,
        crash: str | None = None,
    ) -> None:
        super().__init__(detail)
        if retryable is not None:
            self.retryable = retryable
        self.detail = detail
        #: JSON pointer of the field of the request at fault, where there is one.
        self.pointer = pointer
        #: Why, for operators: a code or a type's name, never a text or an address.
        self.reason = reason
        #: When the same request is likely to succeed, where that is known.
        self.retry_after = retry_after
        #: How the process died that worked on it: a signal's name, or a limit's.
        self.crash = crash
        if reason:
            self.add_note(reason)


class Invalid(PhotoError):
    """The request can never succeed as it stands."""


class Unauthenticated(PhotoError):
    """The credential is missing, wrong, revoked or expired."""

    code = "unauthenticated"


class Forbidden(PhotoError):
    """The credential does not allow this."""

    code = "forbidden"

    #: What the credential lacks.
    scopes: Sequence[str] = ()


class NotFound(PhotoError):
    """There is no such thing for this caller."""

    code = "not_found"


class Conflict(PhotoError):
    """The request does not fit the present state."""


class TooLarge(PhotoError):
    """The file is larger than allowed."""


class Unsupported(PhotoError):
    """The type of the file is not one that is read here."""


class Unavailable(PhotoError):
    """A dependency failed; it may be back soon."""

    code = "dependency_unavailable"
    retryable = True


class RateLimited(PhotoError):
    """The caller has spent what may be spent for now."""

    code = "rate_limited"
    retryable = True


class Overloaded(PhotoError):
    """The service has taken on as much as it can do; reads go on."""

    code = "overloaded"
    retryable = True


class IdempotencyMismatch(Invalid):
    """The `Idempotency-Key` came with another request before."""

    code = "idempotency_mismatch"


class IdempotencyInProgress(Conflict):
    """The first request with this `Idempotency-Key` is not answered yet."""

    code = "idempotency_in_progress"
    retryable = True


class ValidationFailed(Invalid):
    code = "validation_failed"


class UploadMissing(Conflict):
    code = "upload_missing"


class UploadExpired(Conflict):
    code = "upload_expired"


class UploadUsed(Conflict):
    code = "upload_used"


class UrlRefused(Invalid):
    code = "url_refused"


class UrlUnreachable(Invalid):
    """The other server could not be reached, or did not answer with a file."""

    code = "url_unreachable"


class UnsupportedMediaType(Unsupported):
    code = "unsupported_media_type"


class ContentMismatch(Invalid):
    code = "content_mismatch"


class ChecksumMismatch(Invalid):
    code = "checksum_mismatch"


class FileTooLarge(TooLarge):
    code = "file_too_large"


class ImageTooLarge(Invalid):
    code = "image_too_large"


class CorruptImage(Invalid):
    code = "corrupt_image"


class Infected(Invalid):
    """The scanner knows the bytes as harmful. The signature's name is its `reason`."""

    code = "infected"


class Unscannable(Invalid):
    """The scanner cannot look into all of the bytes: encrypted, nested, too large."""

    code = "unscannable"


class RecognitionFailed(Invalid):
    code = "recognition_failed"


class TimedOut(Invalid):
    code = "timed_out"
    retryable = True


class Cancelled(Conflict):
    code = "cancelled"


class JobNotFinished(Conflict):
    code = "job_not_finished"
    retryable = True


class JobFailed(Conflict):
    code = "job_failed"


class JobFinished(Conflict):
    code = "job_finished"


class Internal(PhotoError):
    """Something broke here; the request was not at fault."""

    code = "internal"


class ObjectNotFound(Internal):
    """A bucket holds no object under this key: for a caller, nothing but a bug."""
