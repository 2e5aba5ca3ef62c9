"""Upload grants in Postgres."""

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.tables import uploads
from photo.application.ports import UploadRepository
from photo.domain.access import Tenant
from photo.domain.errors import NotFound
from photo.domain.upload import Upload, UploadId

_ADD = insert(uploads)
_GET = select(uploads).where(
    uploads.c.id == bindparam("upload_id"), uploads.c.tenant == bindparam("tenant")
)


class PostgresUploadRepository(UploadRepository):
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def add(self, upload: Upload) -> None:
        with translated():
            async with self._engine.connect() as db:
                await db.execute(_ADD, to_row(upload))

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        with translated():
            async with self._engine.connect() as db:
                found = await db.execute(
                    _GET, {"upload_id": upload_id, "tenant": tenant}
                )
                row = found.mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no upload {upload_id!r}.")
        return from_row(row, Upload)
