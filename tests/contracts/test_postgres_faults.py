"""The network to Postgres breaks: every call ends in time, and works again later."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.postgres.database import Limits, create_engine
from photo.adapters.postgres.feed import PostgresJobFeed
from photo.adapters.postgres.idempotency import PostgresIdempotencyKeys
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.keys import PostgresKeyRepository
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.adapters.s3 import clients as s3
from photo.application.tenancy import EVERYONE
from photo.domain.access import Tenant
from photo.domain.errors import NotFound, Unavailable
from photo.domain.job import Job, Step
from photo.domain.media import LARGEST_FILE, ByteLimits, MediaType
from tests.faults import (
    FAULTS,
    Call,
    all_fail_and_recover,
    at_once,
    in_front_of,
    seconds_to_fail,
    works,
)
from tests.makers import ACME, NOW, a_job, a_key, an_upload

LIMITS = Limits(connect=1, command=1.5)
#: A place in the pool, a connection, what it is to show, and one statement.
#: With what a busy machine adds; the driver itself waits a minute, or for ever.
BOUND = 30.0


@dataclass
class Away:
    """A database, behind a proxy."""

    proxy: FaultProxy
    database: Database
    engine: AsyncEngine
    url: str
    job: Job

    @property
    def jobs(self) -> PostgresJobRepository:
        return PostgresJobRepository(self.database)

    @property
    def keys(self) -> PostgresKeyRepository:
        return PostgresKeyRepository(self.database)

    def calls(self) -> Mapping[str, Call]:
        """One of each way to a statement."""
        return {
            "one row": lambda: self.jobs.get(self.job.id),
            "rows": self.keys.all,
            "insert": lambda: self.keys.add(a_key()),
            "transaction": self.begin,
            "update": self.update,
            "check": PostgresCheck(self.engine).check,
        }

    async def begin(self) -> None:
        async with self.database.begin():
            pass

    async def update(self) -> None:
        await self.jobs.update(self.job.id, lambda job: job.enter(Step.FETCH, at=NOW))


@pytest.fixture
async def away(database: Database, migrated_url: str) -> AsyncIterator[Away]:
    upload = an_upload()
    job = a_job(upload)
    await PostgresUploadRepository(database).add(upload)
    await PostgresJobRepository(database).add(job)
    async with in_front_of(migrated_url) as proxy:
        through = make_url(migrated_url).set(port=proxy.port)
        url = through.render_as_string(hide_password=False)
        engine, reader = create_engine(url, LIMITS), Reader(url, LIMITS)
        yield Away(
            proxy,
            Database(engine, acts_for=EVERYONE, reader=reader),
            engine,
            url,
            job,
        )
        async with asyncio.timeout(BOUND):
            await reader.close()
            await engine.dispose()


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_open_connections_every_call_ends(away: Away, fault: Deed) -> None:
    await asyncio.gather(*map(works, away.calls().values()))
    await all_fail_and_recover(away.proxy, fault, away.calls(), within=BOUND)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_connections_every_call_ends(away: Away, fault: Deed) -> None:
    await all_fail_and_recover(away.proxy, fault, away.calls(), within=BOUND)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_crowd_ends_as_well(away: Away, fault: Deed) -> None:
    """More than there are connections: most wait for one, and not for long."""
    many = {
        f"{name} {number}": call
        for name, call in away.calls().items()
        for number in range(200 if name == "one row" else 12)
    }
    await all_fail_and_recover(away.proxy, fault, many, within=1.5 * BOUND)


@pytest.mark.parametrize("tenant", [EVERYONE, ACME])
async def test_a_connection_that_was_cut_short_is_not_used_again(
    away: Away, tenant: Tenant
) -> None:
    """Neither by a statement, nor by what it is told to show."""
    await away.keys.all()
    jobs = PostgresJobRepository(Database(away.engine, acts_for=tenant))
    await away.proxy.set(Deed.HALF_OPEN)
    await seconds_to_fail(lambda: jobs.get(away.job.id), within=BOUND)
    await away.proxy.set(None)
    assert await jobs.get(away.job.id) == away.job


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_transaction_cannot_be_kept_from_its_end(
    away: Away, fault: Deed
) -> None:
    async def give_up() -> None:
        async with away.database.begin():
            await away.proxy.set(fault)
            raise Unavailable("Something else is away.")

    await seconds_to_fail(give_up, within=BOUND)
    await away.proxy.set(None)
    await away.begin()


@pytest.mark.parametrize("fault", [Deed.HALF_OPEN, Deed.DRIP])
async def test_what_was_stored_may_be_there_although_nobody_heard_of_it(
    away: Away, fault: Deed
) -> None:
    key = a_key()

    async def add() -> None:
        async with away.database.begin():
            await away.keys.add(key)
            await away.proxy.set(fault)

    await seconds_to_fail(add, within=BOUND)
    await away.proxy.set(None)
    assert await away.keys.get(key.id) == key


async def test_what_never_arrived_is_not_stored(away: Away) -> None:
    key = a_key()

    async def add() -> None:
        async with away.database.begin():
            await away.keys.add(key)
            await away.proxy.set(Deed.CUT)

    await seconds_to_fail(add, within=BOUND)
    await away.proxy.set(None)
    with pytest.raises(NotFound):
        await away.keys.get(key.id)


async def test_when_one_connection_was_silent_all_are_replaced(away: Away) -> None:
    async def backends() -> set[int]:
        pid, together = select(func.pg_backend_pid()), asyncio.Barrier(3)

        async def backend() -> int:
            async with away.database.connect() as connection:
                await together.wait()
                return int((await connection.execute(pid)).scalar_one())

        return {*await asyncio.gather(*(backend() for _ in range(3)))}

    before = await backends()
    await away.proxy.set(Deed.HALF_OPEN)
    await seconds_to_fail(away.keys.all, within=BOUND)
    await away.proxy.set(None)
    assert not before & await backends()


@pytest.mark.parametrize("fault", FAULTS)
async def test_closing_ends_whatever_the_network_does(away: Away, fault: Deed) -> None:
    await asyncio.gather(*map(works, away.calls().values()))
    await away.proxy.set(fault)
    await at_once(away.engine.dispose)


async def test_who_does_nothing_in_a_transaction_loses_its_locks(
    away: Away, database: Database
) -> None:
    """As a process that was stopped, or cut off, in the middle of one."""
    engine = create_engine(away.url, Limits(idle=0.3))
    stopped = Database(engine, acts_for=EVERYONE)

    async def stop_in_the_middle() -> None:
        async with stopped.begin():
            await PostgresJobRepository(stopped).update(
                away.job.id, lambda job: job.enter(Step.VERIFY, at=NOW)
            )
            # This one waits for the row.
            others = PostgresJobRepository(database)
            await others.update(away.job.id, lambda job: job.enter(Step.FETCH, at=NOW))

    await seconds_to_fail(stop_in_the_middle, within=BOUND)
    assert (await away.jobs.get(away.job.id)).step is Step.FETCH
    await engine.dispose()


async def test_who_cannot_be_told_waits_for_no_lock(
    away: Away, engine: AsyncEngine
) -> None:
    lock = text("SELECT FROM jobs WHERE id = :id FOR UPDATE")
    waiting = text(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    async with (
        Database(engine, acts_for=EVERYONE).connect() as showing,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as look,
    ):
        await showing.execute(text("BEGIN"))
        await showing.execute(lock, {"id": away.job.id})
        update = asyncio.create_task(seconds_to_fail(away.update, within=BOUND))
        async with asyncio.timeout(BOUND):
            while not (await look.execute(waiting)).all():
                pass
            await away.proxy.set(Deed.BLACKHOLE)
            while (await look.execute(waiting)).all():
                pass
        await showing.execute(text("ROLLBACK"))
    await update


@pytest.mark.parametrize("largest", [50_000_000, LARGEST_FILE])
async def test_an_answer_has_time_for_copying_the_largest_photo(
    database: Database, largest: int
) -> None:
    limits = ByteLimits({MediaType.TIFF: largest})
    async with database.begin():
        claimed = await PostgresIdempotencyKeys(database, limits).claim(
            ACME, "11" * 32, request_sha256="22" * 32, now=NOW, expired_before=NOW
        )
        assert claimed is None
        async with database.connect() as connection:
            milliseconds = await connection.scalar(
                text(
                    "SELECT setting::int FROM pg_settings "
                    "WHERE name = 'idle_in_transaction_session_timeout'"
                )
            )
    assert milliseconds >= 2000 * s3.LIMITS.of(largest)


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_feed_finds_its_way_back(away: Away, fault: Deed) -> None:
    async with (
        PostgresJobFeed(away.url, LIMITS, heartbeat=timedelta(seconds=0.3)) as feed,
        feed.subscribe(away.job.id) as changes,
    ):
        assert await changes.wait(timedelta(seconds=BOUND))  # listening
        await away.proxy.set(fault)
        assert await changes.wait(timedelta(seconds=BOUND))  # lost
        await away.proxy.set(None)
        assert await changes.wait(timedelta(seconds=BOUND))  # back
        await away.update()
        assert await changes.wait(timedelta(seconds=BOUND))
