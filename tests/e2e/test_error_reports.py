"""Bugs of real processes, as Sentry gets them."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from photo import __version__
from photo.adapters.temporal.attempts import BUG_ATTEMPTS
from tests.e2e.apart import break_table, deployed_apart
from tests.e2e.test_intake import JPEG, ended
from tests.e2e.test_refusals import grant, send, submit
from tests.sentry import error_sink
from tests.services import Servers

HOOK = {"url": "https://example.com/hooks"}


@pytest.mark.timeout(600)
async def test_bugs_are_reported_and_callers_mistakes_are_not(
    servers: Servers, tmp_path: Path
) -> None:
    with error_sink() as sentry:
        async with deployed_apart(servers, tmp_path, SENTRY_DSN=sentry.dsn) as service:
            key = await service.admins_key()
            async with service.client(key) as client:
                await mistakes(client)
                for table in ("webhooks", "job_texts"):
                    await break_table(service.env, table)
                asked = await client.post("/v1/webhooks", json=HOOK)
                assert asked.status_code == httpx.codes.INTERNAL_SERVER_ERROR
                job = await a_job(client, JPEG)
                assert job["error"]["code"] == "internal"
    events = sentry.events
    assert {(event["release"], event["environment"]) for event in events} == {
        (__version__, "staging")
    }
    request, *steps = [event["tags"] for event in events]
    assert request == {
        "request_id": asked.headers["X-Request-Id"],
        "route": "/v1/webhooks",
        "tenant": "default",
    }
    assert len(steps) == BUG_ATTEMPTS
    for step in steps:
        about = {"job_id": job["id"], "step": "publish", "tenant": "default"}
        assert about.items() <= step.items()


async def mistakes(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/jobs/job_0")).status_code == httpx.codes.NOT_FOUND
    refused = await client.post("/v1/jobs", json={"source": 1})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    job = await a_job(client, b"This is no photo.")
    assert job["error"]["code"] == "unsupported_media_type"


async def a_job(client: httpx.AsyncClient, photo: bytes) -> dict[str, Any]:
    upload = await grant(client)
    assert (await send(upload, photo)).is_success
    return await ended(client, (await submit(client, upload)).json())
