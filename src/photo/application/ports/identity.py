"""Callers who are known elsewhere."""

from typing import Protocol

from photo.domain.access import Principal


class TokenVerifier(Protocol):
    async def verify(self, token: str) -> Principal:
        """Who holds a token of the identity provider, or raise `Unauthenticated`.

        Raises `Unavailable` if that cannot be found out at the moment.
        """
