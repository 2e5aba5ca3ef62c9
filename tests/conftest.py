from collections.abc import AsyncIterator

import pytest

from tests.services import (
    Servers,
    fresh_bucket,
    fresh_database,
    servers_or_skip,
)


@pytest.fixture(scope="session")
async def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Servers]:
    """Postgres, S3 and Temporal, started when the first test asks for them."""
    async with servers_or_skip(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
async def database_url(servers: Servers) -> AsyncIterator[str]:
    """The URL of an empty database."""
    async with fresh_database(servers) as url:
        yield url


@pytest.fixture
async def bucket(servers: Servers) -> AsyncIterator[str]:
    """The name of an empty bucket."""
    async with fresh_bucket(servers) as name:
        yield name
