"""How long to wait before trying again: longer each time, and never all at once."""

from datetime import timedelta

from temporalio.common import RetryPolicy

_FIRST = timedelta(seconds=1)
_LONGEST = timedelta(seconds=30)
_NONE = timedelta()
#: Later than this the pauses grow no longer.
_DOUBLINGS = 5

#: What holds of attempts that could not say themselves how long: they were cut short.
RETRY = RetryPolicy(
    initial_interval=_FIRST, backoff_coefficient=2.0, maximum_interval=_LONGEST
)


def pause(failures: int, chance: float, *, at_least: timedelta = _NONE) -> timedelta:
    """After so many failures in a row; `chance` is from 0 up to 1.

    Half of the pause is left to chance: what failed together does not come back
    together. Nobody who said when to come back is asked before.
    """
    usual = min(_FIRST * 2.0 ** min(failures - 1, _DOUBLINGS), _LONGEST)
    return max(usual * (1 + chance) / 2, at_least * (1 + chance / 2))
