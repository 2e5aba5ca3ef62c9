"""One trace of a job, from its client to the last call, as a collector gets it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.collector import SOON, Collector, Sent, collecting
from tests.e2e.apart import deployed_apart
from tests.e2e.conftest import Service
from tests.e2e.test_intake import JPEG, ended
from tests.e2e.test_refusals import grant, send
from tests.e2e.test_webhooks import Receiver, receiving
from tests.scanning import Clamd
from tests.services import Servers

TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ASKED = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01", "X-Request-Id": "r-1"}
API, WORKER = "photo-api", "photo-worker"

#: What each step asks others for.
CALLS = {
    "verify": {"raw_bucket read", "scanner scan"},
    "normalize": {"raw_bucket read", "imaging normalize", "processed_bucket write"},
    "recognize": {
        "processed_bucket read",
        "processed_bucket write",
        "recognizer recognize",
    },
    "publish": {"processed_bucket read", "processed_bucket write"},
}


@asynccontextmanager
async def traced(
    servers: Servers, clamd: Clamd, folder: Path
) -> AsyncIterator[tuple[Service, Collector]]:
    with collecting() as collector:
        settings = {
            **SOON,
            "CLAMD_URL": clamd.tcp_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        async with deployed_apart(servers, folder, **settings) as service:
            yield service, collector


async def asked_for(client: httpx.AsyncClient, receiver: Receiver) -> Mapping[str, Any]:
    """A job, in its caller's trace; all else is not."""
    upload = await grant(client)
    assert (await send(upload, JPEG)).is_success
    body = {
        "source": {"type": "upload", "upload_id": upload["id"]},
        "webhook_url": receiver.url,
    }
    answer = await client.post("/v1/jobs", json=body, headers=ASKED)
    job = await ended(client, answer.raise_for_status().json())
    assert job["status"] == "succeeded"
    await receiver.message()
    return job


class Tree:
    """The spans of one trace."""

    def __init__(self, spans: Sequence[Sent]) -> None:
        self._spans = [span for span in spans if span.trace_id == TRACE_ID]
        ids = {span.span_id for span in self._spans}
        self.names = {span.name for span in self._spans}
        self.orphans = {span.name for span in self._spans if span.parent_id not in ids}

    def one(self, name: str, within: Sent | None = None) -> Sent:
        [span] = [
            span
            for span in self._spans
            if span.name == name and (not within or span.parent_id == within.span_id)
        ]
        return span

    def below(self, above: Sent, service: str) -> set[str]:
        return {
            span.name
            for span in self._spans
            if span.parent_id == above.span_id and span.service == service
        }


async def whole(collector: Collector) -> Tree:
    """As soon as its last spans are there, and those that they are in."""
    last = {"RunActivity:attempt-delivery", "CompleteWorkflow:process-photo"}
    async with asyncio.timeout(200):
        while True:
            tree = Tree(collector.spans)
            if last <= tree.names and tree.orphans == {"POST /v1/jobs"}:
                return tree
            await asyncio.sleep(0.1)


@pytest.mark.timeout(600)
async def test_a_job_is_one_trace_from_its_client_to_the_last_call(
    servers: Servers, clamd: Clamd, tmp_path: Path
) -> None:
    async with (
        traced(servers, clamd, tmp_path) as (service, collector),
        receiving() as receiver,
        service.client() as client,
    ):
        job = await asked_for(client, receiver)
        tree = await whole(collector)

    request = tree.one("POST /v1/jobs")
    assert (request.service, request.parent_id) == (API, CALLER)
    asked = tree.below(request, API)
    assert {"BEGIN", "INSERT jobs", "COMMIT", "raw_bucket head"} <= asked
    workflow = tree.one("StartWorkflow:process-photo")
    assert (workflow.service, workflow.parent_id) == (API, request.span_id)
    for step, calls in CALLS.items():
        started = tree.one(f"StartActivity:{step}")
        assert started.parent_id == workflow.span_id
        done = tree.below(tree.one(f"RunActivity:{step}", started), WORKER)
        assert calls <= done, step
        assert any("jobs" in name for name in done - calls), done

    [line] = about(tmp_path / "logs" / "api.log", job, "request")
    assert line["route"] == "/v1/jobs"
    steps = about(tmp_path / "logs" / "worker.log", job, "step_done")
    assert [line["step"] for line in steps] == [*CALLS, "attempt-delivery"]
    context = {(each["trace_id"], each["tenant"]) for each in (line, *steps)}
    assert context == {(TRACE_ID, "default")}


def about(log: Path, job: Mapping[str, Any], event: str) -> list[dict[str, Any]]:
    """Such events under the job's id and that of the request that began it."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    wanted = {"job_id": job["id"], "request_id": "r-1", "event": event}
    return [line for line in lines if wanted.items() <= line.items()]
