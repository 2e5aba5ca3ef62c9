"""A running service, and clients of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from dishka import Provider

from photo.domain.access import Tenant
from photo.entrypoints.http.app import HttpConfig
from tests.http.listening import (
    Hasty,
    Line,
    Listener,
    Reached,
    http_only,
    listening,
)
from tests.http.service import Service, running
from tests.makers import new_id

Run = Callable[..., Awaitable[Service]]


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """Start the service with other providers, or another configuration."""
    async with AsyncExitStack() as stack:

        async def start(
            *overrides: Provider, config: HttpConfig | None = None
        ) -> Service:
            return await stack.enter_async_context(running(*overrides, config=config))

        yield start


@pytest.fixture(scope="session")
async def service() -> AsyncIterator[Service]:
    """One service for all tests that need no other: each is a tenant of its own."""
    async with running() as service:
        yield service


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(new_id("tenant"))


@pytest.fixture
async def api(service: Service, tenant: Tenant) -> httpx.AsyncClient:
    """A client that may do everything."""
    return await service.client(tenant)


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[tuple[Reached, Listener]]:
    reached = Reached()
    app = http_only(reached.app())
    async with listening(app, protocol=Hasty) as listener:
        yield reached, listener


@pytest.fixture
def reached(shared: tuple[Reached, Listener]) -> Reached:
    reached, _ = shared
    reached.requests.clear()
    return reached


@pytest.fixture
async def line(shared: tuple[Reached, Listener]) -> AsyncIterator[Line]:
    _, listener = shared
    async with listener.line() as line:
        yield line
