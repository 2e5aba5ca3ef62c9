"""File names as clients send them: data to show and to store, never a path or a key."""

import re
from unicodedata import normalize

from photo.domain.characters import without_hidden
from photo.domain.media import MediaType

#: The extensions of each type, the usual one first.
EXTENSIONS = {
    MediaType.JPEG: ("jpg", "jpeg", "jpe", "jfif"),
    MediaType.PNG: ("png",),
    MediaType.WEBP: ("webp",),
    MediaType.HEIC: ("heic", "heif"),
    MediaType.HEIF: ("heif", "heic"),
    MediaType.AVIF: ("avif",),
    MediaType.TIFF: ("tif", "tiff"),
    MediaType.GIF: ("gif",),
    MediaType.BMP: ("bmp",),
}

#: What file systems allow for a name.
_MAX_BYTES = 255
#: A longer one is no extension.
_MAX_EXTENSION_BYTES = 16
_OUTSIDE = ". "
#: What Windows takes for a device, whatever follows the dot.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³]) ?(?:\.|$)", re.IGNORECASE
)


def clean_filename(name: str) -> str | None:
    """The name in a path of any system, fit for every one; None if nothing is left.

    What cannot be seen is dropped, white space is single spaces, and a long name is
    cut before its extension. Cleaning twice changes nothing.
    """
    path = normalize("NFC", without_hidden(name)).replace("\\", "/")
    last = path.rstrip("/").rpartition("/")[2]
    clean = " ".join(last.split()).strip(_OUTSIDE)
    if _DEVICE.match(clean):
        clean = f"_{clean}"
    if len(clean.encode()) > _MAX_BYTES:
        stem, dot, extension = clean.rpartition(".")
        if dot and len(extension.encode()) <= _MAX_EXTENSION_BYTES:
            return with_extension(stem, extension)
        clean = _cut(clean, _MAX_BYTES)
    return clean or None


def download_name(filename: str | None, media_type: MediaType, fallback: str) -> str:
    """What a photo is called on another's disk: its extension tells its true type."""
    name = clean_filename(filename or "") or fallback
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    if dot and extension in EXTENSIONS[media_type]:
        return name
    misnamed = dot and any(extension in known for known in EXTENSIONS.values())
    return with_extension(stem if misnamed else name, EXTENSIONS[media_type][0])


def with_extension(name: str, extension: str) -> str:
    """A clean name, cut to leave room, with an extension after it."""
    room = _MAX_BYTES - len(f".{extension}".encode())
    return f"{_cut(name, room)}.{extension}"


def _cut(name: str, max_bytes: int) -> str:
    return name.encode()[:max_bytes].decode(errors="ignore").rstrip(_OUTSIDE)
