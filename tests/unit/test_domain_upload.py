from hashlib import sha256

import pytest

from photo.domain.errors import (
    ChecksumMismatch,
    ContentMismatch,
    PhotoError,
    UnsupportedMediaType,
)
from photo.domain.media import SNIFF_BYTES, MediaType
from photo.domain.upload import GRANT_LIFETIME, Upload
from tests.makers import NOW, an_upload, photo_bytes

JPEG = photo_bytes(MediaType.JPEG)
JPEG_SHA256 = sha256(JPEG).hexdigest()


def accept(upload: Upload, data: bytes) -> MediaType:
    checksum = sha256(data).hexdigest()
    return upload.accept(data[:SNIFF_BYTES], size_bytes=len(data), sha256=checksum)


def test_a_key_begins_with_the_tenant_and_holds_no_name_of_the_client() -> None:
    upload = an_upload()
    assert upload.key == f"acme/{upload.id}"


def test_a_grant_expires_on_the_minute() -> None:
    upload = an_upload(created_at=NOW)
    assert upload.expires_at == NOW + GRANT_LIFETIME
    assert not upload.expired(NOW)
    assert upload.expired(upload.expires_at)


@pytest.mark.parametrize("media_type", MediaType)
def test_what_was_promised_is_accepted(media_type: MediaType) -> None:
    assert accept(an_upload(media_type), photo_bytes(media_type)) is media_type


def test_every_promise_kept_is_accepted() -> None:
    upload = an_upload(size_bytes=len(JPEG), sha256=JPEG_SHA256)
    assert accept(upload, JPEG) is MediaType.JPEG


def test_heic_keeps_the_promise_of_heif_and_is_called_what_it_is() -> None:
    heic = photo_bytes(MediaType.HEIC)
    assert accept(an_upload(MediaType.HEIF), heic) is MediaType.HEIC


@pytest.mark.parametrize(
    ("upload", "data", "error"),
    [
        (an_upload(), b"just a text", UnsupportedMediaType),
        (an_upload(), b"", UnsupportedMediaType),
        (an_upload(), photo_bytes(MediaType.PNG), ContentMismatch),
        (an_upload(MediaType.HEIF), photo_bytes(MediaType.AVIF), ContentMismatch),
        (an_upload(size_bytes=len(JPEG) + 1), JPEG, ContentMismatch),
        (an_upload(sha256="0" * 64), JPEG, ChecksumMismatch),
    ],
)
def test_a_broken_promise_is_refused(
    upload: Upload, data: bytes, error: type[PhotoError]
) -> None:
    with pytest.raises(error):
        accept(upload, data)
