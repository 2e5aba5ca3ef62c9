"""Whether a worker process asks for work."""

from photo.adapters.temporal.worker import Workers
from photo.application.ports import Check
from photo.domain.errors import Unavailable


class Polling(Check):
    """Not before its workers are started, and not when they stop.

    The one that waits for the scanner to be safe may come later.
    """

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def watch(self, workers: Workers) -> None:
        self._workers = workers

    async def check(self) -> None:
        if self._workers is None or not self._ask(self._workers):
            raise Unavailable("It does not ask for work.", reason="not_polling")

    def _ask(self, workers: Workers) -> bool:
        needed = (each for each in workers if each is not workers.scans)
        return all(each.is_running for each in needed)
