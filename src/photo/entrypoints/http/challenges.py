"""What a refused caller is asked for (RFC 6750)."""

from typing import Any

from litestar import Request

from photo.domain.errors import Forbidden, PhotoError, Unauthenticated

_BEARER = 'Bearer realm="photo"'


def challenge(request: Request[Any, Any, Any], error: PhotoError) -> dict[str, str]:
    """The header of an answer to a caller without the right credential."""
    if isinstance(error, Forbidden):
        scopes = " ".join(error.scopes)
        return _asks(f'{_BEARER}, error="insufficient_scope", scope="{scopes}"')
    if not isinstance(error, Unauthenticated):
        return {}
    if "Authorization" not in request.headers:
        return _asks(_BEARER)
    return _asks(f'{_BEARER}, error="invalid_token"')


def _asks(for_: str) -> dict[str, str]:
    return {"WWW-Authenticate": for_}
