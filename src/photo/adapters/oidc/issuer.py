"""Asking the issuer for its keys: who runs the service chose it, so it is trusted."""

import asyncio
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import jwt

from photo.adapters.oidc.keys import signing_keys
from photo.domain.errors import Unavailable

_DISCOVERY = "/.well-known/openid-configuration"
_MAX_BYTES = 256 * 1024


class Issuer:
    """Answers within some seconds, or not at all."""

    def __init__(
        self, url: str, *, seconds: float = 5, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._seconds = seconds
        self._tls = tls or httpcore.default_ssl_context()

    async def keys(self) -> dict[str, jwt.PyJWK]:
        """Its signing keys by name, or `Unavailable`."""
        try:
            async with asyncio.timeout(self._seconds), self._client() as client:
                said = await _json(client, self._url.removesuffix("/") + _DISCOVERY)
                return signing_keys(await _json(client, self._keys_url(said)))
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(type(error).__name__) from None
        except (ValueError, RecursionError):
            raise _unavailable("malformed") from None

    def _client(self) -> httpx.AsyncClient:
        """Knows no proxies, no cookies and no redirects, and takes nothing packed."""
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            timeout=self._seconds,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    def _keys_url(self, said: Any) -> str:
        if not isinstance(said, dict) or said.get("issuer") != self._url:
            raise _unavailable("another issuer")
        url = said.get("jwks_uri")
        if not isinstance(url, str):
            raise _unavailable("no jwks_uri")
        if urlsplit(url).scheme not in {"https", urlsplit(self._url).scheme}:
            raise _unavailable("insecure jwks_uri")
        return url


async def _json(client: httpx.AsyncClient, url: str) -> Any:
    async with client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise _unavailable(f"status {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _MAX_BYTES:
                raise _unavailable("too large")
    return json.loads(body)


def _unavailable(reason: str) -> Unavailable:
    return Unavailable("The issuer of tokens gave no keys.", reason=reason)
