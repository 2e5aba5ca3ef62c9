"""ResultRenderer: hOCR, ALTO, Textract's blocks and searchable PDF."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping

from photo.adapters.formats.alto import alto
from photo.adapters.formats.hocr import hocr
from photo.adapters.formats.pdf import PdfDocument
from photo.adapters.formats.textract import textract
from photo.application.ports import Result, ResultRenderer
from photo.domain.formats import Format
from photo.domain.text import Page

_FORMATS: Mapping[Format, Callable[[Result], Iterator[bytes]]] = {
    Format.HOCR: hocr,
    Format.ALTO: alto,
    Format.TEXTRACT: textract,
}


class FormatRenderer(ResultRenderer):
    """Renders in threads: a page of small print takes milliseconds."""

    def render(
        self, result: Result, format: Format, images: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        if format is Format.PDF:
            return _pdf(result, images)
        return _page_by_page(_FORMATS[format](result))


async def _page_by_page(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


async def _pdf(
    result: Result, images: AsyncIterator[bytes]
) -> AsyncGenerator[bytes, None]:
    document = PdfDocument()
    async for image in images:
        yield await asyncio.to_thread(_pdf_page, document, result.pages, image)
    yield document.end()


def _pdf_page(document: PdfDocument, pages: Iterator[Page], image: bytes) -> bytes:
    return document.page(next(pages), image)
