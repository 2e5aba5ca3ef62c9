"""What clients and receivers saw: the evidence that the invariants are held against."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: The metadata by which every job bears the idempotency key of its request: so rows
#: whose answer was lost are known, too.
REQUEST = "request"


class Kind(StrEnum):
    """What a client sends."""

    GOOD = "good"
    CORRUPT = "corrupt"
    INFECTED = "infected"
    BOMB = "bomb"
    URL = "url"
    #: A good one whose client cancels the job again.
    UNWANTED = "unwanted"
    #: Kills the process that reads it.
    POISON = "poison"


#: How a job of each kind may end: its status, or the code of its failure.
ENDINGS: Mapping[Kind, frozenset[str]] = {
    Kind.GOOD: frozenset({"succeeded"}),
    Kind.URL: frozenset({"succeeded"}),
    Kind.UNWANTED: frozenset({"cancelled", "succeeded"}),
    Kind.CORRUPT: frozenset({"corrupt_image", "unsupported_media_type"}),
    Kind.INFECTED: frozenset({"infected"}),
    # A scanner may be too slow for what unpacks to so much.
    Kind.BOMB: frozenset({"image_too_large", "corrupt_image", "unscannable"}),
    Kind.POISON: frozenset({"corrupt_image"}),
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
    #: What stands on the photo, where it is to be read.
    word: str = ""
    #: Whether its end is to be told to a URL of its own, too.
    called_back: bool = False


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
    #: The problem's `code`, where it was one.
    code: str | None = None


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
    #: Requests for a job that were turned down for good: code and idempotency key.
    refused: list[str] = field(default_factory=list)
    #: By job: the endings that answers have told of.
    told: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Jobs whose answer was the text of another photo.
    mixed_up: list[str] = field(default_factory=list)
    #: Jobs that another tenant's key could see.
    leaked: list[str] = field(default_factory=list)
