"""Who is told when a job has ended: endpoints, their secrets, and each delivery."""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from typing import NewType, Self

from photo.domain.access import Tenant
from photo.domain.job import Job, JobId

WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)

#: How long a secret still signs after its successor has come.
OVERLAP = timedelta(hours=24)
#: Who rotates more often than that loses the oldest early.
MAX_SECRETS = 4
#: An endpoint that has not accepted anything for so long is given up with a delivery.
DISABLE_AFTER = timedelta(days=5)
#: How long one delivery is tried.
PATIENCE = timedelta(hours=24)
#: How many attempts a delivery remembers.
MAX_ATTEMPTS = 100

#: Between one attempt and the next; the last one again and again.
_DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14_400)
)
#: By how much a delay may be shorter, so that not all come at once.
_JITTER = 0.1
_ACCEPTED = range(200, 300)
_SECRET_BYTES = 32
_PREFIX = "whsec_"


class Event(StrEnum):
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"

    @classmethod
    def of(cls, job: Job) -> Self:
        """What the end of a job is called."""
        return cls(f"job.{job.status}")


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


def new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def show_secret(secret: bytes) -> str:
    """The secret as its owner sees it, and libraries take it."""
    return _PREFIX + b64encode(secret).decode()


def sign(
    secrets: tuple[bytes, ...], delivery_id: DeliveryId, body: bytes, *, at: datetime
) -> Mapping[str, str]:
    """The headers of Standard Webhooks 1.0.0: one signature for each secret."""
    timestamp = str(int(at.timestamp()))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            f"v1,{b64encode(digest).decode()}" for digest in digests
        ),
    }


@dataclass(frozen=True, slots=True)
class SealedSecret:
    sealed: bytes = field(repr=False)
    #: None: until there is a newer one.
    valid_until: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        return self.valid_until is None or at < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint of a tenant's.

    The one without a URL signs what goes to the `webhook_url` of single jobs. Those
    URLs have nothing to do with each other, so it is never disabled.
    """

    id: WebhookId
    tenant: Tenant
    url: str | None
    events: tuple[Event, ...]
    #: The newest first.
    secrets: tuple[SealedSecret, ...]
    created_at: datetime
    #: Since when no delivery has been accepted, if the last one was not.
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None

    def hears_of(self, event: Event) -> bool:
        return event in self.events

    def valid_secrets(self, at: datetime) -> tuple[bytes, ...]:
        return tuple(each.sealed for each in self.secrets if each.is_valid(at))

    def rotate(self, sealed: bytes, *, at: datetime) -> Self:
        until = at + OVERLAP
        older = tuple(
            replace(each, valid_until=each.valid_until or until)
            for each in self.secrets
            if each.is_valid(at)
        )
        return replace(self, secrets=(SealedSecret(sealed), *older)[:MAX_SECRETS])

    def enable(self) -> Self:
        return replace(self, failing_since=None, disabled_at=None, disabled_reason=None)

    def heed(self, attempt: "Attempt", *, given_up: bool) -> Self:
        """Draw the conclusions from an attempt at a delivery."""
        if self.url is None or self.disabled_at:
            return self
        if attempt.accepted:
            return replace(self, failing_since=None)
        failing_since = self.failing_since or attempt.at
        reason = None
        if attempt.gone:
            reason = "The endpoint answered 410 Gone."
        elif given_up and attempt.at - failing_since >= DISABLE_AFTER:
            reason = f"No delivery was accepted for {DISABLE_AFTER.days} days."
        return replace(
            self,
            failing_since=failing_since,
            disabled_at=attempt.at if reason else None,
            disabled_reason=reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    at: datetime
    duration_ms: int
    #: What the endpoint answered, if it did.
    status_code: int | None = None
    #: Why it could not be asked, or did not answer.
    error: str | None = None

    @property
    def ended_at(self) -> datetime:
        return self.at + timedelta(milliseconds=self.duration_ms)

    @property
    def accepted(self) -> bool:
        return self.status_code in _ACCEPTED

    @property
    def gone(self) -> bool:
        return self.status_code == HTTPStatus.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one URL: tried until it is accepted, or for a day."""

    id: DeliveryId
    tenant: Tenant
    webhook_id: WebhookId
    job_id: JobId
    event: Event
    url: str
    created_at: datetime
    #: From when its day counts: it was made, or asked for once more.
    started_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    #: When the next attempt is due, while there is one to come.
    due_at: datetime | None
    finished_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()

    def note(self, attempt: Attempt, *, retry_after: timedelta | None = None) -> Self:
        """Remember an attempt, and say what comes of it."""
        attempts = (*self.attempts, attempt)[-MAX_ATTEMPTS:]
        noted, at = replace(self, attempts=attempts), attempt.ended_at
        if self.due_at is None:
            return noted
        if attempt.accepted:
            return replace(
                noted, status=DeliveryStatus.DELIVERED, due_at=None, finished_at=at
            )
        wish = min(retry_after or timedelta(), _DELAYS[-1])
        due_at = at + max(noted.pause(), wish)
        if attempt.gone or due_at > self.started_at + PATIENCE:
            return noted.give_up(at)
        return replace(noted, due_at=due_at)

    def give_up(self, at: datetime) -> Self:
        return replace(self, status=DeliveryStatus.FAILED, due_at=None, finished_at=at)

    def replay(self, at: datetime) -> Self:
        return replace(
            self,
            status=DeliveryStatus.PENDING,
            started_at=at,
            due_at=at,
            finished_at=None,
        )

    def pause(self) -> timedelta:
        """After the attempts so far; each delivery has its own jitter."""
        made = sum(attempt.at >= self.started_at for attempt in self.attempts)
        longest = _DELAYS[min(max(made, 1), len(_DELAYS)) - 1]
        digest = sha256(f"{self.id} {made}".encode()).digest()
        return longest * (1 - _JITTER * int.from_bytes(digest[:4]) / 2**32)
