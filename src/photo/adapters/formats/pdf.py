"""Searchable PDF: each page's image, and over it its text, invisible, in its place."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from photo.adapters.formats.pdf_file import PdfFile
from photo.adapters.formats.pdf_fonts import InvisibleFonts
from photo.adapters.formats.pdf_text import text_of
from photo.domain.text import Page

#: A photo does not tell how large a thing it shows: its longer side becomes A4's.
_LONGER_SIDE_POINTS = 842
_COLOURS = {"L": "/DeviceGray", "RGB": "/DeviceRGB", "CMYK": "/DeviceCMYK"}
_INVISIBLE = 3


class PdfDocument:
    """Made of pages one by one; only their fonts wait for the end."""

    def __init__(self) -> None:
        self._file = PdfFile()
        self._catalog, self._tree, self._named_fonts = (
            self._file.number() for _ in range(3)
        )
        self._fonts = InvisibleFonts()
        self._pages: list[int] = []

    def page(self, page: Page, jpeg: bytes) -> bytes:
        """The next page; its image is embedded as it is."""
        scale = _LONGER_SIDE_POINTS / max(page.width, page.height)
        image = self._image(jpeg)
        operators = "\n".join(_operators(page, scale, self._fonts))
        content = self._file.add_compressed(operators.encode())
        self._pages.append(
            self._file.add(
                f"<</Type/Page/Parent {self._tree} 0 R/MediaBox"
                f"[0 0 {page.width * scale:.3f} {page.height * scale:.3f}]"
                f"/Resources<</Font {self._named_fonts} 0 R/XObject<</I {image} 0 R>>>>"
                f"/Contents {content} 0 R>>"
            )
        )
        return self._file.taken()

    def end(self) -> bytes:
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        self._file.add(self._fonts.add_to(self._file), self._named_fonts)
        self._file.add(
            f"<</Type/Pages/Kids[{kids}]/Count {len(self._pages)}>>", self._tree
        )
        self._file.add(f"<</Type/Catalog/Pages {self._tree} 0 R>>", self._catalog)
        self._file.end(self._catalog)
        return self._file.taken()

    def _image(self, jpeg: bytes) -> int:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
            width, height = image.size
            colours = _COLOURS[image.mode]
        return self._file.add_stream(
            f"/Type/XObject/Subtype/Image/Width {width}/Height {height}"
            f"/BitsPerComponent 8/ColorSpace{colours}/Filter/DCTDecode",
            jpeg,
        )


def _operators(page: Page, scale: float, fonts: InvisibleFonts) -> Iterator[str]:
    """Everything in pixels of the upright photo, but from the bottom up."""
    yield f"q {scale:.6f} 0 0 {scale:.6f} 0 0 cm"
    yield f"q {page.width} 0 0 {page.height} 0 0 cm /I Do Q"
    yield f"BT {_INVISIBLE} Tr"
    yield from text_of(page, fonts)
    yield "ET Q"
