"""`Idempotency-Key`: a POST that is sent again does nothing again."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import sha256
from typing import Any, ParamSpec, TypeVar, cast

import msgspec
from litestar import Response
from msgspec import Struct

from photo.application.idempotency import AnswerOnce
from photo.domain.errors import ValidationFailed
from photo.entrypoints.http.request import ApiRequest

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}

#: A UUID or whatever else; also as the quoted string of the IETF's draft.
_KEY = re.compile(r'(?P<quote>"?)([\x21\x23-\x7e]{1,255})(?P=quote)')

P = ParamSpec("P")
T = TypeVar("T")


class _Answer(Struct, frozen=True):
    status_code: int
    headers: dict[str, str]
    body: msgspec.Raw


def idempotency_key(request: ApiRequest) -> str | None:
    sent = request.headers.getall(HEADER, [])
    if not sent:
        return None
    found = _KEY.fullmatch(sent[0])
    if len(sent) > 1 or found is None:
        raise ValidationFailed(
            f"{HEADER}: Expected one key of 1 to 255 visible ASCII characters, such as "
            "a UUID.",
            pointer=f"/{HEADER}",
        )
    return found[2]


def idempotent(
    handler: Callable[P, Awaitable[T]],
) -> Callable[P, Awaitable[T | Response[bytes]]]:
    """Answer a request that was answered before as then, without calling the handler.

    The handler takes `request`. What it stores is stored together with its answer.
    """

    @wraps(handler)
    async def once(*args: P.args, **kwargs: P.kwargs) -> T | Response[bytes]:
        request = cast("ApiRequest", kwargs["request"])
        if idempotency_key(request) is None:
            return await handler(*args, **kwargs)

        async def answer() -> bytes:
            result = await handler(*args, **kwargs)
            return msgspec.json.encode(_answer(result, request))

        body = await request.body()
        given = await remembered(request, sha256(body).hexdigest(), answer)
        return _response(msgspec.json.decode(given, type=_Answer))

    return once


async def remembered(
    request: ApiRequest, body_sha256: str, answer: Callable[[], Awaitable[bytes]]
) -> bytes:
    """The answer, or that of an earlier request with the same key and content."""
    key = idempotency_key(request)
    if key is None:
        return await answer()
    answer_once: AnswerOnce = await request.app.state.dishka_container.get(AnswerOnce)
    # Nobody gets an answer that was meant for a credential that may do more.
    scopes = " ".join(sorted(request.user.scopes))
    content = f"{request.method} {request.url.path} {scopes} {body_sha256}"
    request_sha256 = sha256(content.encode()).hexdigest()
    given, replayed = await answer_once(
        request.user.tenant, key, request_sha256, answer
    )
    if replayed:
        request.scope["state"].setdefault("answer_headers", {}).update(REPLAYED)
    return given


def _answer(result: Any, request: ApiRequest) -> _Answer:
    handler = request.route_handler
    if isinstance(result, Response):
        body = msgspec.json.encode(result.content)
        status = result.status_code or handler.status_code
        return _Answer(status, dict(result.headers), msgspec.Raw(body))
    body = msgspec.json.encode(result)
    return _Answer(handler.status_code, {}, msgspec.Raw(body))


def _response(answer: _Answer) -> Response[bytes]:
    return Response(
        bytes(answer.body),
        status_code=answer.status_code,
        headers=answer.headers,
        media_type="application/json",
    )
