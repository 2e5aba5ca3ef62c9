"""What headers tell, held against the limits before a pixel is decoded."""

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from PIL import Image, TiffImagePlugin

from photo.adapters.imaging.formats import check_size, opened
from photo.domain.errors import ImageTooLarge
from photo.domain.media import MediaType

MAX_PAGES = 50
#: Of all pages of a TIFF together.
MAX_TOTAL_PIXELS = 500_000_000

# TIFF 6.0, NewSubfileType.
_SUBFILE_TYPE, _REDUCED = 254, 1


def page_count(photo: Path, content_type: MediaType) -> int:
    """How many pages a photo has: one, but for a TIFF. All are within the limits."""
    with opened(photo, content_type) as image:
        pages = list(islice(_pages(image), MAX_PAGES + 1))
    if len(pages) > MAX_PAGES:
        raise ImageTooLarge(
            f"This TIFF has more than {MAX_PAGES} pages, which is as many as are "
            "read: split it into several files."
        )
    total = sum(width * height for width, height in pages)
    if total > MAX_TOTAL_PIXELS:
        raise ImageTooLarge(
            f"The pages of this TIFF have {total // 1_000_000} megapixels in all. "
            f"At most {MAX_TOTAL_PIXELS // 1_000_000} are read: split it into several "
            "files."
        )
    return len(pages)


def seek_page(image: Image.Image, number: int) -> None:
    """Go to a page, counted from 1."""
    for _ in islice(_pages(image), number):
        pass


def _pages(image: Image.Image) -> Iterator[tuple[int, int]]:
    """Go from page to page, past small copies of the same; say how large each is."""
    for frame in count():
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            try:
                image.seek(frame)
            except EOFError:
                return
            if frame and image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED:
                continue
        elif frame:
            return
        check_size(*image.size)
        yield image.size
