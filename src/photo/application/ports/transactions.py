"""What is stored together."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[None]:
        """All that repositories store inside is stored at its end, or not at all.

        Inside another one it joins that. An error inside undoes the whole, also where
        it is caught before it has left the outermost.
        """

    async def then(self, act: Callable[[], Awaitable[object]]) -> None:
        """Act when what was stored so far is certain: at once, if it is already.

        What takes place outside the database goes here: if the process dies between
        the two, it has not happened, and something must find out.
        """
