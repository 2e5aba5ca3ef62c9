"""Whether the database works, has this version's tables, and keeps tenants apart."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.migrate import is_migrated
from photo.application.ports import Check
from photo.domain.errors import Unavailable

_ABOVE_POLICIES = text(
    "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
)


class PostgresCheck(Check):
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def check(self) -> None:
        if not await is_migrated(self._engine):
            raise Unavailable(
                "The database is older than this release. Run `photo migrate`."
            )

    async def is_above_policies(self) -> bool:
        """Whether row-level security does not hold for the service's role."""
        with translated():
            async with self._engine.connect() as connection:
                return bool((await connection.execute(_ABOVE_POLICIES)).scalar_one())
