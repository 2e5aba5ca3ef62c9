import gc
from collections.abc import AsyncIterator

import pytest

from tests.scanning import Clamd, clamd_if_installed
from tests.services import Servers, fresh_bucket, fresh_database, running_servers
from tests.valkey import Valkey, running_valkey


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays till the end: it stops every thread."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
async def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Servers]:
    """Postgres, S3 and Temporal, started when the first test asks for them."""
    async with running_servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture(scope="session")
async def any_clamd(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Clamd | None]:
    """A virus scanner as the operator's guide wants it, where there is one."""
    async with clamd_if_installed(tmp_path_factory.mktemp("clamd")) as clamd:
        yield clamd


@pytest.fixture(scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Valkey]:
    """What processes share their limits through."""
    async with running_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def clamd(any_clamd: Clamd | None) -> Clamd:
    if any_clamd is None:
        pytest.skip("clamd is not installed")
    return any_clamd


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
