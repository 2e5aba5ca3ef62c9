import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.media import SNIFF_BYTES, ByteLimits, MediaType
from tests.makers import photo_bytes


def ftyp(major: bytes, *compatible: bytes, size: int | None = None) -> bytes:
    brands = major + b"\0\0\0\0" + b"".join(compatible)
    length = 8 + len(brands) if size is None else size
    return length.to_bytes(4, "big") + b"ftyp" + brands + b"\0\0\1\0meta"


@pytest.mark.parametrize("media_type", MediaType)
def test_a_real_photo_of_every_type_is_known_by_its_head(media_type: MediaType) -> None:
    assert MediaType.of(photo_bytes(media_type)[:SNIFF_BYTES]) is media_type


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"GIF87a", MediaType.GIF),
        (b"GIF89a", MediaType.GIF),
        (b"II*\0", MediaType.TIFF),
        (b"MM\0*", MediaType.TIFF),
        (b"II+\0\x08\0\0\0", MediaType.TIFF),
        (b"MM\0+\0\x08\0\0", MediaType.TIFF),
        (b"RIFF\x10\0\0\0WEBPVP8L", MediaType.WEBP),
        (ftyp(b"heic", b"mif1", b"heic"), MediaType.HEIC),
        (ftyp(b"heix", b"mif1"), MediaType.HEIC),
        (ftyp(b"hevc", b"msf1"), MediaType.HEIC),
        (ftyp(b"mif1", b"mif1", b"heic"), MediaType.HEIF),
        (ftyp(b"msf1", b"hevc"), MediaType.HEIF),
        (ftyp(b"miaf", b"mif1"), MediaType.HEIF),
        (ftyp(b"avif", b"mif1", b"miaf"), MediaType.AVIF),
        (ftyp(b"avis", b"msf1", b"avif"), MediaType.AVIF),
        (ftyp(b"mif1", b"miaf", b"avif"), MediaType.AVIF),
        (ftyp(b"heic", size=0), MediaType.HEIC),
    ],
)
def test_a_head_says_the_type(head: bytes, media_type: MediaType) -> None:
    assert MediaType.of(head) is media_type


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"%PDF-1.7\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><svg/>",
        b"<!DOCTYPE html>",
        b"PK\x03\x04",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"GIF88a",
        b"II*\1",
        ftyp(b"isom", b"iso2", b"avc1", b"mp41"),
        ftyp(b"qt  "),
        ftyp(b"jxl "),
        b" \xff\xd8\xff\xe0",
    ],
)
def test_anything_else_is_no_photo(head: bytes) -> None:
    assert MediaType.of(head) is None


def test_a_brand_outside_the_box_does_not_count() -> None:
    assert MediaType.of(ftyp(b"isom", b"mp41") + b"avif" * 4) is None


def test_the_version_of_a_box_is_no_brand() -> None:
    head = ftyp(b"isom", b"mp41").replace(b"isom\0\0\0\0", b"isomheic")
    assert MediaType.of(head) is None


@given(head=st.binary(max_size=SNIFF_BYTES))
def test_no_head_breaks_the_sniffer(head: bytes) -> None:
    MediaType.of(head)
    MediaType.of(head[:4] + b"ftyp" + head)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        *((media_type.value, media_type) for media_type in MediaType),
        ("IMAGE/JPEG", MediaType.JPEG),
        (" image/png ; charset=binary", MediaType.PNG),
        ("image/jpg", MediaType.JPEG),
        ("image/pjpeg", MediaType.JPEG),
        ("image/x-png", MediaType.PNG),
        ("image/x-ms-bmp", MediaType.BMP),
    ],
)
def test_a_type_goes_by_its_name_and_its_aliases(
    name: str, media_type: MediaType
) -> None:
    assert MediaType.named(name) is media_type


@pytest.mark.parametrize(
    "name", ["", "image", "image/*", "image/svg+xml", "text/plain"]
)
def test_other_names_are_no_type(name: str) -> None:
    assert MediaType.named(name) is None


@pytest.mark.parametrize("found", MediaType)
@pytest.mark.parametrize("promised", MediaType)
def test_a_promise_is_kept_by_the_same_type_or_between_heic_and_heif(
    found: MediaType, promised: MediaType
) -> None:
    heif = {MediaType.HEIC, MediaType.HEIF}
    kept = found is promised or (found in heif and promised in heif)
    assert found.promised_by(promised) is kept


def test_only_tiff_may_be_larger() -> None:
    limits = {media_type: ByteLimits().of(media_type) for media_type in MediaType}
    assert limits.pop(MediaType.TIFF) == 50_000_000
    assert set(limits.values()) == {25_000_000}
