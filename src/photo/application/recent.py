"""What was found out a moment ago, and need not be asked again."""

from typing import Generic, TypeVar

from photo.application.ports import Stopwatch

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Remembers values for some seconds, and only so many: the oldest go first."""

    def __init__(self, elapsed: Stopwatch, *, seconds: float, most: int) -> None:
        self._elapsed = elapsed
        self._seconds = seconds
        self._most = most
        self._values: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        until, value = self._values.get(key, (0.0, None))
        return value if self._elapsed() < until else None

    def forget(self, key: K) -> None:
        self._values.pop(key, None)

    def put(self, key: K, value: V, *, since: float | None = None) -> None:
        """Remember a value, from now or from when it was asked for.

        A value that was asked for later stays.
        """
        until = (self._elapsed() if since is None else since) + self._seconds
        if until < self._values.get(key, (until, None))[0]:
            return
        self._values.pop(key, None)
        self._values[key] = (until, value)
        if len(self._values) > self._most:
            del self._values[next(iter(self._values))]
