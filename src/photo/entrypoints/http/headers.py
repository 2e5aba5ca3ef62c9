"""Headers that keep browsers, and what is between, from doing harm with an answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence

Header = tuple[bytes, bytes]

_SAFE: Sequence[Header] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        (
            b"accelerometer=(), camera=(), display-capture=(), geolocation=(), "
            b"gyroscope=(), microphone=(), payment=(), usb=()"
        ),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_SAFE_OVER_HTTPS: Sequence[Header] = (
    *_SAFE,
    (b"strict-transport-security", b"max-age=31536000"),
)


def safe_headers(scheme: str) -> Sequence[Header]:
    """What an answer carries unless it says otherwise itself."""
    return _SAFE_OVER_HTTPS if scheme == "https" else _SAFE


def missing(wanted: Iterable[Header], present: Collection[bytes]) -> list[Header]:
    return [header for header in wanted if header[0] not in present]


def encoded(headers: Mapping[str, str]) -> list[Header]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
    ]
