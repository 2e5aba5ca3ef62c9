"""Stand-ins for what is done to photos."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from photo.application.ports import (
    ImageNormalizer,
    PageImage,
    PhotoFetcher,
    Scanner,
    TextRecognizer,
)
from photo.domain.errors import CorruptImage, FileTooLarge, UrlRefused, UrlUnreachable
from photo.domain.files import THUMBNAIL, page_name
from photo.domain.media import SNIFF_BYTES, MediaType
from photo.domain.text import Engine, Line, Page, Word

_BOX = ((10.0, 10.0), (90.0, 10.0), (90.0, 30.0), (10.0, 30.0))


class MemoryNormalizer(ImageNormalizer):
    """Takes a photo's bytes for its only page, 100 pixels square, already upright."""

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        data = await asyncio.to_thread(photo.read_bytes)
        if MediaType.of(data[:SNIFF_BYTES]) is None:
            raise CorruptImage("This is no photo.")
        page = into / page_name(1)
        await asyncio.to_thread(page.write_bytes, data)
        await asyncio.to_thread((into / THUMBNAIL).write_bytes, data)
        return [PageImage(page, 100, 100)]


class MemoryRecognizer(TextRecognizer):
    """Reads the same line on every page."""

    engine = Engine("memory", "1", "none")

    def __init__(self, line: str = "Hello photo") -> None:
        self._line = line

    async def recognize(self, page: Path) -> Page:
        return Page(100, 100, (Line(self._line, 0.99, _BOX, tuple(self._words())),))

    def _words(self) -> Iterator[Word]:
        return (Word(word, 0.99, _BOX) for word in self._line.split())


class MemoryScanner(Scanner):
    """Finds its signatures, by their bytes, wherever they lie in a file."""

    def __init__(self, signatures: Mapping[bytes, str] | None = None) -> None:
        self._signatures = signatures or {}

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        overlap = max((len(known) - 1 for known in self._signatures), default=0)
        seen = b""
        async for chunk in chunks:
            seen += chunk
            for known, name in self._signatures.items():
                if known in seen:
                    return name
            seen = seen[-overlap:] if overlap else b""
        return None

    async def check(self) -> None:
        """Memory is always there."""


class MemoryPhotoFetcher(PhotoFetcher):
    """An internet of some files, by their https URLs."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._files = files or {}

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise UrlRefused("Only https URLs are fetched.")

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        self.check(url)
        if url not in self._files:
            raise UrlUnreachable("Nothing was found there.", retryable=False)
        data = self._files[url]
        if len(data) > max_bytes:
            raise FileTooLarge(f"The file is larger than {max_bytes} bytes.")
        yield data
