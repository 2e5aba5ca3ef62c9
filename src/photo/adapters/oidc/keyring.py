"""The issuer's keys as they were some minutes ago."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import jwt
import structlog

from photo.application.ports import Stopwatch
from photo.domain.errors import Unavailable

log = structlog.get_logger(__name__)

#: A key that the issuer withdrew is good for so many seconds more.
REFRESH_SECONDS = 600
#: How often, at most, the issuer is asked: by unknown keys, or after it failed.
PAUSE_SECONDS = 10


class KeyRing:
    """Asks once for all who wait. What is known stays while the issuer is away."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[Mapping[str, jwt.PyJWK]]],
        elapsed: Stopwatch,
    ) -> None:
        self._ask = ask
        self._elapsed = elapsed
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._failure: str | None = None
        self._asking: asyncio.Task[None] | None = None
        self._may_ask_at = self._due_at = elapsed()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this name, if there is one. `Unavailable` if none is known.

        An unknown name may be a new key's: the issuer is asked again, now and then.
        """
        if kid in self._keys:
            if self._elapsed() >= self._due_at:
                _ = self._refresh()
        elif self._asking or self._elapsed() >= self._may_ask_at:
            # Whoever goes away does not take the answer from the others.
            await asyncio.shield(self._refresh())
        if not self._keys:
            raise Unavailable(
                "Tokens cannot be checked: their issuer does not answer as it should. "
                "Try again.",
                reason=self._failure,
            )
        return self._keys.get(kid)

    async def aclose(self) -> None:
        if self._asking:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    def _refresh(self) -> asyncio.Task[None]:
        if self._asking is None:
            self._asking = asyncio.create_task(self._replace())
            self._asking.add_done_callback(self._asked)
        return self._asking

    async def _replace(self) -> None:
        pause = PAUSE_SECONDS
        try:
            self._keys = await self._ask()
            self._failure = None if self._keys else "no usable keys"
            pause = REFRESH_SECONDS
        except Unavailable as error:
            self._failure = error.reason
            log.warning("oidc_keys_not_refreshed", reason=error.reason)
        finally:
            self._due_at = self._elapsed() + pause
            self._may_ask_at = self._elapsed() + PAUSE_SECONDS

    def _asked(self, _: asyncio.Task[None]) -> None:
        self._asking = None
