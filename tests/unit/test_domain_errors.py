import pickle
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from traceback import format_exception

import pytest

from photo.domain.errors import (
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    ObjectNotFound,
    Overloaded,
    PhotoError,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
    ValidationFailed,
)

KINDS = {
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
}
CONTRACT = {
    "validation_failed",
    "unauthenticated",
    "forbidden",
    "not_found",
    "rate_limited",
    "overloaded",
    "idempotency_mismatch",
    "idempotency_in_progress",
    "dependency_unavailable",
    "internal",
    "upload_missing",
    "upload_expired",
    "upload_used",
    "url_refused",
    "url_unreachable",
    "unsupported_media_type",
    "content_mismatch",
    "checksum_mismatch",
    "file_too_large",
    "image_too_large",
    "corrupt_image",
    "infected",
    "unscannable",
    "recognition_failed",
    "timed_out",
    "cancelled",
    "job_not_finished",
    "job_failed",
    "job_finished",
}


def subclasses(of: type[PhotoError]) -> Iterator[type[PhotoError]]:
    for error in of.__subclasses__():
        yield error
        yield from subclasses(error)


ERRORS = {
    error
    for error in subclasses(PhotoError)
    if error.__module__ == PhotoError.__module__
}
CONCRETE = sorted(
    (error for error in ERRORS if "code" in vars(error)), key=lambda it: it.code
)


@pytest.mark.parametrize("error", CONCRETE)
def test_every_code_is_in_the_contract(error: type[PhotoError]) -> None:
    assert error.code in CONTRACT


def test_no_two_errors_share_a_code() -> None:
    assert Counter(error.code for error in CONCRETE).most_common(1)[0][1] == 1


def test_only_kinds_and_what_no_caller_sees_have_no_code_of_their_own() -> None:
    assert ERRORS - {*CONCRETE} == {
        Conflict,
        Invalid,
        TooLarge,
        Unsupported,
        ObjectNotFound,
    }


@pytest.mark.parametrize("error", CONCRETE)
def test_every_error_is_of_exactly_one_kind(error: type[PhotoError]) -> None:
    assert len(KINDS & {*error.__mro__}) == 1


@pytest.mark.parametrize("error", CONCRETE)
def test_an_error_crosses_processes_whole(error: type[PhotoError]) -> None:
    # Of our own making: nothing foreign is unpickled.
    known = error("Why.", pointer="/a", reason="42501")
    copy = pickle.loads(pickle.dumps(known))  # noqa: S301
    assert (type(copy), vars(copy)) == (error, vars(known))


def test_an_error_may_say_when_to_come_back() -> None:
    assert RateLimited("Slow down.").retry_after is None
    error = RateLimited("Slow down.", retry_after=timedelta(seconds=7))
    assert error.retry_after == timedelta(seconds=7)


def test_a_reason_is_for_the_traceback_alone() -> None:
    error = Unavailable("The bucket is away.", reason="NoSuchBucket")
    assert str(error) == "The bucket is away."
    assert "NoSuchBucket" in "".join(format_exception(error))


def test_an_error_reads_as_its_sentence() -> None:
    assert str(ValidationFailed("Send a photo.", pointer="/a")) == "Send a photo."
