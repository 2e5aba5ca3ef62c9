"""What the documentation says beyond what signatures tell."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from litestar.enums import MediaType as Serialization
from litestar.enums import ParamType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Encoding,
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.types import Method

from photo.domain.errors import (
    Forbidden,
    IdempotencyInProgress,
    IdempotencyMismatch,
    Internal,
    PhotoError,
    RateLimited,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from photo.domain.formats import Format
from photo.domain.media import MediaType
from photo.entrypoints.http.catalogue import CATALOGUE
from photo.entrypoints.http.document import Config
from photo.entrypoints.http.examples import TEXTS
from photo.entrypoints.http.problems import (
    MEDIA_TYPE,
    WITH_FAULTS,
    Problem,
    status_of,
    title_of,
    type_of,
)
from photo.entrypoints.http.refusals import REFUSALS
from photo.entrypoints.http.views import JobView, ResultView

_DESCRIPTION = """Photos go in, their text comes out.

Every answer carries `X-Request-Id`; every error is a problem as in RFC 9457, with a
permanent `code` that `/docs/errors` explains. Beside the errors that each operation
names, any request may be refused with 405 (see `Allow`), 408, 413 or 431."""
_TAGS = {
    "uploads": "Where clients send photos, straight to the store.",
    "jobs": "One photo each, on its way to text.",
    "search": "Photos by what was read on them.",
    "webhooks": "Endpoints that are told when jobs end, and what was sent to them.",
    "keys": "The tenant's API keys.",
    "usage": "What the tenant has had done.",
    "audit": "Who changed what.",
    "health": "For those who watch the service.",
}
_BEARER = """An API key, `pk_<id>_<secret>`, or an access token (a JWT) of the identity
provider that the service trusts, if it is set to trust one. Both belong to one tenant
and have scopes; an operation names those that it asks for."""
_FILE = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
_FORM = Schema(type=OpenAPIType.OBJECT, properties={"file": _FILE}, required=["file"])

_IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in=ParamType.HEADER,
    description=(
        "Any string of your own, such as a UUID: the same request with the same key is "
        "carried out once, and answered the same for 24 hours."
    ),
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
    example="5f0a3c1e-7c55-4a3e-9d5f-0d2b0c7f6a11",
)
#: What a route that takes the key refuses besides.
IDEMPOTENT = (IdempotencyInProgress, IdempotencyMismatch)

_SHARED: tuple[type[PhotoError], ...] = (
    Unauthenticated,
    Forbidden,
    Unavailable,
    ValidationFailed,
    RateLimited,
    Internal,
)

RESULT = {200: ResponseSpec(ResultView, False, "What was read.")}
ACCEPTED = {202: ResponseSpec(JobView, False, "Not done yet: the job, to ask again.")}


def problems(
    *kinds: type[PhotoError], refusals: Sequence[int] = ()
) -> dict[int, ResponseSpec]:
    """The ways in which a route refuses, with those that all routes share."""
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for kind in dict.fromkeys([*kinds, *_SHARED]):
        codes[status_of(kind).value].append(kind.code)
    for status in (HTTPStatus.BAD_REQUEST, *refusals):
        codes[status].append(REFUSALS[status].code)
    return {status: _problem(status, codes[status]) for status in sorted(codes)}


def _problem(status: int, codes: Sequence[str]) -> ResponseSpec:
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description="; ".join(f"`{code}`: {CATALOGUE[code].means}" for code in codes),
        media_type=MEDIA_TYPE,
        examples=[
            Example(summary=code, value=_example(status, code)) for code in codes
        ],
    )


@dataclass
class IdempotentOperation(Operation):
    """May be sent again under its key."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), _IDEMPOTENCY_KEY]


@dataclass
class ResultOperation(Operation):
    """Answers the text in every other form, too."""

    def __post_init__(self) -> None:
        success = (self.responses or {}).get("200")
        if isinstance(success, OpenAPIResponse) and success.content:
            for form in Format:
                success.content.setdefault(form.media_type, _shape_of(form))


@dataclass
class ReadOperation(ResultOperation):
    """Takes the photo's bytes as the body, or as the one file of a form."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parameters = [*(self.parameters or []), _IDEMPOTENCY_KEY]
        photo = OpenAPIMediaType(schema=_FILE)
        self.request_body = RequestBody(
            required=True,
            content={str(kind): photo for kind in MediaType}
            | {
                "multipart/form-data": OpenAPIMediaType(
                    schema=_FORM,
                    encoding={"file": Encoding(content_type=", ".join(MediaType))},
                )
            },
        )


def _shape_of(format: Format) -> OpenAPIMediaType:
    """A string, unless it is JSON; of a PDF's bytes nothing is to be said."""
    if format is Format.PDF:
        return OpenAPIMediaType(schema=Schema())
    kind = OpenAPIType.OBJECT if format is Format.TEXTRACT else OpenAPIType.STRING
    return OpenAPIMediaType(schema=Schema(type=kind), example=TEXTS.get(format))


def openapi_config(version: str, *, issuer: str | None = None) -> Config:
    return Config(
        title="Photo API",
        version=version,
        issuer=issuer,
        description=_DESCRIPTION,
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/", media_type=Serialization.JSON)],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        tags=[Tag(name, description) for name, description in _TAGS.items()],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description=_BEARER
                )
            }
        ),
    )


def _operation_id(handler: HTTPRouteHandler, _method: Method, _path: object) -> str:
    return handler.handler_name


def _example(status: int, code: str) -> dict[str, object]:
    detail = CATALOGUE[code].means.replace("`", "")
    faults = {"errors": [{"pointer": "", "detail": detail}]}
    return {
        "type": type_of(code),
        "title": title_of(code),
        "status": status,
        "detail": detail,
        "instance": "",
        "code": code,
        "retryable": CATALOGUE[code].retryable,
        "request_id": "req_0f3c6e0d5b7a4f0c8d1e2a3b4c5d6e7f",
        **(faults if status in WITH_FAULTS else {}),
    }
