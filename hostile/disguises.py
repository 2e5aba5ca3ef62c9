"""Files that are not what they say, or more than that."""

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from random import Random
from zipfile import ZipFile, ZipInfo

from hostile.attempt import SUCCEEDED, Attempt, Kind, a_photo
from photo.domain.media import MediaType
from photo.entrypoints.scanner_probes import eicar

_HTML = b"<!doctype html><script>alert(document.domain)</script>"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
_XXE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
_PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>"
)
_SHELL = b"#!/bin/sh\nid\n"
_MVG = b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x.png'\npop\n"
_POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(id) (r) file\n"
_OTHERS = (_HTML, _SVG, _XXE + _SVG, _PDF, _SHELL, _MVG, _POSTSCRIPT, b"Dear diary,")

_HEADS = {
    MediaType.JPEG: (b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    MediaType.PNG: (b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    MediaType.GIF: (b"GIF87a", b"GIF89a\1\0\1\0"),
    MediaType.BMP: (b"BM",),
    MediaType.TIFF: (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II*\0\x08\0\0\0"),
    MediaType.WEBP: (b"RIFF\0\0\0\0WEBP", b"RIFF\xff\xff\xff\xffWEBPVP8 "),
    MediaType.HEIC: (b"\0\0\0\x18ftypheic", b"\0\0\0\x14ftypheic\0\0\0\0mif1"),
    MediaType.HEIF: (b"\0\0\0\x18ftypmif1",),
    MediaType.AVIF: (b"\0\0\0\x18ftypavif", b"\0\0\0\0ftypavif"),
}

_UNREADABLE = frozenset({"unsupported_media_type"})
_CORRUPT = frozenset({"corrupt_image", "image_too_large"})


def nothing(rng: Random) -> Attempt:
    """No byte at all, or a single one."""
    content = rng.choice((b"", bytes([rng.randrange(256)])))
    verdicts = _UNREADABLE if content else frozenset({"store_refused"})
    return Attempt(content, rng.choice([*MediaType]), verdicts=verdicts)


def magic_alone(rng: Random) -> Attempt:
    """How a photo begins, then nothing or noise."""
    content_type = rng.choice([*_HEADS])
    head = rng.choice(_HEADS[content_type])
    tail = rng.choice((0, 16, 4096))
    return Attempt(head + rng.randbytes(tail), content_type, verdicts=_CORRUPT)


def no_photo(rng: Random) -> Attempt:
    """A document, a script or text under the type of a photo."""
    content = rng.choice(_OTHERS) * rng.choice((1, 100))
    return Attempt(content, rng.choice([*MediaType]), verdicts=_UNREADABLE)


def polyglot(rng: Random) -> Attempt:
    """A good photo that is something else to others: that must not matter."""
    photo = a_photo(rng)
    tail = rng.choice((_archive(), *_OTHERS))
    return Attempt(
        photo.content + tail,
        photo.content_type,
        verdicts=frozenset({SUCCEEDED, "corrupt_image"}),
    )


def gif_script(rng: Random) -> Attempt:
    """`GIF89a/*…*/=1`: 10,799 pixels wide, and a script to a browser."""
    photo = a_photo(rng, MediaType.GIF)
    content = b"GIF89a/*" + photo.content[8:] + b"*/=1;alert(1)//"
    return Attempt(content, MediaType.GIF)


def wrong_type(rng: Random) -> Attempt:
    photo = a_photo(rng)
    heif = {MediaType.HEIC, MediaType.HEIF}
    kin = heif if photo.content_type in heif else {photo.content_type}
    promised = rng.choice([kind for kind in MediaType if kind not in kin])
    return Attempt(photo.content, promised, verdicts=frozenset({"content_mismatch"}))


def unread_type(rng: Random) -> Attempt:
    photo = a_photo(rng)
    promised = rng.choice(
        ("image/svg+xml", "text/html", "application/pdf", "image/x-icon", "image/*", "")
    )
    return Attempt(photo.content, promised, verdicts=_UNREADABLE)


def wrong_size(rng: Random) -> Attempt:
    photo = a_photo(rng)
    wrong = len(photo.content) + rng.choice((-1, 1, 1000, -len(photo.content) // 2))
    return Attempt(
        photo.content,
        photo.content_type,
        size_bytes=wrong,
        verdicts=frozenset({"store_refused", "content_mismatch"}),
    )


def too_large(rng: Random) -> Attempt:
    photo = a_photo(rng)
    return Attempt(
        photo.content,
        photo.content_type,
        size_bytes=rng.choice((51_000_000, 1 << 31, (1 << 63) - 1)),
        verdicts=frozenset({"file_too_large"}),
    )


def wrong_checksum(rng: Random) -> Attempt:
    photo = a_photo(rng)
    return Attempt(
        photo.content,
        photo.content_type,
        sha256=sha256(rng.randbytes(8)).hexdigest(),
        verdicts=frozenset({"store_refused", "checksum_mismatch"}),
    )


def virus(rng: Random) -> Attempt:
    """The harmless file that every scanner knows, alone or behind a photo."""
    photo = a_photo(rng)
    content = rng.choice((b"", photo.content)) + eicar()
    return Attempt(content, photo.content_type, verdicts=frozenset({"infected"}))


DISGUISES: Mapping[str, Kind] = {
    "nothing": nothing,
    "magic-alone": magic_alone,
    "no-photo": no_photo,
    "polyglot": polyglot,
    "gif-script": gif_script,
    "wrong-type": wrong_type,
    "unread-type": unread_type,
    "wrong-size": wrong_size,
    "too-large": too_large,
    "wrong-checksum": wrong_checksum,
    "virus": virus,
}


def _archive() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr(ZipInfo("index.html"), _HTML)
    return file.getvalue()
