"""Makers of valid things: a test states only what matters to it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import count
from time import time_ns

import pillow_heif
from PIL import Image
from ulid import ULID

from photo.domain.access import ApiKey, KeyId, Proof, Scope, Tenant
from photo.domain.job import Job, JobId, Photo
from photo.domain.media import ByteLimits, MediaType
from photo.domain.text import Engine, Line, Page, Polygon, RecognizedText, Word
from photo.domain.upload import Upload, UploadId
from photo.domain.webhook import (
    Delivery,
    DeliveryId,
    Event,
    SealedSecret,
    Webhook,
    WebhookId,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACME = Tenant("acme")
OTHER = Tenant("other")
SECRET = "5ec2e7a1" * 8
PROOF = Proof("a1" * 32, "b2" * 32)
ENGINE = Engine("memory", "1", "none")

_ids = count(time_ns())


def new_id(prefix: str) -> str:
    """Unique in every run, and always greater than the one before."""
    return f"{prefix}_{next(_ids):026x}"


def job_id_of(now: datetime) -> JobId:
    """As in the service, an id holds when it was made."""
    made = int(now.timestamp() * 1000).to_bytes(6, "big")
    ulid = ULID.from_bytes(made + next(_ids).to_bytes(10, "big"))
    return JobId(f"job_{str(ulid).lower()}")


@dataclass
class SteppableClock:
    """Stands still until it is told to step."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def step(self, by: timedelta) -> None:
        self.at += by


@dataclass
class SteppableStopwatch:
    """Stands still until it is told to step."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def step(self, by: timedelta) -> None:
        self.seconds += by.total_seconds()


def an_upload(
    content_type: MediaType = MediaType.JPEG,
    *,
    tenant: Tenant = ACME,
    size_bytes: int | None = None,
    sha256: str | None = None,
    created_at: datetime = NOW,
) -> Upload:
    return Upload(
        id=UploadId(new_id("upl")),
        tenant=tenant,
        content_type=content_type,
        max_bytes=size_bytes or ByteLimits().of(content_type),
        size_bytes=size_bytes,
        sha256=sha256,
        filename="photo.jpg",
        created_at=created_at,
    )


def a_job(
    upload: Upload | None = None,
    *,
    now: datetime = NOW,
    metadata: Mapping[str, str] | None = None,
) -> Job:
    """A queued job."""
    return Job.on(
        upload or an_upload(),
        id=job_id_of(now),
        metadata=metadata or {},
        now=now,
    )


def a_url_job(
    url: str = "https://example.com/photo.jpg",
    *,
    now: datetime = NOW,
    metadata: Mapping[str, str] | None = None,
) -> Job:
    """A queued job on a photo that is yet to be fetched."""
    return Job.at(
        url,
        id=job_id_of(now),
        tenant=ACME,
        metadata=metadata or {},
        now=now,
    )


def a_photo(data: bytes = b"\xff\xd8\xff photo") -> Photo:
    return Photo(
        content_type=MediaType.JPEG,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
    )


def a_key(
    *,
    tenant: Tenant = ACME,
    scopes: frozenset[Scope] = frozenset(Scope),
    proof: Proof = PROOF,
    created_at: datetime = NOW,
    expires_at: datetime | None = None,
) -> ApiKey:
    return ApiKey(
        id=KeyId(new_id("key")),
        tenant=tenant,
        name="a key",
        scopes=scopes,
        secret_hmac=proof.hmac,
        created_at=created_at,
        expires_at=expires_at,
    )


def a_box(left: float = 10, top: float = 10, *, width: float = 80) -> Polygon:
    right, bottom = left + width, top + 20
    return (left, top), (right, top), (right, bottom), (left, bottom)


def a_line(text: str = "Hello photo", box: Polygon | None = None) -> Line:
    place = box or a_box()
    words = tuple(Word(word, 0.98, place) for word in text.split())
    return Line(text, 0.98, place, words)


def a_text(*pages: tuple[str, ...]) -> RecognizedText:
    """Each argument is the lines of a page."""
    return RecognizedText(
        ENGINE,
        tuple(
            Page(100, 100, tuple(a_line(text) for text in lines))
            for lines in pages or (("Hello photo",),)
        ),
    )


@cache
def photo_bytes(media_type: MediaType = MediaType.JPEG) -> bytes:
    """A real little photo of this type, as its usual encoder writes it."""
    if media_type is MediaType.HEIF:
        return photo_bytes(MediaType.HEIC).replace(b"ftypheic", b"ftypmif1", 1)
    pillow_heif.register_heif_opener()
    encoder = "HEIF" if media_type is MediaType.HEIC else media_type.name
    file = BytesIO()
    Image.new("RGB", (64, 48), "white").save(file, format=encoder)
    return file.getvalue()


async def in_chunks(data: bytes, *, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def a_webhook(
    url: str | None = "https://example.com/hooks",
    *,
    tenant: Tenant = ACME,
    events: tuple[Event, ...] = tuple(Event),
) -> Webhook:
    return Webhook(
        id=WebhookId(new_id("whk")),
        tenant=tenant,
        url=url,
        events=events,
        secrets=(SealedSecret(b"\x00sealed\xff"),),
        created_at=NOW,
    )


def a_delivery(webhook: Webhook, job: Job, *, due_at: datetime = NOW) -> Delivery:
    return Delivery(
        id=DeliveryId(new_id("msg")),
        tenant=webhook.tenant,
        webhook_id=webhook.id,
        job_id=job.id,
        event=Event.JOB_SUCCEEDED,
        url=webhook.url or "https://example.com/of-the-job",
        created_at=NOW,
        started_at=NOW,
        due_at=due_at,
    )
