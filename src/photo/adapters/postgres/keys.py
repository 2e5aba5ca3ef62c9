"""API keys in Postgres."""

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import RowMapping

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import api_keys
from photo.adapters.postgres.transactions import Database
from photo.application.ports import KeyRepository
from photo.domain.access import ApiKey, KeyId
from photo.domain.errors import NotFound

_THIS = api_keys.c.id == bindparam("key_id")
_ADD = insert(api_keys)
_GET = select(api_keys).where(_THIS)
_LOCK = _GET.with_for_update()
_CHANGE = update(api_keys).where(_THIS)
_ALL = select(api_keys).order_by(api_keys.c.id.desc())


class PostgresKeyRepository(KeyRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_ADD, to_row(key))

    async def get(self, key_id: KeyId) -> ApiKey:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET, {"key_id": key_id})
                return _one(found.mappings().one_or_none(), key_id)

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    found = await db.execute(_LOCK, {"key_id": key_id})
                    key = change(_one(found.mappings().one_or_none(), key_id))
                    await db.execute(_CHANGE, {"key_id": key_id, **to_row(key)})
                    return key

    async def all(self) -> Sequence[ApiKey]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_ALL)
                return [from_row(row, ApiKey) for row in found.mappings()]


def _one(row: RowMapping | None, key_id: KeyId) -> ApiKey:
    if row is None:
        raise NotFound(f"There is no key {key_id!r}.")
    return from_row(row, ApiKey)
