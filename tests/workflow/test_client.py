import asyncio

from structlog.typing import EventDict
from temporalio.client import Client

from drill.shapes import Deed
from photo.adapters.temporal.client import TemporalServer
from photo.entrypoints.waiting import patiently
from tests.faults import in_front_of


async def test_a_worker_waits_for_a_server_that_is_not_up_yet(
    temporal: TemporalServer, logs: list[EventDict]
) -> None:
    async with asyncio.timeout(180), in_front_of(temporal.target) as proxy:
        await proxy.set(Deed.CUT)
        late = TemporalServer(target=f"127.0.0.1:{proxy.port}")
        tries = asyncio.Semaphore(0)

        async def connect() -> Client:
            tries.release()
            return await late.connected()

        connecting = asyncio.create_task(patiently(connect))
        for _ in ("refused", "asked again"):
            await tries.acquire()
        await proxy.set(None)
        assert await (await connecting).service_client.check_health()
    assert {line["event"] for line in logs} == {"waiting_for_dependency"}


def test_its_secrets_are_not_shown() -> None:
    server = TemporalServer(
        target="temporal:7233", api_key="open sesame", tls_key=b"private"
    )
    assert "sesame" not in repr(server)
    assert "private" not in repr(server)
