import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.converter import STRICT
from tests.services import Servers

_TEST_SERVER = Path(sys.executable).with_name("temporal-test-server")


@pytest.fixture(scope="session")
async def client(servers: Servers) -> Client:
    """A client of a real server."""
    server = TemporalServer(
        target=servers.temporal_target, namespace=servers.temporal_namespace
    )
    return await server.connected()


@pytest.fixture
async def impatient_client() -> AsyncIterator[Client]:
    """A client of a server where hours of waiting pass at once."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(_TEST_SERVER), data_converter=STRICT
    ) as environment:
        yield environment.client
