"""Which pages of other origins may call, and read what they are answered."""

from collections.abc import Collection, Sequence

from photo.entrypoints.http.headers import Header

_ANY = b"*"
_VARY: Header = (b"vary", b"Origin")
_READABLE: Header = (
    b"access-control-expose-headers",
    (
        b"Content-Location, Idempotent-Replayed, Location, "
        b"RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
    ),
)
#: What an allowed page may send: browsers ask before they do.
PREFLIGHT: Sequence[Header] = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (
        b"access-control-allow-headers",
        (
            b"Authorization, Content-Type, Idempotency-Key, Last-Event-ID, "
            b"X-Request-Id, traceparent"
        ),
    ),
    (b"access-control-max-age", b"600"),
)


class Cors:
    """Origins are allowed by name, or all by `*`; none if there are no names."""

    def __init__(self, origins: Collection[str]) -> None:
        names = [origin.encode() for origin in origins]
        self._by_origin = {name: (_allow(name), _READABLE, _VARY) for name in names}
        self._any = _ANY in self._by_origin
        self._otherwise: Sequence[Header] = (_VARY,) if names else ()
        if self._any:
            self._by_origin.clear()
            self._otherwise = (_allow(_ANY), _READABLE)

    def allows(self, origin: bytes | None) -> bool:
        return origin is not None and (self._any or origin in self._by_origin)

    def headers(self, origin: bytes | None) -> Sequence[Header]:
        """For any answer to a page of this origin, errors included."""
        return self._by_origin.get(origin or b"", self._otherwise)


def _allow(origin: bytes) -> Header:
    return (b"access-control-allow-origin", origin)
