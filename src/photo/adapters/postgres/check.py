"""Whether the database works, and has this version's tables."""

from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.migrate import is_migrated
from photo.application.ports import Check
from photo.domain.errors import Unavailable


class PostgresCheck(Check):
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def check(self) -> None:
        if not await is_migrated(self._engine):
            raise Unavailable("The database lacks tables. Run `photo migrate`.")
