"""TextRecognizer on AWS Textract: one DetectDocumentText call a page."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from photo.application.ports import TextRecognizer
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.text import Engine, Line, Page, Polygon, Word

Block = Mapping[str, Any]

#: What Textract says of a page that no retry can make readable.
_UNREADABLE = {
    "BadDocumentException": "The text service cannot read this page.",
    "DocumentTooLargeException": (
        "This page is too large for the text service. Send the photo in a lower"
        " resolution."
    ),
    "InvalidParameterException": "The text service refuses this page.",
    "UnsupportedDocumentException": "The text service cannot read this kind of image.",
}


class TextractRecognizer(TextRecognizer):
    """Reads through an open client that belongs to someone else.

    The client's retries must be off: who calls this repeats what was `Unavailable`.
    A page is waited for no longer than `seconds`.
    """

    def __init__(self, client: Any, *, seconds: float = 60) -> None:
        self._textract = client
        self._seconds = seconds

    @property
    def engine(self) -> Engine:
        api: str = self._textract.meta.service_model.api_version
        return Engine("textract", version=api, model="detect-document-text")

    async def recognize(self, page: Path) -> Page:
        jpeg, size = await asyncio.to_thread(_load, page)
        with _translated():
            async with asyncio.timeout(self._seconds):
                answer = await self._textract.detect_document_text(
                    Document={"Bytes": jpeg}
                )
            return _page(answer["Blocks"]).scaled_to(*size)


def _load(page: Path) -> tuple[bytes, tuple[int, int]]:
    with Image.open(page, formats=["JPEG"]) as image:
        return page.read_bytes(), image.size


@contextmanager
def _translated() -> Iterator[None]:
    """Let no error of the SDK out, nor of an answer that is not Textract's."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _UNREADABLE:
            raise RecognitionFailed(_UNREADABLE[code]) from error
        raise Unavailable(
            "The text service is busy or not to be used.", reason=code
        ) from error
    except (BotoCoreError, TimeoutError) as error:
        raise Unavailable(
            "The text service cannot be reached.", reason=type(error).__name__
        ) from error
    except (KeyError, ValueError) as error:
        raise Unavailable(
            "The text service gave no proper answer.", reason=type(error).__name__
        ) from error


def _page(blocks: Sequence[Block]) -> Page:
    """The page as Textract measures it: 1 wide and 1 high."""
    by_id = {block["Id"]: block for block in blocks}
    lines = (
        Line(
            *_seen(block), tuple(Word(*_seen(by_id[word])) for word in _children(block))
        )
        for block in blocks
        if block["BlockType"] == "LINE"
    )
    return Page(1, 1, tuple(lines))


def _seen(block: Block) -> tuple[str, float, Polygon]:
    a, b, c, d = ((corner["X"], corner["Y"]) for corner in block["Geometry"]["Polygon"])
    return block["Text"], block["Confidence"] / 100, (a, b, c, d)


def _children(block: Block) -> Iterator[str]:
    for relationship in block.get("Relationships", ()):
        yield from relationship["Ids"]
