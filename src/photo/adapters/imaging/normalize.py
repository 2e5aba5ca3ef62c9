"""Photos made safe: upright pages without metadata, and a thumbnail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
#: Fifty pages take a hundredth of this. Millions of empty segments take minutes.
_HEADERS_CPU_SECONDS = 5


class PillowNormalizer(ImageNormalizer):
    def __init__(self, pool: ImagingPool) -> None:
        self._pool = pool

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        try:
            pages = await self._pool.run(
                int,
                count_pages,
                photo,
                content_type,
                cpu_seconds=_HEADERS_CPU_SECONDS,
            )
            return [
                await self._page(photo, content_type, number, into)
                for number in range(1, pages + 1)
            ]
        except ChildDied as error:
            raise CorruptImage(
                "Decoding this photo failed: it is damaged, or needs too much memory "
                "or time.",
                reason=error.reason,
                retryable=error.may_pass,
                crash=error.reason,
            ) from error

    async def _page(
        self, photo: Path, content_type: MediaType, number: int, into: Path
    ) -> PageImage:
        """The paths are this side's own: a child is believed nothing but a size."""
        width, height = await self._pool.run(
            tuple[int, int], normalize_page, photo, content_type, number, into
        )
        return PageImage(into / page_name(number), width, height)


def count_pages(photo: Path, content_type: MediaType) -> int:
    """Look at the headers, in a child."""
    from photo.adapters.imaging.headers import page_count  # noqa: PLC0415 - heavy

    return page_count(photo, content_type)


def normalize_page(
    photo: Path, content_type: MediaType, number: int, into: Path
) -> tuple[int, int]:
    """Do the work, in a child; say how large the upright original was."""
    from photo.adapters.imaging.decode import decode  # noqa: PLC0415 - heavy
    from photo.adapters.imaging.ocr import models  # noqa: PLC0415 - heavy
    from photo.adapters.imaging.upright import upright  # noqa: PLC0415 - heavy

    picture = decode(photo, content_type, number)
    page = upright(picture.pixels, models())
    width, height = picture.width, picture.height
    if page.size != picture.pixels.size:
        width, height = height, width
    with _saving():
        page.save(into / page_name(number), "JPEG", **_JPEG)
        if number == 1:
            page.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
            page.save(into / THUMBNAIL, "WEBP")
    return width, height


@contextmanager
def _saving() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable("The disk did not take the decoded photo.") from error
