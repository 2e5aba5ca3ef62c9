"""One request is one tree of spans, in its caller's trace."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from dishka import Provider, Scope
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from photo.application.ports import Scanner
from photo.domain.errors import Unavailable
from photo.entrypoints.http.app import HttpConfig
from photo.entrypoints.http.traces import RequestTraces
from photo.entrypoints.tracing import TracedPorts
from tests.http.service import Service, running
from tests.tracing import Spans, recording

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
CANARY = "c4n4ry"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


@pytest.fixture
async def traced(spans: Spans) -> AsyncIterator[Service]:
    async with serving(spans) as service:
        yield service


def serving(spans: Spans, *overrides: Provider) -> AbstractAsyncContextManager[Service]:
    config = HttpConfig(version="1.2.3", trace=RequestTraces(spans.tracer))
    return running(*overrides, TracedPorts(spans.tracer), config=config)


async def test_a_job_is_one_tree_down_to_the_last_call(
    traced: Service, spans: Spans
) -> None:
    api = await traced.client()
    job = await traced.job(api)
    assert job["status"] == "succeeded"
    [tree] = [tree for tree in spans.trees() if tree[0] == "POST /v1/jobs"]
    assert tree == (
        "POST /v1/jobs",
        [
            ("raw_bucket head", []),
            ("scanner scan", []),
            ("raw_bucket read", []),
            ("raw_bucket read", []),
            ("imaging normalize", []),
            ("processed_bucket write", []),
            ("processed_bucket write", []),
            ("processed_bucket write", []),
            ("processed_bucket read", []),
            ("recognizer recognize", []),
            ("processed_bucket write", []),
            ("processed_bucket write", []),
            ("processed_bucket write", []),
            ("processed_bucket read", []),
        ],
    )


async def test_a_request_is_in_its_callers_trace(traced: Service, spans: Spans) -> None:
    api = await traced.client()
    headers = {"traceparent": TRACEPARENT, "X-Request-Id": "r-1"}
    with capture_logs(processors=[merge_contextvars]) as logs:
        answer = await api.get("/v1/jobs", headers=headers)
    span = spans.named("GET /v1/jobs")
    assert span.context
    assert span.parent
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == SPAN_ID
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": answer.status_code,
        "http.route": "/v1/jobs",
        "photo.request_id": "r-1",
        "photo.tenant": "acme",
    }
    assert [line["trace_id"] for line in logs] == [TRACE_ID]


@pytest.mark.parametrize(
    "sent",
    [[], [TRACEPARENT] * 2, ["nonsense"], [f"00-{'0' * 32}-{SPAN_ID}-01"]],
    ids=["none", "two", "nonsense", "zeros"],
)
async def test_without_a_sane_parent_a_request_is_a_trace_of_its_own(
    traced: Service, spans: Spans, sent: list[str]
) -> None:
    api = await traced.client()
    await api.get("/v1/jobs", headers=[("traceparent", each) for each in sent])
    assert spans.named("GET /v1/jobs").parent is None


async def test_two_requests_are_two_traces(traced: Service, spans: Spans) -> None:
    api = await traced.client()
    await api.get("/v1/jobs")
    await api.get("/v1/jobs")
    assert len({span.context.trace_id for span in spans.ended if span.context}) == 2


async def test_probes_leave_no_trace(traced: Service, spans: Spans) -> None:
    anyone = await traced.anyone()
    for path in ("/healthz", "/readyz"):
        await anyone.get(path)
    assert spans.ended == []


async def test_what_no_route_knows_is_told_by_its_method_alone(
    traced: Service, spans: Spans
) -> None:
    anyone = await traced.anyone()
    await anyone.get(f"/{CANARY}")
    await anyone.request("BREW", "/v1/jobs")
    assert [span.name for span in spans.ended] == ["GET", "_OTHER"]
    assert CANARY not in "".join(spans.told())


async def test_a_refusal_is_no_failure(traced: Service, spans: Spans) -> None:
    anyone = await traced.anyone()
    await anyone.get("/v1/jobs")
    assert spans.named("GET /v1/jobs").status.is_unset


class Away(Scanner):
    async def scan(self, chunks: object) -> str | None:
        raise Unavailable(CANARY, reason=CANARY)

    async def check(self) -> None:
        raise Unavailable(CANARY, reason=CANARY)


async def test_a_call_that_fails_says_with_what_kind_of_error(spans: Spans) -> None:
    away = Provider(scope=Scope.APP)
    away.provide(Away, provides=Scanner | None)
    async with serving(spans, away) as service:
        await service.job(await service.client())
    scan = spans.named("scanner scan")
    assert scan.attributes
    assert scan.attributes["error.type"] == "dependency_unavailable"
    assert not scan.status.is_ok
    assert not scan.status.is_unset
    assert CANARY not in "".join(spans.told())


async def test_a_broken_route_fails_its_span(traced: Service, spans: Spans) -> None:
    api = await traced.client()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError(CANARY)

    traced.app.asgi_handler._app = broken  # type: ignore[attr-defined] # its edge
    with pytest.raises(ZeroDivisionError):
        await api.get("/v1/jobs")
    [span] = spans.ended
    assert span.attributes
    assert span.attributes["error.type"] == "unanswered"
    assert CANARY not in "".join(spans.told())


async def test_no_span_holds_what_is_a_users(traced: Service, spans: Spans) -> None:
    text = "Hello photo"
    api = await traced.client()
    job = await traced.job(
        api, metadata={CANARY: CANARY}, promise={"filename": f"{CANARY}.jpg"}
    )
    for path in ("", "/result?format=text", "/result?format=pdf", "/events"):
        (await api.get(f"{job['links']['self']}{path}")).raise_for_status()
    files = (await api.get(job["links"]["files"])).json()["items"]
    await api.get("/v1/search", params={"q": CANARY})
    source = {"type": "url", "url": f"https://{CANARY}.example/{CANARY}?t={CANARY}"}
    await api.post("/v1/jobs", json={"source": source})
    headers = {"Authorization": f"Bearer {CANARY}", "traceparent": CANARY}
    await api.get(f"/v1/jobs?{CANARY}={CANARY}", headers=headers)
    for state in (CANARY, f"v={CANARY}"):
        headers = {"traceparent": TRACEPARENT, "tracestate": state}
        (await api.get("/v1/jobs", headers=headers)).raise_for_status()
    (await api.delete(job["links"]["self"])).raise_for_status()
    told = "".join(spans.told())
    key = api.headers["Authorization"].rpartition("_")[2]
    assert len(spans.ended) > 20
    for secret in (CANARY, text, key, *(file["url"] for file in files)):
        assert json.dumps(secret)[1:-1] not in told, secret
