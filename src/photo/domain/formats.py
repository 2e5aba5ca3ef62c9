"""The forms in which clients may have what was read."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Format(StrEnum):
    JSON = "json"
    TEXT = "text"
    HOCR = "hocr"
    ALTO = "alto"
    PDF = "pdf"
    TEXTRACT = "textract"

    @property
    def media_type(self) -> str:
        return _KINDS[self].media_type

    @property
    def extension(self) -> str:
        return _KINDS[self].extension


class _Kind(NamedTuple):
    media_type: str
    extension: str


_KINDS: Mapping[Format, _Kind] = {
    Format.JSON: _Kind("application/json", "json"),
    Format.TEXT: _Kind("text/plain", "txt"),
    Format.HOCR: _Kind("text/vnd.hocr+html", "hocr"),
    Format.ALTO: _Kind("application/alto+xml", "alto.xml"),
    Format.PDF: _Kind("application/pdf", "pdf"),
    Format.TEXTRACT: _Kind("application/vnd.photo.textract+json", "textract.json"),
}
