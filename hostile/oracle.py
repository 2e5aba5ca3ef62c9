"""What may become of a file, whatever is in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from hostile.attempt import SUCCEEDED, Attempt
from hostile.sending import STORE_REFUSED, Outcome
from hostile.worker import TIMED_OUT, WorkerLog
from photo.adapters.temporal.workflows import (
    NORMALIZE_LIMIT,
    PUBLISH_LIMIT,
    RECOGNIZE_LIMIT,
    VERIFY_LIMIT,
)

#: What a scanner says of a file.
_SCANNED = {"infected", "unscannable"}

#: The code of each end that the file is to blame for. Nothing else fails here.
_VERDICTS = {
    "refused": {
        *("validation_failed", "unsupported_media_type", "file_too_large"),
        STORE_REFUSED,
    },
    "failed": {
        *("unsupported_media_type", "content_mismatch", "checksum_mismatch"),
        *("file_too_large", "image_too_large", "corrupt_image", "recognition_failed"),
        *("timed_out", *_SCANNED),
    },
    SUCCEEDED: {SUCCEEDED},
}

#: What the API answers to the refused, and to who asks for the files of the others.
_ANSWERS = {
    "refused": range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR),
    "failed": {HTTPStatus.CONFLICT},
    SUCCEEDED: {HTTPStatus.OK},
}

_LIMITS = {
    "verify": VERIFY_LIMIT,
    "scan": VERIFY_LIMIT,
    "normalize": NORMALIZE_LIMIT,
    "recognize": RECOGNIZE_LIMIT,
    "publish": PUBLISH_LIMIT,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the worker says of a job."""

    #: The seconds of each step, without those before its turn came.
    steps: Mapping[str, float]
    #: What became of the child that worked on it, if that is gone.
    crash: str | None

    @classmethod
    def of(cls, outcome: Outcome, log: WorkerLog) -> Self:
        if outcome.job is None:
            return cls({}, None)
        done = log.seconds.get(outcome.job["id"], {})
        # The step that failed is the last one.
        timed = outcome.job["timings_ms"] if outcome.status != SUCCEEDED else {}
        last = {name: ms / 1000 for name, ms in [*timed.items()][-1:]}
        steps = {name: seconds for name, seconds in done.items() if name in _LIMITS}
        return cls(steps | last, log.crashed.get(outcome.job["id"]))

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


def faults(
    attempt: Attempt, outcome: Outcome, evidence: Evidence, *, scanning: bool
) -> Iterator[str]:
    """Everything about an outcome that should not be."""
    verdict, status = outcome.verdict, outcome.status
    if verdict not in _VERDICTS.get(status, set()):
        yield f"It ended {status}: {verdict}."
    elif outcome.answer not in _ANSWERS[status]:
        yield f"It ended {status}, and the answer about it was {outcome.answer}."
    if verdict in _SCANNED and not scanning:
        yield f"It is {verdict}, and there is no scanner."
    right = attempt.verdicts if scanning else attempt.verdicts - _SCANNED
    if right and verdict not in right:
        yield f"The verdict is {verdict}, not {' or '.join(sorted(right))}."
    if attempt.text is not None and attempt.text != outcome.text:
        yield "Its text is not what stands on it."
    yield from _time_faults(verdict, evidence)


def _time_faults(verdict: str, evidence: Evidence) -> Iterator[str]:
    if verdict == "timed_out" and evidence.crash != TIMED_OUT:
        yield "It is said to have timed out, and no child has."
    for step, seconds in evidence.steps.items():
        if seconds > _LIMITS[step].total_seconds():
            yield f"Its step {step} took {seconds:.0f} s."
