"""Text read from normalised pages."""

from importlib.metadata import version
from pathlib import Path

from photo.adapters.imaging.children import ChildDied, ImagingPool
from photo.application.ports import TextRecognizer
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.text import Engine, Page

_FAILED = "The text of this photo could not be read."


class RapidOcrRecognizer(TextRecognizer):
    def __init__(self, pool: ImagingPool) -> None:
        self._pool = pool

    @property
    def engine(self) -> Engine:
        return Engine("rapidocr", version("rapidocr"), "PP-OCRv6 small")

    async def recognize(self, page: Path) -> Page:
        try:
            return await self._pool.run(Page, recognize_page, page)
        except ChildDied as error:
            raise RecognitionFailed(
                _FAILED,
                reason=error.reason,
                retryable=error.may_pass,
                crash=error.reason,
            ) from error


def recognize_page(page: Path) -> Page:
    """Do the work, in a child."""
    from photo.adapters.imaging.lines import read_page  # noqa: PLC0415 - heavy
    from photo.adapters.imaging.ocr import models  # noqa: PLC0415 - heavy

    try:
        return read_page(page, models())
    except MemoryError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise Unavailable("The disk did not give the page back.") from error
    except Exception as error:  # models fail in every way on odd pixels
        raise RecognitionFailed(_FAILED) from error
