"""Fonts that show nothing and say everything: text to search and to select.

Fonts of Type 3 are drawn by the PDF itself, so there is no font file for a reader to
stumble over. Each has one empty glyph under up to 255 codes, and says which character
a code stands for. Codes are given out as characters come up.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from photo.adapters.formats.pdf_file import PdfFile

#: How wide every character is, in ems: about what Latin ones are.
ADVANCE = 0.5
_CODES = 255
#: What one operator of a character map may list.
_LISTED = 100


class InvisibleFonts:
    def __init__(self) -> None:
        self._indexes: dict[str, int] = {}

    def show(self, text: str) -> Iterator[str]:
        """The operators that write a text, one em high."""
        indexes = [self._indexes.setdefault(each, len(self._indexes)) for each in text]
        for font, run in groupby(indexes, lambda index: index // _CODES):
            codes = "".join(f"{index % _CODES + 1:02x}" for index in run)
            yield f"/F{font} 1 Tf <{codes}> Tj"

    def add_to(self, file: PdfFile) -> str:
        """Write the fonts, and return the dictionary that names them."""
        characters = [*self._indexes]
        glyph = file.add_stream("", f"{ADVANCE} 0 0 0 {ADVANCE} 1 d1".encode())
        fonts = (
            _font(file, glyph, characters[start : start + _CODES])
            for start in range(0, len(characters), _CODES)
        )
        named = (f"/F{index} {font} 0 R" for index, font in enumerate(fonts))
        return f"<<{''.join(named)}>>"


def _font(file: PdfFile, glyph: int, characters: Sequence[str]) -> int:
    count = len(characters)
    meaning = file.add_compressed(_character_map(characters).encode())
    return file.add(
        f"<</Type/Font/Subtype/Type3/FontBBox[0 0 {ADVANCE} 1]"
        f"/FontMatrix[1 0 0 1 0 0]/Resources<<>>/CharProcs<</g {glyph} 0 R>>"
        f"/Encoding<</Type/Encoding/Differences[1{'/g' * count}]>>"
        f"/FirstChar 1/LastChar {count}/Widths[{f'{ADVANCE} ' * count}]"
        f"/ToUnicode {meaning} 0 R>>"
    )


def _character_map(characters: Sequence[str]) -> str:
    """What the codes, from 1, stand for."""
    meanings = [
        f"<{code:02x}> <{character.encode('utf-16-be').hex()}>\n"
        for code, character in enumerate(characters, 1)
    ]
    blocks = (
        meanings[start : start + _LISTED] for start in range(0, len(meanings), _LISTED)
    )
    listed = "".join(
        f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks
    )
    return f"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<00> <ff>
endcodespacerange
{listed}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
