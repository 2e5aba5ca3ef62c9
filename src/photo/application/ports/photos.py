"""What is done to photos."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from photo.domain.files import Manifest
from photo.domain.formats import Format
from photo.domain.job import JobId
from photo.domain.media import MediaType
from photo.domain.text import Engine, Page, RecognizedText


class PhotoFetcher(Protocol):
    """Fetches from the internet what a client points at, and from nowhere else."""

    def check(self, url: str) -> None:
        """Raise `UrlRefused` if the URL's form alone forbids to fetch it."""

    def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Stream the file behind a URL, redirects followed, as it was stored there.

        Every address is checked before it is connected to. Raises `UrlRefused`,
        `UrlUnreachable` (retryable if it may be passing), or `FileTooLarge` as soon
        as more than `max_bytes` are announced or sent.
        """


class Scanner(Protocol):
    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """Return the name of the first harmful thing found in a file, if there is any.

        May return or raise before all chunks are read. What `chunks` raises goes on
        to the caller. Raises `Unscannable` if the scanner could not look at all of
        it, `Unavailable` if there is no verdict.
        """

    async def check(self) -> None:
        """Raise `Unavailable` unless the scanner answers."""


class PageImage(NamedTuple):
    """An upright page as a JPEG file, and the upright original's size in pixels."""

    path: Path
    width: int
    height: int


class ImageNormalizer(Protocol):
    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        """Decode an untrusted photo and write safe copies into a folder.

        One upright JPEG a page (`normalized.jpg`, then `normalized-2.jpg`, …) and
        `thumbnail.webp` of the first, made of pixels alone: no metadata, sRGB,
        orientation applied whatever the EXIF said. Pages larger than a recogniser
        can use are made smaller; `PageImage` keeps the original's size.

        Raises `CorruptImage`, `ImageTooLarge`, or `ContentMismatch` if the decoder
        finds another type than `content_type`.
        """


class TextRecognizer(Protocol):
    @property
    def engine(self) -> Engine:
        """Who reads, for the record."""

    async def recognize(self, page: Path) -> Page:
        """Read one normalised page: lines in reading order, in the image's pixels.

        Cancelling the call stops the work. Raises `RecognitionFailed` if this page
        cannot be read at all, `Unavailable` if the recogniser cannot be reached.
        """


class Result(NamedTuple):
    """What was read, as it was stored. Its pages are to be had once, in order."""

    job_id: JobId
    engine: Engine
    page_count: int
    pages: Iterator[Page]


class Documents(Protocol):
    """The JSON files of a job."""

    def result(self, job_id: JobId, text: RecognizedText) -> bytes:
        """The result as CONTRACT has it."""

    def read_result(self, data: bytes) -> Result:
        """The result that was written; a page is decoded when it is its turn."""

    def manifest(self, manifest: Manifest) -> bytes:
        """The list of a job's files."""

    def read_manifest(self, data: bytes) -> Manifest:
        """The manifest that was written."""


class ResultRenderer(Protocol):
    """Puts what was read into the formats of other programs."""

    def render(
        self, result: Result, format: Format, images: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        """Stream a result as hOCR, ALTO, Textract's blocks, or a searchable PDF.

        `images` are the pages' JPEG files: only a PDF takes them, one at a time. No
        more than a page is held, and other calls go on meanwhile. The same result
        makes the same bytes.
        """
