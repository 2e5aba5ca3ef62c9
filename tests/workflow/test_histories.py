"""A worker of this release must understand what workers of earlier ones began."""

import json
import re
from dataclasses import replace

import pytest
from structlog.contextvars import bound_contextvars
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Interceptor, Replayer
from temporalio.workflow import NondeterminismError, _Definition

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.context import HEADER, ContextInterceptor
from photo.adapters.temporal.converter import STRICT
from photo.adapters.tracing.workflows import WorkflowTracing
from tests.tracing import recording
from tests.workflow.record import HISTORIES, SCENARIOS
from tests.workflow.rehearsals import HastyPhoto
from tests.workflow.stage import Stage

STORED = {path.stem: path.read_text() for path in HISTORIES.glob("*.json")}
_NAME = re.compile(r"(?P<workflow>[a-z-]+)-v\d+-(?P<end>[a-z-]+)")


@pytest.fixture(scope="module")
async def registered(client: Client) -> list[type]:
    """Every workflow that the worker's process runs."""
    workers = await Stage(client).workers()
    return [kind for worker in workers for kind in worker.config()["workflows"]]


async def replay(
    history: str, workflows: list[type], *interceptors: Interceptor
) -> None:
    replayer = Replayer(
        workflows=workflows,
        data_converter=STRICT,
        interceptors=interceptors,
        # Or a machine that stands still for two seconds is taken for a deadlock.
        debug_mode=True,
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("recorded", history))


@pytest.mark.parametrize("name", sorted(STORED))
async def test_a_stored_history_replays(name: str, registered: list[type]) -> None:
    await replay(STORED[name], registered, ContextInterceptor())


@pytest.mark.parametrize("name", sorted(STORED))
async def test_a_stored_history_replays_where_traces_are_made(
    name: str, registered: list[type]
) -> None:
    with recording() as spans:
        tracing = WorkflowTracing(spans.tracer)
        await replay(STORED[name], registered, tracing, ContextInterceptor())
        assert spans.ended == []


async def test_a_history_of_a_traced_job_replays_where_none_are_made(
    temporal: TemporalServer, registered: list[type]
) -> None:
    with recording() as spans:
        tracing = WorkflowTracing(spans.tracer)
        server = replace(temporal, interceptors=(tracing,))
        stage = Stage(await server.connected())
        async with await stage.working():
            with (
                bound_contextvars(request_id="r-1"),
                spans.tracer.start_as_current_span("request"),
            ):
                job_id = await stage.submit()
            await stage.workflow(job_id).result()
        history = (await stage.workflow(job_id).fetch_history()).to_json()
        before = len(spans.ended)
        await replay(history, registered)
        await replay(history, registered, tracing, ContextInterceptor())
        assert len(spans.ended) == before
    assert {"_tracer-data", HEADER} <= _headers(history)
    await stage.container.close()


def _headers(history: str) -> set[str]:
    """What came with the start of the workflow."""
    [started, *_] = json.loads(history)["events"]
    return {*started["workflowExecutionStartedEventAttributes"]["header"]["fields"]}


async def test_a_history_of_other_steps_does_not_replay(
    registered: list[type],
) -> None:
    history = STORED["process-photo-v1-succeeded"]
    with pytest.raises(NondeterminismError):
        await replay(
            history.replace('"name": "verify"', '"name": "look-at"'), registered
        )


@pytest.mark.parametrize(
    "name", sorted(name for name in STORED if name.startswith("process-photo"))
)
async def test_a_workflow_that_was_changed_without_care_replays_no_history(
    name: str,
) -> None:
    with pytest.raises(NondeterminismError):
        await replay(STORED[name], [HastyPhoto])


def test_every_workflow_with_every_ending_is_stored(registered: list[type]) -> None:
    stored = [_NAME.fullmatch(name) for name in STORED]
    ends = {(name["workflow"], name["end"]) for name in stored if name}
    # Only releases up to v3 ended so.
    assert ends - {("process-photo", "timed-out")} == {*SCENARIOS}
    names = {_Definition.must_from_class(kind).name for kind in registered}
    assert {workflow for workflow, _ in ends} == names
