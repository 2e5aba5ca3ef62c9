"""API keys in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, insert, null, or_, select, update
from sqlalchemy.engine import RowMapping

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import api_keys
from photo.adapters.postgres.transactions import Database
from photo.application.ports import KeyRepository
from photo.domain.access import ONE_USE, ApiKey, KeyId, Tenant
from photo.domain.errors import NotFound

_THIS = api_keys.c.id == bindparam("key_id")
_OF_TENANT = api_keys.c.tenant == bindparam("of")
_ADD = insert(api_keys)
_GET = select(api_keys).where(_THIS)
_GET_FOR = _GET.where(_OF_TENANT)
_LOCK = _GET.with_for_update()
_CHANGE = update(api_keys).where(_THIS)
_ALL = select(api_keys).order_by(api_keys.c.id.desc())
_NEWEST = _ALL.where(_OF_TENANT).limit(bindparam("limit"))
_OLDER = _NEWEST.where(api_keys.c.id < bindparam("before"))

_COUNTS = or_(
    api_keys.c.last_used_at.is_(None),
    api_keys.c.last_used_at <= bindparam("one_use_ago"),
    api_keys.c.secret_hmac.is_(None),
)
_UNDISTURBED = (
    select(api_keys.c.id).where(_THIS, _COUNTS).with_for_update(skip_locked=True)
)
_NOTE_USE = (
    update(api_keys)
    .where(api_keys.c.id == _UNDISTURBED.scalar_subquery())
    .values(
        last_used_at=bindparam("at"),
        secret_hmac=bindparam("hmac"),
        secret_sha256=null(),
    )
)


class PostgresKeyRepository(KeyRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_ADD, to_row(key))

    async def get(self, key_id: KeyId) -> ApiKey:
        return _one(await self._database.row(_GET, {"key_id": key_id}), key_id)

    async def get_for(self, tenant: Tenant, key_id: KeyId) -> ApiKey:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET_FOR, {"key_id": key_id, "of": tenant})
                return _one(found.mappings().one_or_none(), key_id)

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    found = await db.execute(_LOCK, {"key_id": key_id})
                    key = change(_one(found.mappings().one_or_none(), key_id))
                    await db.execute(_CHANGE, {"key_id": key_id, **to_row(key)})
                    return key

    async def note_use(self, key_id: KeyId, *, at: datetime, secret_hmac: str) -> None:
        values = {
            "key_id": key_id,
            "at": at,
            "one_use_ago": at - ONE_USE,
            "hmac": secret_hmac,
        }
        with translated():
            async with self._database.connect() as db:
                await db.execute(_NOTE_USE, values)

    async def page(
        self, tenant: Tenant, *, limit: int, before: KeyId | None = None
    ) -> Sequence[ApiKey]:
        statement = _OLDER if before else _NEWEST
        values = {"of": tenant, "limit": limit, "before": before}
        return await self._list(statement, values)

    async def all(self) -> Sequence[ApiKey]:
        return await self._list(_ALL, {})

    async def _list(
        self, statement: Select[Any], values: Mapping[str, Any]
    ) -> Sequence[ApiKey]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(statement, values)
                return [from_row(row, ApiKey) for row in found.mappings()]


def _one(row: Mapping[str, Any] | RowMapping | None, key_id: KeyId) -> ApiKey:
    if row is None:
        raise NotFound(f"There is no key {key_id!r}.")
    return from_row(row, ApiKey)
