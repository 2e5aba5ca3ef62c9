"""Untrusted text, made fit for XML and HTML."""

from xml.sax.saxutils import escape

from photo.adapters.formats.places import printable

_ENTITIES = {'"': "&quot;", "'": "&#39;", "\t": "&#9;", "\n": "&#10;"}


def escaped(text: str) -> str:
    """Between tags and in quotes: what is read back is `printable(text)`."""
    return escape(printable(text), _ENTITIES)
