"""Whether anybody asks for work is known without asking the workers."""

import asyncio

from temporalio.client import Client

from photo.adapters.temporal.pollers import unheeded_queues
from tests.workflow.stage import Stage


async def test_queues_that_nobody_asks_are_named(client: Client) -> None:
    assert await unheeded_queues(client, "nobody") == [
        "nobody",
        "nobody-fetches",
        "nobody-scans",
        "nobody-images",
        "nobody-webhooks",
    ]


async def test_those_that_a_worker_asks_are_not(client: Client) -> None:
    stage = Stage(client)
    async with await stage.working(), asyncio.timeout(60):
        while await unheeded_queues(client, stage.queue):  # noqa: ASYNC110 # the server tells nobody
            await asyncio.sleep(0.1)
