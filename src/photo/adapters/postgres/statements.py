"""Statements that SQLAlchemy builds, once, and asyncpg runs, each time.

That takes an eighth of the CPU, for what clients ask for most often
(docs/decisions/0010).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Insert, Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

#: What finds, or stores, one row at most.
Single = Select[Any] | Insert

#: Whose rows the connection shows from now on, by row-level security.
SHOW = "SELECT set_config('photo.tenant', $1, false)"

Encode = Callable[[Any], Any]


def to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_DIALECT = dialect(json_serializer=to_json)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


class Prepared(NamedTuple):
    sql: str
    #: Names, in their order, and what makes values of JSON and the like.
    parameters: tuple[tuple[str, Encode | None], ...]
    #: Values that the statement brings itself.
    constants: Mapping[str, object]

    async def row(
        self, driver: Any, values: Mapping[str, object]
    ) -> Mapping[str, Any] | None:
        """The only row, or None, by a connection of asyncpg's."""
        given = {**self.constants, **values}
        arguments = [
            given[name] if encode is None else encode(given[name])
            for name, encode in self.parameters
        ]
        found = await driver.fetchrow(self.sql, *arguments)
        return None if found is None else dict(found)


@cache
def prepared(statement: Single) -> Prepared:
    compiled = statement.compile(dialect=_DIALECT)
    binds = {name: compiled.binds[name] for name in compiled.positiontup or ()}
    return Prepared(
        str(compiled),
        tuple(
            (name, bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name, bind in binds.items()
        ),
        {name: bind.value for name, bind in binds.items() if not bind.required},
    )
