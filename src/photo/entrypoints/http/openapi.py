"""What the documentation says beyond what signatures tell."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from litestar.enums import MediaType as Serialization
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.types import Method

from photo.domain.errors import (
    Forbidden,
    PhotoError,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from photo.domain.media import MediaType
from photo.entrypoints.http.problems import (
    MEDIA_TYPE,
    REFUSED,
    Problem,
    status_of,
    title_of,
    type_of,
)
from photo.entrypoints.http.views import JobView, ResultView

_DESCRIPTION = """Photos go in, their text comes out.

Every answer carries `X-Request-Id`; every error is a problem as in RFC 9457, with a
permanent `code`."""
_TEXT = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
_FILE = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
_FORM = Schema(type=OpenAPIType.OBJECT, properties={"file": _FILE}, required=["file"])

_SHARED: tuple[type[PhotoError], ...] = (
    Unauthenticated,
    Forbidden,
    Unavailable,
    ValidationFailed,
)

RESULT = {200: ResponseSpec(ResultView, False, "What was read.")}
ACCEPTED = {202: ResponseSpec(JobView, False, "Not done yet: the job, to ask again.")}


def problems(
    *kinds: type[PhotoError], refusals: Sequence[int] = ()
) -> dict[int, ResponseSpec]:
    """The ways in which a route refuses, with those that all routes share."""
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for kind in [*kinds, *_SHARED]:
        codes[status_of(kind).value].append(kind.code)
    for status in (HTTPStatus.BAD_REQUEST, *refusals):
        codes[status].append(REFUSED[status].code)
    return {status: _problem(status, codes[status]) for status in sorted(codes)}


def _problem(status: int, codes: Sequence[str]) -> ResponseSpec:
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description=", ".join(f"`{code}`" for code in codes),
        media_type=MEDIA_TYPE,
        examples=[
            Example(summary=code, value=_example(status, code)) for code in codes
        ],
    )


@dataclass
class ResultOperation(Operation):
    """Answers the text as `text/plain`, too."""

    def __post_init__(self) -> None:
        success = (self.responses or {}).get("200")
        if isinstance(success, OpenAPIResponse) and success.content:
            success.content["text/plain"] = _TEXT


@dataclass
class ReadOperation(ResultOperation):
    """Takes the photo's bytes as the body, or as the one file of a form."""

    def __post_init__(self) -> None:
        super().__post_init__()
        photo = OpenAPIMediaType(schema=_FILE)
        self.request_body = RequestBody(
            required=True,
            content={str(kind): photo for kind in MediaType}
            | {"multipart/form-data": OpenAPIMediaType(schema=_FORM)},
        )


def openapi_config(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Photo API",
        version=version,
        description=_DESCRIPTION,
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/", media_type=Serialization.JSON)],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key: `pk_<id>_<secret>`.",
                )
            }
        ),
    )


def _operation_id(handler: HTTPRouteHandler, _method: Method, _path: object) -> str:
    return handler.handler_name


def _example(status: int, code: str) -> dict[str, object]:
    return {
        "type": type_of(code),
        "title": title_of(code),
        "status": status,
        "detail": "A sentence that says what to do.",
        "instance": "/v1/…",
        "code": code,
        "retryable": status == HTTPStatus.SERVICE_UNAVAILABLE,
        "request_id": "req_0f3c6e0d5b7a4f0c8d1e2a3b4c5d6e7f",
    }
