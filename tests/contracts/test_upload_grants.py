"""A grant allows one photo of one kind under one key: the store itself sees to it."""

import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest

from photo.adapters.s3.clients import S3Clients
from photo.adapters.s3.links import S3ObjectLinks
from photo.adapters.s3.store import S3ObjectStore
from photo.application.ports import UploadForm
from photo.domain.errors import ObjectNotFound
from photo.domain.upload import GRANT_LIFETIME, Upload
from tests.makers import an_upload

PHOTO = b"\xff\xd8\xff photo"
OTHER_PHOTO = b"\xff\xd8\xff ohoto"
NEW = timedelta(0)
Grant = Callable[[Upload], Awaitable[UploadForm]]


@pytest.fixture
def store(clients: S3Clients, shared_bucket: str) -> S3ObjectStore:
    return S3ObjectStore(clients, bucket=shared_bucket)


@pytest.fixture
def grant(clients: S3Clients, shared_bucket: str) -> Grant:
    links = S3ObjectLinks(
        clients, raw=shared_bucket, processed="processed", now=lambda: datetime.now(UTC)
    )
    return links.grant_upload


def now_granted(
    *, size_bytes: int | None = None, sha256: str | None = None, age: timedelta = NEW
) -> Upload:
    created_at = datetime.now(UTC) - age
    return an_upload(size_bytes=size_bytes, sha256=sha256, created_at=created_at)


async def send(form: UploadForm, data: bytes = PHOTO) -> httpx.Response:
    """Send the form as a browser would."""
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(
            form.url, data=form.fields, files={"file": ("photo.jpg", data)}
        )


def altered(form: UploadForm, field: str, value: str | None) -> UploadForm:
    """The form with another value in a field, or without it."""
    fields = {**form.fields, field: value}
    return UploadForm(
        form.url, {name: given for name, given in fields.items() if given is not None}
    )


async def refused(answer: httpx.Response, store: S3ObjectStore, upload: Upload) -> None:
    assert 400 <= answer.status_code < 500
    with pytest.raises(ObjectNotFound):
        await store.head(upload.key)


async def test_the_promised_photo_is_accepted(
    grant: Grant, store: S3ObjectStore
) -> None:
    for upload in (
        now_granted(),
        now_granted(size_bytes=len(PHOTO), sha256=sha256(PHOTO).hexdigest()),
    ):
        answer = await send(await grant(upload))
        assert answer.status_code == 204
        assert await store.head(upload.key) == (len(PHOTO), "image/jpeg")
        assert b"".join([chunk async for chunk in store.read(upload.key)]) == PHOTO


@pytest.mark.parametrize("data", [b"", PHOTO[:-1], PHOTO + b"!"])
async def test_another_size_than_the_promised_is_refused(
    grant: Grant, store: S3ObjectStore, data: bytes
) -> None:
    upload = now_granted(size_bytes=len(PHOTO))
    await refused(await send(await grant(upload), data), store, upload)


async def test_an_empty_file_and_one_beyond_the_limit_are_refused(
    grant: Grant, store: S3ObjectStore
) -> None:
    upload = now_granted()
    form = await grant(upload)
    await refused(await send(form, b""), store, upload)
    await refused(await send(form, bytes(upload.max_bytes + 1)), store, upload)
    assert (await send(form, bytes(upload.max_bytes))).status_code == 204


async def test_other_bytes_than_the_promised_are_refused(
    grant: Grant, store: S3ObjectStore
) -> None:
    upload = now_granted(sha256=sha256(PHOTO).hexdigest())
    form = await grant(upload)
    await refused(await send(form, OTHER_PHOTO), store, upload)
    digest = b64encode(sha256(OTHER_PHOTO).digest()).decode()
    other = altered(form, "x-amz-checksum-sha256", digest)
    await refused(await send(other, OTHER_PHOTO), store, upload)


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "", None])
async def test_another_content_type_is_refused(
    grant: Grant, store: S3ObjectStore, content_type: str | None
) -> None:
    upload = now_granted()
    form = altered(await grant(upload), "Content-Type", content_type)
    await refused(await send(form), store, upload)


async def test_another_key_is_refused(grant: Grant, store: S3ObjectStore) -> None:
    upload, foreign = now_granted(), now_granted()
    form = await grant(upload)
    for key in (foreign.key, f"{upload.key}/more", "", None):
        await refused(await send(altered(form, "key", key)), store, upload)
    await refused(await send(altered(form, "key", foreign.key)), store, foreign)


async def test_an_expired_grant_is_refused(grant: Grant, store: S3ObjectStore) -> None:
    upload = now_granted(age=GRANT_LIFETIME + timedelta(seconds=2))
    await refused(await send(await grant(upload)), store, upload)


async def test_a_widened_policy_is_refused(grant: Grant, store: S3ObjectStore) -> None:
    upload = now_granted(size_bytes=1)
    form = await grant(upload)
    policy = json.loads(b64decode(form.fields["policy"]))
    size = policy["conditions"].index(["content-length-range", 1, 1])
    policy["conditions"][size][2] = 1 << 30
    widened = b64encode(json.dumps(policy).encode()).decode()
    await refused(await send(altered(form, "policy", widened)), store, upload)


async def test_a_wrong_signature_is_refused(grant: Grant, store: S3ObjectStore) -> None:
    upload = now_granted()
    form = altered(await grant(upload), "x-amz-signature", "0" * 64)
    await refused(await send(form), store, upload)


@pytest.mark.parametrize(
    "field",
    [
        "policy",
        "x-amz-signature",
        "x-amz-credential",
        "x-amz-algorithm",
        "x-amz-date",
        "x-amz-checksum-sha256",
    ],
)
async def test_a_form_without_one_of_its_fields_is_refused(
    grant: Grant, store: S3ObjectStore, field: str
) -> None:
    upload = now_granted(sha256=sha256(PHOTO).hexdigest())
    form = altered(await grant(upload), field, None)
    await refused(await send(form), store, upload)
