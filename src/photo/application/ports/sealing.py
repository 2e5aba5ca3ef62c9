"""What the database must not show."""

from typing import Protocol


class Vault(Protocol):
    """Encryption with a key that the database does not have."""

    def seal(self, data: bytes, *, purpose: bytes) -> bytes:
        """Encrypt and authenticate; equal data are sealed differently each time."""

    def unseal(self, sealed: bytes, *, purpose: bytes) -> bytes:
        """Decrypt, or raise `Internal` if it was sealed otherwise, or was changed."""

    def sign(self, data: bytes, *, purpose: bytes) -> bytes:
        """A keyed hash (HMAC-SHA256) of the data, of 32 bytes."""
