"""Requests that took longer than they may: only what they took of our own time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import structlog
from litestar import Request

log = structlog.get_logger(__name__)

#: People notice a second. With all well no route takes a quarter of it to begin its
#: answer, but for uploads of many megabytes.
SLOW_SECONDS = 1.0

#: Key of a request's state: the seconds that it wished to wait.
_WISHED = "wished_to_wait"


@contextmanager
def as_wished(
    request: Request[Any, Any, Any],
    seconds: float,
    now: Callable[[], float] = perf_counter,
) -> Iterator[None]:
    """Around a wait of so long that the caller asked for: it makes no request slow."""
    began = now()
    try:
        yield
    finally:
        request.scope["state"][_WISHED] = min(now() - began, seconds)


class Patience:
    """Tells the time that passes until an answer begins: ours, or the caller's."""

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self._now = now
        self._began = now()
        self._sending = 0.0
        self._answered_after: float | None = None

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around a wait for more of the request."""
        began = self._now()
        try:
            yield
        finally:
            if self._answered_after is None:
                self._sending += self._now() - began

    def answer_begins(self) -> None:
        self._answered_after = self._now() - self._began

    @property
    def elapsed(self) -> float:
        return self._now() - self._began

    def ours(self, state: dict[str, Any]) -> float:
        """The seconds until the answer began that were not the caller's."""
        total = self.elapsed if self._answered_after is None else self._answered_after
        wished: float = state.get(_WISHED, 0.0)
        return max(0.0, total - self._sending - wished)

    def complain(self, state: dict[str, Any], **about: object) -> None:
        """Warn if the answer came late, and say for how much of that who was to blame.

        An answer that never came is judged by the time that it was waited for.
        """
        ours = self.ours(state)
        if ours >= SLOW_SECONDS:
            log.warning(
                "slow_request",
                ours_ms=_ms(ours),
                sending_ms=_ms(self._sending),
                wished_ms=_ms(state.get(_WISHED, 0.0)),
                **about,
            )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
