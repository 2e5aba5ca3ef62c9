"""Upload grants in Postgres."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import jobs, uploads
from photo.adapters.postgres.transactions import Database
from photo.application.ports import UploadRepository
from photo.domain.access import Tenant
from photo.domain.errors import NotFound
from photo.domain.upload import Upload, UploadId

_ADD = insert(uploads)
_GET = select(uploads).where(
    uploads.c.id == bindparam("upload_id"), uploads.c.tenant == bindparam("tenant")
)
# Not a NOT EXISTS: the planner may make a join of that, which reads every job.
_USE = select(jobs.c.upload_id).where(jobs.c.upload_id == uploads.c.id).limit(1)
_UNUSED = _USE.correlate(uploads).scalar_subquery().is_(None)
_LOCK_UNUSED = (
    select(uploads.c.id)
    .where(
        uploads.c.created_at >= bindparam("created_after"),
        uploads.c.created_at < bindparam("created_before"),
        _UNUSED,
    )
    .limit(bindparam("limit"))
    # Waits for jobs that are just being added: their uploads are used.
    .with_for_update()
)
# A statement of its own sees the jobs that were added before the locks were had.
_FORGET_UNUSED = delete(uploads).where(
    uploads.c.id.in_(bindparam("ids", expanding=True)), _UNUSED
)


class PostgresUploadRepository(UploadRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, upload: Upload) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_ADD, to_row(upload))

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(
                    _GET, {"upload_id": upload_id, "tenant": tenant}
                )
                row = found.mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no upload {upload_id!r}.")
        return from_row(row, Upload)

    async def forget_unused(
        self, *, created_after: datetime, created_before: datetime, limit: int
    ) -> int:
        values = {
            "created_after": created_after,
            "created_before": created_before,
            "limit": limit,
        }
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    locked = await db.execute(_LOCK_UNUSED, values)
                    forgotten = await db.execute(
                        _FORGET_UNUSED, {"ids": [*locked.scalars()]}
                    )
                    return forgotten.rowcount
