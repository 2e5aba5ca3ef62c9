import asyncio
from asyncio import StreamReader, StreamWriter

from structlog.typing import EventDict

from photo.adapters.temporal.client import TemporalServer


async def test_a_worker_waits_for_a_server_that_is_not_up_yet(
    temporal: TemporalServer, logs: list[EventDict]
) -> None:
    async with asyncio.timeout(30), await late_server(temporal.target, logs) as late:
        port = late.sockets[0].getsockname()[1]
        client = await TemporalServer(target=f"127.0.0.1:{port}").connected()
        assert await client.service_client.check_health()
    assert "temporal_unreachable" in {line["event"] for line in logs}


async def late_server(target: str, logs: list[EventDict]) -> asyncio.Server:
    """Hangs up until something is logged; puts later callers through to the target."""
    host, _, port = target.partition(":")

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        if logs:
            upstream = await asyncio.open_connection(host, int(port))
            await asyncio.gather(
                pass_on(reader, upstream[1]), pass_on(upstream[0], writer)
            )
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


def test_its_secrets_are_not_shown() -> None:
    server = TemporalServer(
        target="temporal:7233", api_key="open sesame", tls_key=b"private"
    )
    assert "sesame" not in repr(server)
    assert "private" not in repr(server)
