"""One trace, and one context of the log, from who asks for a job to its last call."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from opentelemetry.trace import StatusCode
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict
from temporalio.client import WorkflowFailureError

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.tracing.workflows import WorkflowTracing
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.job import Status
from photo.entrypoints.tracing import TracedPorts
from tests.makers import ACME
from tests.tracing import Spans, Tree, recording
from tests.workflow.recognizers import FailingRecognizer
from tests.workflow.stage import PHOTO, Stage

CANARY = "c4n4ry"
VERIFY: list[Tree] = [("scanner scan", []), ("raw_bucket read", [])]
NORMALIZE: list[Tree] = [
    ("raw_bucket read", []),
    ("imaging normalize", []),
    ("processed_bucket write", []),
    ("processed_bucket write", []),
    ("processed_bucket write", []),
]
RECOGNIZE: list[Tree] = [
    ("processed_bucket read", []),
    ("recognizer recognize", []),
    ("processed_bucket write", []),
    ("processed_bucket write", []),
]
PUBLISH: list[Tree] = [("processed_bucket write", []), ("processed_bucket read", [])]


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


@pytest.fixture
async def server(temporal: TemporalServer, spans: Spans) -> TemporalServer:
    return replace(temporal, interceptors=(WorkflowTracing(spans.tracer),))


@pytest.fixture
async def recognizer() -> FailingRecognizer:
    return FailingRecognizer()


@pytest.fixture
async def stage(
    server: TemporalServer, spans: Spans, recognizer: FailingRecognizer
) -> AsyncIterator[Stage]:
    """With a worker that reached the server by itself, as on another machine."""
    stage = Stage(await server.connected(), recognizer, TracedPorts(spans.tracer))
    yield stage
    await stage.container.close()


async def processed(stage: Stage, spans: Spans) -> None:
    async with await stage.working():
        with (
            bound_contextvars(request_id="r-1"),
            spans.tracer.start_as_current_span("request"),
        ):
            job_id = await stage.submit()
        await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.SUCCEEDED


def step(name: str, *attempts: list[Tree]) -> Tree:
    runs = [(f"RunActivity:{name}", calls) for calls in attempts]
    return f"StartActivity:{name}", runs


async def test_a_job_is_one_tree(stage: Stage, spans: Spans) -> None:
    await processed(stage, spans)
    assert spans.trees() == [
        (
            "request",
            [
                ("raw_bucket write", []),
                ("raw_bucket head", []),
                (
                    "StartWorkflow:process-photo",
                    [
                        ("RunWorkflow:process-photo", []),
                        step("verify", VERIFY),
                        step("normalize", NORMALIZE),
                        step("recognize", RECOGNIZE),
                        step("publish", PUBLISH),
                        ("CompleteWorkflow:process-photo", []),
                    ],
                ),
            ],
        )
    ]


async def test_every_attempt_is_in_it(
    stage: Stage, spans: Spans, recognizer: FailingRecognizer
) -> None:
    recognizer._faults = iter([Unavailable("Why.")])
    await processed(stage, spans)
    [(_, [*_, (_, [*_, recognized, _, _])])] = spans.trees()
    assert recognized == step("recognize", RECOGNIZE[:2], RECOGNIZE)
    attempts = [
        (span.attributes or {}).get("photo.attempt")
        for span in spans.ended
        if span.name == "RunActivity:recognize"
    ]
    assert attempts == [1, 2]


@pytest.mark.parametrize(
    ("fault", "kind", "failed"),
    [
        (RecognitionFailed(CANARY, reason=CANARY), "recognition_failed", False),
        (ZeroDivisionError(CANARY), "internal", True),
        (Unavailable(CANARY, reason=CANARY), "dependency_unavailable", True),
    ],
    ids=["refused", "broken", "away"],
)
async def test_a_step_that_fails_says_with_what_kind_of_error(
    stage: Stage,
    spans: Spans,
    recognizer: FailingRecognizer,
    fault: Exception,
    kind: str,
    *,
    failed: bool,
) -> None:
    recognizer._faults = iter([fault])
    async with await stage.working():
        with spans.tracer.start_as_current_span("request"):
            job_id = await stage.submit()
        with suppress(WorkflowFailureError):
            await stage.workflow(job_id).result()
    step, *_ = [span for span in spans.ended if span.name == "RunActivity:recognize"]
    assert (step.attributes or {})["error.type"] == kind
    assert (step.status.status_code is StatusCode.ERROR) == failed
    assert CANARY not in "".join(spans.told())


async def test_the_log_of_every_step_says_who_asked_and_in_which_trace(
    stage: Stage, spans: Spans, logs: list[EventDict]
) -> None:
    await processed(stage, spans)
    context = spans.named("request").context
    assert context
    steps = [log for log in logs if log["event"] == "step_done"]
    assert [log["step"] for log in steps] == [
        "verify",
        "normalize",
        "recognize",
        "publish",
    ]
    for log in steps:
        assert log["request_id"] == "r-1"
        assert log["tenant"] == ACME
        assert log["trace_id"] == f"{context.trace_id:032x}"


async def test_without_traces_the_log_says_who_asked_all_the_same(
    temporal: TemporalServer, logs: list[EventDict]
) -> None:
    stage = Stage(await temporal.connected())
    async with await stage.working():
        with bound_contextvars(request_id="r-1"):
            job_id = await stage.submit()
        await stage.workflow(job_id).result()
    steps = [log for log in logs if log["event"] == "step_done"]
    assert {(log["request_id"], log["tenant"]) for log in steps} == {("r-1", ACME)}
    assert not any("trace_id" in log for log in steps)


async def test_no_span_of_a_job_holds_its_text_or_a_key(
    stage: Stage, spans: Spans
) -> None:
    await processed(stage, spans)
    told = "".join(spans.told())
    for secret in ("Hello photo", "uploads/", "normalized.jpg", "text.json"):
        assert secret not in told
    assert PHOTO not in told.encode()
