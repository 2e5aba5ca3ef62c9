"""Photos made safe: upright pages without metadata, and a thumbnail."""

from collections.abc import Sequence
from pathlib import Path

from photo.adapters.imaging.children import ChildDied, ImagingPool
from photo.application.ports import ImageNormalizer, PageImage
from photo.domain.errors import CorruptImage, Unavailable
from photo.domain.files import THUMBNAIL, page_name
from photo.domain.media import MediaType

#: The recogniser reads through this as well as from the decoded pixels; with coarser
#: colour (4:2:0) it loses a point on street signs.
_JPEG = {"quality": 92, "subsampling": "4:4:4"}
_THUMBNAIL_SIDE = 512


class PillowNormalizer(ImageNormalizer):
    def __init__(self, pool: ImagingPool) -> None:
        self._pool = pool

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        try:
            pages = await self._pool.run(count_pages, photo, content_type)
            return [
                await self._pool.run(normalize_page, photo, content_type, number, into)
                for number in range(1, pages + 1)
            ]
        except ChildDied as error:
            raise CorruptImage(
                "Decoding this photo failed: it is damaged, or needs too much memory."
            ) from error
        except OSError as error:
            raise Unavailable("The disk did not take the decoded photo.") from error


def count_pages(photo: Path, content_type: MediaType) -> int:
    """Look at the headers, in a child."""
    from photo.adapters.imaging.decode import page_count  # noqa: PLC0415 - heavy

    return page_count(photo, content_type)


def normalize_page(
    photo: Path, content_type: MediaType, number: int, into: Path
) -> PageImage:
    """Do the work, in a child."""
    from photo.adapters.imaging.decode import decode  # noqa: PLC0415 - heavy
    from photo.adapters.imaging.ocr import models  # noqa: PLC0415 - heavy
    from photo.adapters.imaging.upright import upright  # noqa: PLC0415 - heavy

    picture = decode(photo, content_type, number)
    page = upright(picture.pixels, models())
    width, height = picture.width, picture.height
    if page.size != picture.pixels.size:
        width, height = height, width
    path = into / page_name(number)
    page.save(path, "JPEG", **_JPEG)
    if number == 1:
        page.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        page.save(into / THUMBNAIL, "WEBP")
    return PageImage(path, width, height)
