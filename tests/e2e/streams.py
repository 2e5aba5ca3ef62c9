"""Streams of events, read to their ends."""

import asyncio
from typing import NamedTuple

import httpx
import msgspec


class Stream(NamedTuple):
    """What was seen of a job."""

    versions: list[int]
    last_status: str
    #: After how many seconds to come again.
    retry: float


async def follow(
    client: httpx.AsyncClient,
    path: str,
    *,
    after: int = 0,
    follows: asyncio.Event | None = None,
) -> Stream:
    """All events up to the end of the stream; `follows` is set at the first."""
    versions, status, retry = [], "", 0.0
    headers = {"Last-Event-ID": str(after)}
    async with client.stream("GET", path, headers=headers) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            match name:
                case "retry":
                    retry = int(value) / 1000
                case "id":
                    versions.append(int(value))
                case "data":
                    status = msgspec.json.decode(value)["status"]
                    if follows:
                        follows.set()
    return Stream(versions, status, retry)
