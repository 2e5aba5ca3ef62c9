"""What is refused before a use case is asked, and under which code."""

from collections.abc import Mapping
from typing import NamedTuple

from photo.entrypoints.http.catalogue import Entry


class Refusal(NamedTuple):
    code: str
    detail: str
    retryable: bool = False


#: By status, what is refused before a use case is asked.
REFUSALS: Mapping[int, Refusal] = {
    400: Refusal("validation_failed", "The request is malformed."),
    404: Refusal("not_found", "There is nothing at this path. See /docs."),
    405: Refusal("validation_failed", "This path does not answer to this method."),
    406: Refusal("validation_failed", "The answer is not to be had in this form."),
    408: Refusal("validation_failed", "The request came too slowly.", retryable=True),
    413: Refusal("file_too_large", "The body is larger than this path takes."),
    415: Refusal("unsupported_media_type", "Bodies of this type are not read here."),
    431: Refusal("validation_failed", "The header fields are too many or too large."),
    503: Refusal("overloaded", "There are too many connections.", retryable=True),
}


def statuses(entry: Entry) -> list[int]:
    """The status of an error, then those with which requests are refused under it."""
    also = (
        status for status, refusal in REFUSALS.items() if refusal.code == entry.code
    )
    return list(dict.fromkeys([entry.status.value, *also]))
