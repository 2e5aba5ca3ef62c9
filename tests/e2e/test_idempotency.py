"""Sent again, and again at the same moment, to the real processes."""

import asyncio
from uuid import uuid4

from tests.e2e.conftest import Service


async def test_of_fifty_equal_requests_at_once_one_makes_a_job(
    service: Service,
) -> None:
    source = {"type": "url", "url": "https://photos.example/1.jpg"}
    tag = uuid4().hex
    body = {"source": source, "metadata": {"tag": tag}}
    key = {"Idempotency-Key": uuid4().hex}
    async with service.client() as client:
        answers = await asyncio.gather(
            *(client.post("/v1/jobs", json=body, headers=key) for _ in range(50))
        )
        listed = await client.get("/v1/jobs", params={"metadata.tag": tag})
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    [job] = listed.json()["items"]
    assert job["id"] == answers[0].json()["id"]
