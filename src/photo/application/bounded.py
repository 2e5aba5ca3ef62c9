"""Much to do, a little of it at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(
    act: Callable[[T], Awaitable[R]], items: Sequence[T], *, at_once: int
) -> list[R]:
    """Act on every item, and return what came of it, in order.

    After an error nothing more is begun; it is raised when the others at work are done.
    """
    answers: list[R] = []
    for group in batches(items, at_once):
        for answer in await asyncio.gather(*map(act, group), return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            answers.append(answer)
    return answers


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
