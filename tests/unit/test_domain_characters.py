import sys
from unicodedata import category

import pytest

from photo.domain.characters import visible, without_hidden

#: Format characters that scripts need, or that can be seen.
SHOWN_FORMAT = {
    *("\u200c", "\u200d"),
    *map(chr, range(0x600, 0x606)),
    *("\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2"),
    *("\U000110bd", "\U000110cd"),
    *map(chr, range(0x13430, 0x13440)),
}
#: Letters and marks that show nothing.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def test_what_is_hidden_is_what_unicode_shows_nothing_for() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        kind = category(char)
        hidden = not without_hidden(char)
        if kind in {"Cc", "Cs", "Zl", "Zp"} or char in BLANKS:
            assert hidden, ascii(char)
        elif kind == "Cf":
            assert hidden is (char not in SHOWN_FORMAT), ascii(char)
        elif kind != "Cn":
            assert not hidden, ascii(char)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Käse 📷", "Käse 📷"),
        ("\x1b[2J\x9b\x7f\r\n\0", r"\x1b[2J\x9b\x7f\r\n\x00"),
        ("\u202egpj.exe\u2028", r"\u202egpj.exe\u2028"),
        ("\ud800\U000e0041", r"\ud800\U000e0041"),
    ],
)
def test_what_is_hidden_can_be_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_some_of_what_is_hidden_may_be_kept() -> None:
    assert visible("a\n\tb\r\x1b", keep="\n\t") == "a\n\tb\\r\\x1b"
