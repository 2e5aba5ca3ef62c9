"""The types of photos that are read, and how their bytes begin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from photo.domain.errors import UnsupportedMediaType

#: How many leading bytes `MediaType.of` needs to see.
SNIFF_BYTES = 64

#: No setting allows files larger than this.
LARGEST_FILE = 200_000_000

_MEGABYTE = 1_000_000
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "image/x-png": "image/png",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEIF_BRANDS = {b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


class MediaType(StrEnum):
    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    HEIF = "image/heif"
    AVIF = "image/avif"
    TIFF = "image/tiff"
    GIF = "image/gif"
    BMP = "image/bmp"

    @classmethod
    def named(cls, name: str) -> "MediaType | None":
        """The type with this name, parameters and common aliases allowed."""
        essence = name.partition(";")[0].strip().lower()
        try:
            return cls(_ALIASES.get(essence, essence))
        except ValueError:
            return None

    @classmethod
    def of(cls, head: bytes) -> "MediaType | None":
        """The type that a file's first `SNIFF_BYTES` bytes say it is."""
        for magic, media_type in _MAGIC:
            if head.startswith(magic):
                return media_type
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return cls.WEBP
        if head[4:8] == b"ftyp":
            return _of_brands(head)
        return None

    @classmethod
    def accepted(cls, head: bytes) -> "MediaType":
        """As `of`, but raise `UnsupportedMediaType` for bytes that are not read."""
        found = cls.of(head)
        if found is None:
            names = ", ".join(media_type.name for media_type in cls)
            raise UnsupportedMediaType(
                f"The bytes are no photo of an accepted type. Accepted are {names}."
            )
        return found

    def promised_by(self, promised: "MediaType") -> bool:
        """Whether bytes of this type keep the promise; HEIC is a kind of HEIF."""
        heif = {MediaType.HEIC, MediaType.HEIF}
        return self is promised or {self, promised} <= heif


@dataclass(frozen=True, slots=True)
class ByteLimits:
    """How large a file of each type may be."""

    exceptions: Mapping[MediaType, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(0 < limit <= LARGEST_FILE for limit in self.exceptions.values()):
            raise ValueError(f"a limit lies between 1 and {LARGEST_FILE} bytes")

    def of(self, media_type: MediaType) -> int:
        usual = (50 if media_type is MediaType.TIFF else 25) * _MEGABYTE
        return self.exceptions.get(media_type, usual)

    @property
    def largest(self) -> int:
        return max(map(self.of, MediaType))


_MAGIC = (
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"GIF87a", MediaType.GIF),
    (b"GIF89a", MediaType.GIF),
    (b"BM", MediaType.BMP),
    (b"II*\0", MediaType.TIFF),
    (b"MM\0*", MediaType.TIFF),
    (b"II+\0", MediaType.TIFF),
    (b"MM\0+", MediaType.TIFF),
)


def _of_brands(head: bytes) -> MediaType | None:
    """ISO/IEC 14496-12: a major brand, a version, then the compatible brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return MediaType.AVIF
    if brands & _HEIC_BRANDS and head[8:12] not in _HEIF_BRANDS:
        return MediaType.HEIC
    return MediaType.HEIF if brands & _HEIF_BRANDS else None
