"""Idempotency keys in Postgres: whoever inserts the row first has the key."""

from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from photo.adapters.postgres.database import LOCK_NOT_AVAILABLE, translated
from photo.adapters.postgres.schema import idempotency_keys as keys
from photo.adapters.postgres.transactions import Database
from photo.application.ports import IdempotencyKeys, KeptAnswer, Pace
from photo.application.ports.idempotency import PATIENCE, still_in_progress
from photo.domain.access import Tenant
from photo.domain.errors import Unavailable
from photo.domain.media import ByteLimits

_LIMITS = select(
    func.set_config("lock_timeout", f"{PATIENCE.total_seconds():.0f}s", True),
    func.set_config("idle_in_transaction_session_timeout", bindparam("rest"), True),
)
_THIS = (keys.c.tenant == bindparam("of")) & (keys.c.key_sha256 == bindparam("key"))
_NEW = insert(keys).values(
    tenant=bindparam("of"),
    key_sha256=bindparam("key"),
    request_sha256=bindparam("request_sha256"),
    created_at=bindparam("now"),
)
_CLAIM = _NEW.on_conflict_do_update(
    index_elements=[keys.c.tenant, keys.c.key_sha256],
    set_={
        "request_sha256": _NEW.excluded.request_sha256,
        "created_at": _NEW.excluded.created_at,
    },
    where=keys.c.created_at < bindparam("expired_before"),
).returning(keys.c.key_sha256)
_FIND = select(keys.c.request_sha256, keys.c.answer).where(_THIS)
_KEEP = update(keys).where(_THIS).values(answer=bindparam("given"))


class PostgresIdempotencyKeys(IdempotencyKeys):
    def __init__(self, database: Database, limits: ByteLimits) -> None:
        self._database = database
        self._limits = {"rest": f"{_rest(limits):.0f}s"}

    async def claim(
        self,
        tenant: Tenant,
        key_sha256: str,
        *,
        request_sha256: str,
        now: datetime,
        expired_before: datetime,
    ) -> KeptAnswer | None:
        this = {"of": tenant, "key": key_sha256}
        claim = {
            **this,
            "request_sha256": request_sha256,
            "now": now,
            "expired_before": expired_before,
        }
        try:
            with translated():
                async with self._database.connect() as db:
                    await db.execute(_LIMITS, self._limits)
                    if (await db.execute(_CLAIM, claim)).first():
                        return None
                    return KeptAnswer(*(await db.execute(_FIND, this)).one())
        except Unavailable as error:
            if error.reason == LOCK_NOT_AVAILABLE:
                raise still_in_progress() from error
            raise

    async def keep(self, tenant: Tenant, key_sha256: str, answer: bytes) -> None:
        values = {"of": tenant, "key": key_sha256, "given": answer}
        with translated():
            async with self._database.connect() as db:
                await db.execute(_KEEP, values)


def _rest(limits: ByteLimits) -> float:
    """Seconds without a statement: the largest photo may be copied for the answer.

    It is read and written as slowly as a store may be.
    """
    return 2 * Pace().of(limits.largest)
