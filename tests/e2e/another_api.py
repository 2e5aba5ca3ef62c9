"""One more `photo api` beside the service of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from photo.entrypoints.local.ports import choose_ports
from tests.e2e.conftest import Service
from tests.e2e.processes import running


@asynccontextmanager
async def another_api(
    service: Service, log: Path, **settings: str
) -> AsyncIterator[str]:
    """Its URL: another process on the same database."""
    port = choose_ports(["another"])["another"]
    env = {**service.env, "PORT": str(port), **settings}
    async with running("api", env, log) as api:
        await api.until_ready("/healthz")
        yield api.url
