"""Counting what has happened, when it is certain that it has."""

from collections.abc import Callable

from photo.application.ports import Transactions


async def when_certain(transactions: Transactions, count: Callable[[], None]) -> None:
    """Count after the commit of what is under way, or at once."""

    async def act() -> None:
        count()

    await transactions.then(act)
