"""How much is still to be done."""

from datetime import datetime

from sqlalchemy import bindparam, func, literal, select

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.schema import UNFINISHED, jobs
from photo.adapters.postgres.transactions import Database
from photo.application.ports import Backlog, Endings

_SOME = select(literal(1)).select_from(jobs).where(UNFINISHED)
_UNFINISHED = select(func.count()).select_from(
    _SOME.limit(bindparam("at_most")).subquery()
)
_LAST = (
    select(jobs.c.finished_at)
    .where(jobs.c.finished_at > bindparam("since"))
    .order_by(jobs.c.finished_at.desc())
    .limit(bindparam("at_most"))
    .subquery()
)
_ENDINGS = select(func.count(), func.min(_LAST.c.finished_at))


class PostgresBacklog(Backlog):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def unfinished(self, *, at_most: int) -> int:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_UNFINISHED, {"at_most": at_most})
                return found.scalar_one()

    async def endings(self, *, since: datetime, at_most: int) -> Endings:
        with translated():
            async with self._database.connect() as db:
                values = {"since": since, "at_most": at_most}
                ended, first = (await db.execute(_ENDINGS, values)).one()
                return Endings(ended, since if ended < at_most else first)
