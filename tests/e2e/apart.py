"""A deployment of its own, on a database and a queue of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from photo.adapters.postgres.migrate import migrate
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import furnish, service_variables
from tests.e2e.conftest import Service, deployed
from tests.services import Servers, fresh_database


@asynccontextmanager
async def deployed_apart(
    servers: Servers, folder: Path, **settings: str
) -> AsyncIterator[Service]:
    """Its logs lie in `logs` in the folder: JSON lines, if not set otherwise."""
    async with apart(servers, folder, **settings) as env:
        logs = folder / "logs"
        logs.mkdir()
        async with deployed(env, logs) as service:
            yield service


@asynccontextmanager
async def apart(
    servers: Servers, folder: Path, **settings: str
) -> AsyncIterator[Mapping[str, str]]:
    """The settings of one."""
    port = choose_ports(["apart"])["apart"]
    await furnish(servers, port)
    async with fresh_database(servers) as database_url:
        await migrate(database_url)
        yield {
            **service_variables(servers, port),
            "DATABASE_URL": database_url,
            "ENVIRONMENT": "staging",
            "TEMPORAL_TASK_QUEUE": f"apart-{uuid4().hex}",
            "TMPDIR": str(folder),
            "URL_ALLOWED_NETWORKS": "127.0.0.1/32",
            "URL_ALLOW_HTTP": "true",
            **settings,
        }


async def break_table(env: Mapping[str, str], table: str) -> None:
    """Have every row for it refused, in words that quote the row: a bug."""
    url = env["DATABASE_URL"].replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID"
        )
    finally:
        await connection.close()
