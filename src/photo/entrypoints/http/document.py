"""The OpenAPI document, completed by rules: headers, examples, links, sign-in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from photo.domain.characters import HIDDEN
from photo.domain.media import MediaType
from photo.entrypoints.http.admin_examples import ADMIN_EXAMPLES
from photo.entrypoints.http.examples import ANSWERS, EXAMPLES, IDS
from photo.entrypoints.http.links import MADE_IN, add_links

_API = "/v1/"
_EXAMPLES = EXAMPLES | ADMIN_EXAMPLES
_STRING, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}

#: What answers carry, each described once.
_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": {
        "description": "Names this exchange in the service's logs: the caller's, if it "
        "sent a sane one.",
        "schema": _STRING,
    },
    "RateLimit-Policy": {
        "description": "What may be spent: `q` units come back within `w` seconds.",
        "schema": _STRING,
        "example": '"key";q=1200;w=60, "tenant";q=6000;w=60',
    },
    "RateLimit": {
        "description": "What is left: `r` units, and another one in `t` seconds.",
        "schema": _STRING,
        "example": '"key";r=1190;t=1, "tenant";r=5730;t=1',
    },
    "Retry-After": {
        "description": "Seconds after which to send the same request again.",
        "schema": _NUMBER,
        "example": 5,
    },
    "Location": {
        "description": "The path of what was made.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotent-Replayed": {
        "description": "There if this is the answer to an earlier request.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {
        "description": "What is asked for (RFC 6750).",
        "schema": _STRING,
        "example": 'Bearer realm="photo", error="invalid_token"',
    },
}
_URI = {"format": "uri"}
#: What comes in: nothing but the fields that are named.
_REQUESTS = ("NewUpload", "NewJob", "UploadSource", "UrlSource", "NewKey", "NewWebhook")
# No JSON holds half a surrogate pair, and not every reader of patterns takes one.
_NOTHING_HIDDEN = rf"^[^{HIDDEN}]*$".replace(r"\ud800-\udfff", "")
_NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_METADATA = {
    "maxProperties": 20,
    "propertyNames": {"pattern": "^[A-Za-z0-9_.-]{1,64}$"},
    "additionalProperties": {
        "type": "string",
        "maxLength": 500,
        "pattern": _NOTHING_HIDDEN,
    },
}
#: A key ends at a moment or after some days.
_BOTH_ENDS = {
    "required": ["expires_at", "expires_in_days"],
    "properties": {
        "expires_at": {"type": "string"},
        "expires_in_days": {"type": "integer"},
    },
}
#: What the types of fields do not say.
_FIELDS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("NewUpload", "content_type"): {"enum": [*MediaType]},
    ("NewUpload", "filename"): {"pattern": _NO_CONTROLS},
    ("NewJob", "metadata"): _METADATA,
    ("NewKey", "name"): {"pattern": _NOTHING_HIDDEN},
    ("NewKey", "scopes"): {"uniqueItems": False},
    ("UrlSource", "url"): _URI,
    ("NewWebhook", "url"): _URI,
    ("NewJob", "webhook_url"): _URI,
}
_EVENT = {
    "type": "object",
    "title": "WebhookEvent",
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {"$ref": "#/components/schemas/Event"},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"$ref": "#/components/schemas/JobView"},
    },
}


@dataclass
class Config(OpenAPIConfig):
    """With `issuer`, tokens of that identity provider are taken, too."""

    issuer: str | None = None

    def to_openapi_schema(self) -> OpenAPI:
        document = _Document(**vars(super().to_openapi_schema()))
        document.issuer = self.issuer
        return document


class _Document(OpenAPI):
    issuer: str | None = None
    completed: dict[str, Any] | None = None

    def to_schema(self) -> dict[str, Any]:
        """The document; made once, for that takes a while."""
        self.completed = self.completed or self._complete()
        return self.completed

    def _complete(self) -> dict[str, Any]:
        document = super().to_schema()
        components = document["components"]
        components["headers"] = _HEADERS
        components["schemas"]["WebhookEvent"] = _EVENT
        for request in _REQUESTS:
            components["schemas"][request]["additionalProperties"] = False
        components["schemas"]["NewKey"]["not"] = _BOTH_ENDS
        for (schema, field), facts in _FIELDS.items():
            components["schemas"][schema]["properties"][field].update(facts)
        for path, method, operation in _operations(document):
            _show_parameters(path, operation)
            _show_bodies(path, operation)
            _show_headers(path, method, operation)
        add_links(document["paths"])
        document["webhooks"] = {"job-ended": {"post": _told()}}
        if self.issuer:
            _offer_sign_in(document, self.issuer)
        return document


def _operations(
    document: Mapping[str, Any],
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _show_parameters(path: str, operation: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        _forbid_null(parameter["schema"])
        if parameter["in"] == "path":
            thing = path.split(f"/{{{parameter['name']}}}", maxsplit=1)[0].rpartition(
                "/"
            )[2]
            parameter["example"] = IDS[thing]
            parameter["description"] = f"One of the {thing}, by its id."


def _forbid_null(schema: dict[str, Any]) -> None:
    """A parameter is left out, never null."""
    for kind in schema.pop("oneOf", ()):
        schema.update(kind if kind != {"type": "null"} else {})


def _show_bodies(path: str, operation: Mapping[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _show(content, _EXAMPLES.get(_name_of(content)))
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            name = _name_of(content)
            usual = _EXAMPLES.get(name)
            if name == "JobView":
                usual = ANSWERS.get(operation["operationId"], usual)
            _show(content, usual)
            for problem in content.get("examples", {}).values():
                if isinstance(problem["value"], dict):
                    problem["value"]["instance"] = _exemplary(path)


def _show(content: dict[str, Any], example: object) -> None:
    if example is not None:
        content["example"] = example


def _name_of(content: Mapping[str, Any]) -> str:
    reference: str = content["schema"].get("$ref", "")
    return reference.rpartition("/")[2]


def _exemplary(path: str) -> str:
    parts = path.split("/")
    return "/".join(
        IDS[before] if part.startswith("{") else part
        for before, part in zip(["", *parts], parts, strict=False)
    )


def _show_headers(path: str, method: str, operation: Mapping[str, Any]) -> None:
    for status, response in operation["responses"].items():
        names = ["X-Request-Id"]
        if path.startswith(_API) and status != "401":
            names += ["RateLimit-Policy", "RateLimit"]
        if status in {"429", "503"}:
            names.append("Retry-After")
        if status in {"401", "403"}:
            names.append("WWW-Authenticate")
        if status.startswith("2") and method == "post":
            names.append("Idempotent-Replayed")
        if status in {"201", "202"} and operation["operationId"] in MADE_IN:
            names.append("Location")
        response.setdefault("headers", {}).update(
            {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        )


def _told() -> dict[str, Any]:
    """What the service sends to webhooks."""
    body = {
        "schema": {"$ref": "#/components/schemas/WebhookEvent"},
        "example": _EXAMPLES["WebhookEvent"],
    }
    return {
        "operationId": "job_ended",
        "summary": "A job has ended",
        "description": "Signed as Standard Webhooks 1.0.0 wants it. Only an answer of "
        "2xx counts as taken; 410 disables the webhook; all else is sent again, for "
        "up to 24 hours.",
        "tags": ["webhooks"],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"2XX": {"description": "Taken: not sent again."}},
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": _STRING}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ],
    }


def _offer_sign_in(document: dict[str, Any], issuer: str) -> None:
    document["components"]["securitySchemes"]["oidc"] = {
        "type": "openIdConnect",
        "openIdConnectUrl": f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        "description": "An access token of the service's identity provider.",
    }
    for _, _, operation in _operations(document):
        for asked in operation.get("security", [])[:]:
            operation["security"].append({"oidc": asked["bearer"]})
