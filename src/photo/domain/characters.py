"""Characters that are no text: they steer, end lines, turn or hide what is shown."""

import re

#: For the inside of a character class, in Python and in JSON Schema. All that Unicode
#: shows nothing for, but for joiners (U+200C, U+200D) and variation selectors: scripts
#: and emoji are misspelt without them.
HIDDEN = (
    r"\u0000-\u001f\u007f-\u009f"  # controls
    r"\u2028\u2029"  # line separators
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    r"\ud800-\udfff"  # surrogates
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)

_HIDDEN = re.compile(f"[{HIDDEN}]")


def without_hidden(text: str) -> str:
    return _HIDDEN.sub("", text)


def visible(text: str, *, keep: str = "") -> str:
    r"""The text with hidden characters written out, such as `\x1b`, but for some."""

    def written_out(found: re.Match[str]) -> str:
        return found[0] if found[0] in keep else ascii(found[0])[1:-1]

    return _HIDDEN.sub(written_out, text)
