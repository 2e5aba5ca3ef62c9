"""Files known as infected, in Postgres."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import infected_files
from photo.adapters.postgres.transactions import Database
from photo.application.ports import InfectedFiles
from photo.domain.errors import NotFound
from photo.domain.infected import InfectedFile

_THIS = infected_files.c.sha256 == bindparam("file_sha256")
_ADD = insert(infected_files).on_conflict_do_nothing(
    index_elements=[infected_files.c.sha256]
)
_FIND = select(infected_files).where(_THIS)
_NEWEST = (
    select(infected_files)
    .order_by(infected_files.c.found_at.desc())
    .limit(bindparam("limit"))
)
_FORGET = delete(infected_files).where(_THIS)


class PostgresInfectedFiles(InfectedFiles):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: InfectedFile) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_ADD, to_row(file))

    async def find(self, sha256: str) -> InfectedFile | None:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_FIND, {"file_sha256": sha256})
                row = found.mappings().one_or_none()
        return from_row(row, InfectedFile) if row else None

    async def all(self, *, limit: int) -> Sequence[InfectedFile]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_NEWEST, {"limit": limit})
                return [from_row(row, InfectedFile) for row in found.mappings()]

    async def forget(self, sha256: str) -> None:
        with translated():
            async with self._database.connect() as db:
                forgotten = await db.execute(_FORGET, {"file_sha256": sha256})
        if not forgotten.rowcount:
            raise NotFound(f"No infected file has the SHA-256 {sha256!r}.")
