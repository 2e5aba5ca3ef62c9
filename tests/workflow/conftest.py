from collections.abc import Iterator

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from structlog.typing import EventDict
from temporalio.client import Client

from photo.adapters.temporal.client import TemporalServer
from tests.services import Servers


@pytest.fixture(scope="session")
def temporal(servers: Servers) -> TemporalServer:
    return TemporalServer(
        target=servers.temporal_target, namespace=servers.temporal_namespace
    )


@pytest.fixture(scope="session")
async def client(temporal: TemporalServer) -> Client:
    return await temporal.connected()


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What is logged; and nothing spends seconds on drawing tracebacks."""
    with capture_logs(processors=[merge_contextvars]) as logs:
        yield logs
