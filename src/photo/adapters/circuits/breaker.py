"""A circuit breaker: what keeps failing is left alone, then tried by one at a time."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from photo.application.ports import Stopwatch
from photo.domain.errors import PhotoError, Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    #: So many failures in a row, with nothing going well in between.
    failures: int = 5
    #: Seconds that it is left alone; twice as long each time it fails again.
    first: float = 2
    longest: float = 15


class Call:
    """A call under way."""

    def __init__(self, note: Callable[[PhotoError | None], None]) -> None:
        self._note = note
        #: What the caller itself raised meanwhile: no failure of the dependency's.
        self.others: BaseException | None = None

    def goes_well(self) -> None:
        self._note(None)

    def fails(self, error: PhotoError) -> None:
        if error is not self.others:
            self._note(error)


class Breaker:
    """Counts `Unavailable` against a dependency, and any other answer in its favour.

    While the circuit is open, calls are `Unavailable` at once. Then a single one is
    let through: if it goes well all may call again.
    """

    def __init__(
        self, dependency: str, elapsed: Stopwatch, patience: Patience | None = None
    ) -> None:
        self._dependency = dependency
        self._elapsed = elapsed
        self._patience = patience or Patience()
        self._failures = 0
        self._pause = 0.0
        #: When to try again; None while the circuit is closed.
        self._try_at: float | None = None
        self._probing = False
        #: How often it has opened or closed: calls of before have nothing to say.
        self._era = 0

    @property
    def dependency(self) -> str:
        return self._dependency

    def is_open(self) -> bool:
        return self._try_at is not None

    @contextmanager
    def calling(self) -> Iterator[Call]:
        """Around a call, or `Unavailable` without one."""
        probe, era = self._let_in(), self._era
        call = Call(partial(self._note, era))
        try:
            yield call
            call.goes_well()
        except PhotoError as error:
            call.fails(error)
            raise
        finally:
            # One that was cancelled, or broke, has found out nothing.
            if probe and era == self._era:
                self._probing = False

    def _let_in(self) -> bool:
        """Whether this call is to find out if the dependency is back."""
        if self._try_at is None:
            return False
        left = self._try_at - self._elapsed()
        if self._probing or left > 0:
            raise Unavailable(
                "A dependency has failed several times and is left alone for a moment.",
                reason=f"circuit_open {self._dependency}",
                retry_after=timedelta(seconds=max(left, self._patience.first)),
            )
        self._probing = True
        return True

    def _note(self, era: int, error: PhotoError | None) -> None:
        if era != self._era:
            return
        tried = self._try_at is not None
        if isinstance(error, Unavailable):
            self._failures += 1
            if tried or self._failures >= self._patience.failures:
                self._open(error.reason)
        elif tried:
            self._close()
        else:
            self._failures = 0

    def _open(self, reason: str | None) -> None:
        if self._try_at is None:
            self._pause = self._patience.first
            log.warning("circuit_opened", dependency=self._dependency, reason=reason)
        else:
            self._pause = min(self._pause * 2, self._patience.longest)
        # Not all processes at once.
        pause = self._pause * random.uniform(0.75, 1.25)  # noqa: S311 # no secret
        self._try_at, self._probing = self._elapsed() + pause, False
        self._era += 1

    def _close(self) -> None:
        self._try_at, self._probing, self._failures = None, False, 0
        self._era += 1
        log.info("circuit_closed", dependency=self._dependency)
