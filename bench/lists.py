"""Lists, filters and search on many jobs beside few.

`python -m bench.lists 10000 1000000` takes some minutes to make the databases. With
`--plans` it also shows how Postgres finds jobs among many. The databases are kept in a
data directory where one is named, and filled once.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.filling import BEGINNING, DAYS, TENANT, bytes_per_job, fill, first_id
from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.migrate import migrate
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.texts import PostgresTextIndex
from photo.adapters.postgres.transactions import Database
from photo.application.ports import JobQuery
from photo.application.searching import SearchTexts
from photo.application.tenancy import act_for
from photo.domain.job import JobId, Status
from photo.domain.search import Query
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.servers import start_servers

_ROUNDS = 41
_SHOW = "SELECT set_config('photo.tenant', $1, false)"
_SEARCH_TABLES = ["job_texts", "job_words"]
_LIMIT = 50
_MIDDLE = BEGINNING + timedelta(days=DAYS / 2)
_MONTH = timedelta(days=30)

_LISTS: dict[str, dict[str, Any]] = {
    "newest": {},
    "a page in the middle": {"before": JobId(first_id(_MIDDLE))},
    "status common": {"status": Status.SUCCEEDED},
    "status rare": {"status": Status.FAILED},
    "status hardly any": {"status": Status.RUNNING},
    "created_after": {"created_after": _MIDDLE},
    "created_before": {"created_before": _MIDDLE},
    "a month": {"created_after": _MIDDLE, "created_before": _MIDDLE + _MONTH},
    "a month, status common": {
        "created_after": _MIDDLE,
        "created_before": _MIDDLE + _MONTH,
        "status": Status.SUCCEEDED,
    },
    "metadata common": {"metadata": (("source", "web"),)},
    "metadata rare": {"metadata": (("shop", "17"),)},
    "metadata unique": {"metadata": (("order", "1234"),)},
    "metadata common, created_before": {
        "metadata": (("source", "web"),),
        "created_before": _MIDDLE,
    },
    "metadata common and rare": {"metadata": (("source", "web"), ("shop", "17"))},
    "metadata common and unique": {"metadata": (("source", "web"), ("order", "1234"))},
    "metadata common, status rare": {
        "metadata": (("source", "web"),),
        "status": Status.FAILED,
    },
    "metadata common, status hardly any": {
        "metadata": (("source", "web"),),
        "status": Status.RUNNING,
    },
    "metadata of nothing": {"metadata": (("source", "fax"),)},
}
_SEARCHES: dict[str, str] = {
    "a common word": "total",
    "a word of one in twenty": "w20",
    "a rare word": "w100",
    "a unique word": "inv00001234",
    "no word": "nowhere",
    "two common words": "total w1",
    "a common and a rare word": "total w100",
    "three words": "total w2 w3",
    "a phrase": '"total w2"',
    "a prefix": "inv0000123*",
    "a prefix and a common word": "inv0000123* total",
    "two words never together": "older newer",
}

Ask = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Place:
    """A database of so many jobs, and what was sent to it last."""

    jobs: PostgresJobRepository
    search: SearchTexts
    engine: AsyncEngine
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def asks(self) -> dict[str, Ask]:
        return {
            **{f"list: {name}": self._list(query) for name, query in _LISTS.items()},
            **{f"search: {name}": self._find(q) for name, q in _SEARCHES.items()},
            "search: a common word, in the middle": self._find(
                "total", JobId(first_id(_MIDDLE))
            ),
        }

    def _list(self, filters: dict[str, Any]) -> Ask:
        query = JobQuery(tenant=TENANT, limit=_LIMIT + 1, **filters)
        return lambda: self.jobs.page(query)

    def _find(self, q: str, before: JobId | None = None) -> Ask:
        query = Query.parse(q)
        return lambda: self.search(TENANT, query, limit=_LIMIT, before=before)


async def _measure(places: Sequence[_Place]) -> dict[str, Any]:
    """By turns: the median of each question in milliseconds, and their ratio."""
    figures = {}
    for name in places[0].asks():
        seconds: list[list[float]] = [[] for _ in places]
        for turn in range(_ROUNDS):
            for place, spent in zip(places, seconds, strict=True):
                since = perf_counter()
                await place.asks()[name]()
                if turn:  # the first warms up
                    spent.append(perf_counter() - since)
        few, many = (median(spent) * 1000 for spent in seconds)
        figures[name] = {
            "few_ms": round(few, 2),
            "many_ms": round(many, 2),
            "ratio": round(many / few, 2),
        }
    return figures


async def _show_plans(place: _Place) -> None:
    for name, ask in place.asks().items():
        place.statements.clear()
        await ask()
        print(f"\n=== {name}")
        for statement, values in [*place.statements]:
            async with place.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                await driver.execute(_SHOW, TENANT)
                explain = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}"
                for row in await driver.fetch(explain, *values):
                    print(row[0])


async def _run(data_dir: Path, sizes: Sequence[int], *, plans: bool) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        children = await stack.enter_async_context(Children(data_dir))
        servers = await start_servers(children, say=print)
        places, figures = [], {}
        for size in sizes:
            url = servers.database_url.removesuffix("/photo") + f"/jobs_{size}"
            admin_url = servers.admin_database_url.replace("+asyncpg", "")
            if await _create(admin_url, f"jobs_{size}"):
                since = perf_counter()
                await migrate(url)
                await fill(f"{admin_url.removesuffix('/postgres')}/jobs_{size}", size)
                figures[f"fill_{size}_s"] = round(perf_counter() - since)
            engine = create_engine(url)
            stack.push_async_callback(engine.dispose)
            reader = Reader(url)
            stack.push_async_callback(reader.close)
            database = Database(engine, reader=reader)
            place = _Place(
                PostgresJobRepository(database),
                SearchTexts(PostgresTextIndex(database)),
                engine,
            )
            _listen(engine, place)
            places.append(place)
            figures[f"search_bytes_per_job_{size}"] = await bytes_per_job(
                url, _SEARCH_TABLES, size
            )
        act_for(TENANT)
        if plans:
            await _show_plans(places[-1])
        return {**figures, **await _measure(places)}


def _listen(engine: AsyncEngine, place: _Place) -> None:
    def note(_c: object, _d: object, statement: str, values: Any, *_: object) -> None:
        place.statements.append((statement, tuple(values)))

    event.listen(engine.sync_engine, "before_cursor_execute", note)


async def _create(admin_url: str, name: str) -> bool:
    """Say whether the database had to be created."""
    admin = await asyncpg.connect(admin_url)
    try:
        known = await admin.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1", name
        )
        if not known:
            await admin.execute(f"CREATE DATABASE {name} OWNER photo")
        return not known
    finally:
        await admin.close()


def main(
    sizes: Sequence[int], *, data_dir: Path | None = None, plans: bool = False
) -> dict[str, Any]:
    if data_dir:
        return asyncio.run(_run(data_dir, sizes, plans=plans))
    with TemporaryDirectory(prefix="photo-bench-") as folder:
        return asyncio.run(_run(Path(folder), sizes, plans=plans))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs=2)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--plans", action="store_true")
    given = parser.parse_args()
    figures = main(given.sizes, data_dir=given.data_dir, plans=given.plans)
    for name, figure in figures.items():
        print(f"{name:40} {json.dumps(figure)}")
