"""What clients and receivers saw: the evidence that the invariants are held against."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a client sends."""

    GOOD = "good"
    CORRUPT = "corrupt"
    INFECTED = "infected"
    BOMB = "bomb"
    URL = "url"
    #: Kills the process that reads it.
    POISON = "poison"


#: How a job of each kind may end: its status, or the code of its failure.
ENDINGS: Mapping[Kind, frozenset[str]] = {
    Kind.GOOD: frozenset({"succeeded"}),
    Kind.URL: frozenset({"succeeded"}),
    Kind.CORRUPT: frozenset({"corrupt_image", "unsupported_media_type"}),
    Kind.INFECTED: frozenset({"infected"}),
    Kind.BOMB: frozenset({"image_too_large", "corrupt_image"}),
    Kind.POISON: frozenset({"corrupt_image", "recognition_failed"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A job that a client was promised: the answer was 202."""

    job_id: str
    kind: Kind
    #: Of the request; sent again with every repetition.
    idempotency_key: str
    #: Seconds on the monotonic clock.
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that a client got, or the lack of one."""

    at: float
    method: str
    #: The route, without ids.
    route: str
    #: None: no answer came.
    status: int | None
    #: "Retry-After" in seconds, where it was said.
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook at the receiver, whose signature was good."""

    at: float
    webhook_id: str
    job_id: str
    event: str
    #: What the receiver said: a status, or None where it hung up or kept silent.
    status: int | None


@dataclass(slots=True)
class Ledger:
    accepted: list[Accepted] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    #: Webhooks with a bad signature, at the receiver.
    forged: int = 0
    #: By idempotency key: every job that an answer to it has named.
    jobs_of: defaultdict[str, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    #: By job: the versions that a client following it was told of, in order.
    followed: dict[str, list[int]] = field(default_factory=dict)
    #: What clients gave up on: never accepted, although they kept asking.
    given_up: list[str] = field(default_factory=list)
