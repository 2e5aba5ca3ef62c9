"""Somebody who looks at lists and jobs now and then, and must see no other tenant's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import NamedTuple

from drill.asking import Api
from drill.following import JOB
from drill.ledger import Ledger


class Promise(NamedTuple):
    api: Api
    job_id: str
    #: On the photo, if it is one to be read.
    word: str


@dataclass(frozen=True, slots=True)
class Reader:
    #: Each for another tenant.
    apis: Sequence[Api]
    #: Their number grows.
    promises: Sequence[Promise]
    ledger: Ledger
    chance: Random

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """It looks around as long as the context is open."""
        reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            await self.look(self.chance.choice(self.apis))

    async def look(self, api: Api) -> None:
        """At anything, be it another tenant's."""
        if not self.promises:
            await api.look("/v1/jobs")
            return
        _, job_id, word = self.chance.choice(self.promises)
        shown = await self.chance.choice(
            [
                partial(api.look, "/v1/jobs"),
                partial(api.look, "/v1/usage"),
                partial(api.look, JOB, id=job_id),
                partial(api.look, "/v1/search", q=word or "receipt"),
            ]
        )()
        self.ledger.leaked.extend(
            promise.job_id
            for promise in self.promises
            if promise.api is not api and promise.job_id in shown
        )
