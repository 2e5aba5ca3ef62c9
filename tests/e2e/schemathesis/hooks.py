"""What the documentation cannot say of values: real photos, URLs that may be asked."""

import os
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, DeserializationContext, HookContext, Response

_OWN_KEYS = os.environ["OWN_KEYS"].split()
_KEY = "Idempotency-Key"


def _photo(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (24, 16), "white").save(file, kind)
    return file.getvalue()


for kind in ("jpeg", "png", "webp", "tiff", "gif", "bmp"):
    schemathesis.openapi.media_type(f"image/{kind}", st.just(_photo(kind)))

schemathesis.openapi.format(
    "uri", st.integers(1, 99).map("http://127.0.0.1:9/{}.jpg".format)
)
# Keys end in the future, within ten years.
schemathesis.openapi.format("date-time", st.just("2030-01-01T00:00:00Z"))


@schemathesis.deserializer("application/pdf")
def as_text(context: DeserializationContext, response: Response) -> str:
    return response.content.decode("latin-1")


@schemathesis.hook
def filter_path_parameters(
    context: HookContext, path_parameters: Mapping[str, Any] | None
) -> bool:
    """Spare the keys that the run itself uses."""
    return not path_parameters or path_parameters.get("id") not in _OWN_KEYS


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """A key of its own for each request: with that of another it is refused.

    And 3.0, an integer to JSON Schema and to nobody else, as an integer.
    """
    if isinstance(case.body, dict):
        case.body = _whole(case.body)
    headers: Any = case.headers or {}
    if _KEY in headers and case.meta and case.meta.generation.mode.is_positive:
        headers[_KEY] = str(uuid4())


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
