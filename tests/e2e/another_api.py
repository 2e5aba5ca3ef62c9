"""One more `photo api` beside the service of the tests."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from photo.entrypoints.local.ports import choose_ports
from tests.e2e.conftest import PHOTO, Service


@asynccontextmanager
async def another_api(
    service: Service, log: Path, **settings: str
) -> AsyncIterator[str]:
    """Its URL: another process on the same database."""
    port = choose_ports(["another"])["another"]
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            PHOTO,
            "api",
            env={**service.env, "PORT": str(port), **settings},
            stdout=file,
            stderr=file,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _until_alive(url, process, log)
        yield url
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def _until_alive(url: str, process: Process, log: Path) -> None:
    transport = httpx.AsyncHTTPTransport(retries=10)
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        while True:
            assert process.returncode is None, log.read_text()
            try:
                if (await client.get("/healthz")).is_success:
                    return
            except httpx.TransportError:
                continue
