"""AES-256-GCM and HMAC-SHA256 with keys that all come from one secret."""

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from photo.application.ports import Vault
from photo.domain.errors import Internal

_NONCE_BYTES = 12


class AesVault(Vault):
    """Every purpose has a key of its own: what is sealed for one opens for no other."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._key = lru_cache(maxsize=64)(self._derive)

    def seal(self, data: bytes, *, purpose: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(purpose).encrypt(nonce, data, None)

    def unseal(self, sealed: bytes, *, purpose: bytes) -> bytes:
        nonce, data = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher(purpose).decrypt(nonce, data, None)
        except (InvalidTag, ValueError) as error:
            raise Internal(
                "Something was sealed under another SECRET_KEY, or was changed."
            ) from error

    def sign(self, data: bytes, *, purpose: bytes) -> bytes:
        return hmac.digest(self._key(b"sign", purpose), data, "sha256")

    def _cipher(self, purpose: bytes) -> AESGCM:
        return AESGCM(self._derive(b"seal", purpose))

    def _derive(self, use: bytes, purpose: bytes) -> bytes:
        return hmac.digest(self._secret, use + b":" + purpose, "sha256")
