"""Whoever asked for work is in the log of every step of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from google.protobuf.json_format import MessageToDict
from structlog.contextvars import (
    bound_contextvars,
    clear_contextvars,
    get_contextvars,
)
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
    WorkflowHistory,
)
from temporalio.testing import ActivityEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Replayer,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from photo.adapters.temporal.context import HEADER, ContextInterceptor
from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.workflows import ProcessPhoto

Headers = Mapping[str, Payload]

HISTORIES = Path(__file__).parents[1] / "workflow" / "histories"
HISTORY = HISTORIES / "process-photo-v4-succeeded.json"


class Server(OutboundInterceptor):
    """Takes what is sent."""

    def __init__(self) -> None:
        self.headers: Headers = {}

    async def start_workflow(
        self, input: StartWorkflowInput
    ) -> WorkflowHandle[Any, Any]:
        self.headers = input.headers
        return cast("WorkflowHandle[Any, Any]", None)


class Step(ActivityInboundInterceptor):
    """Looks at what is bound."""

    def __init__(self) -> None:
        self.saw: dict[str, Any] = {}

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.saw = dict(get_contextvars())


async def sent(**bound: str) -> Headers:
    server = Server()
    client = ContextInterceptor().intercept_client(server)
    call = cast("StartWorkflowInput", SimpleNamespace(headers={}))
    with bound_contextvars(**bound):
        await client.start_workflow(call)
    return server.headers


async def seen(headers: Headers) -> dict[str, Any]:
    step = Step()
    around = ContextInterceptor().intercept_activity(step)
    call = ExecuteActivityInput(print, (), None, headers)
    await ActivityEnvironment().run(around.execute_activity, call)
    return step.saw


@pytest.fixture(autouse=True)
def nothing_bound() -> None:
    clear_contextvars()


async def test_who_asked_and_for_whom_arrives_at_the_step() -> None:
    headers = await sent(request_id="r-1", tenant="acme", step="no", key="key_1")
    assert await seen(headers) == {"request_id": "r-1", "tenant": "acme"}


async def test_a_webhooks_delivery_is_about_the_job_that_ended() -> None:
    headers = await sent(step="publish", job_id="job_1", attempt="2")
    assert await seen(headers) == {"job_id": "job_1"}


async def test_on_nobodys_behalf_nothing_travels() -> None:
    assert await sent(step="sweep-uploads") == {}
    assert await seen({}) == {}


async def test_what_else_may_stand_in_the_header_is_not_for_the_log() -> None:
    headers = await sent(request_id="r-1")
    [payload] = headers.values()
    forged = Payload(
        metadata=payload.metadata, data=b'{"event": "x", "request_id": "r-2"}'
    )
    assert await seen({HEADER: forged}) == {"request_id": "r-2"}


@pytest.mark.parametrize(
    "data", [b'{"request_id": 1}', b"[]", b"null", b'{"request_id": ["r-1"]}', b"\xff"]
)
@pytest.mark.parametrize("encoding", [b"json/plain", b"binary/encrypted"])
async def test_no_step_fails_of_a_header_of_another_form(
    data: bytes, encoding: bytes
) -> None:
    payload = Payload(metadata={"encoding": encoding}, data=data)
    assert await seen({HEADER: payload}) == {}


async def test_nothing_stays_bound_after_a_step() -> None:
    await seen(await sent(request_id="r-1"))
    assert get_contextvars() == {}


class Watching(Interceptor):
    """What the workflow sends on."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        return WatchedWorkflow


class WatchedWorkflow(WorkflowInboundInterceptor):
    sent: ClassVar[list[Headers]] = []

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(Watched(outbound))


class Watched(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        WatchedWorkflow.sent.append(input.headers)
        return super().start_activity(input)


@pytest.mark.parametrize("bound", [{}, {"request_id": "r-1", "tenant": "acme"}])
async def test_a_workflow_passes_it_on_to_every_step(bound: dict[str, str]) -> None:
    headers = await sent(**bound)
    history = json.loads(HISTORY.read_text())
    start = history["events"][0]["workflowExecutionStartedEventAttributes"]
    start["header"] = {
        "fields": {name: MessageToDict(said) for name, said in headers.items()}
    }
    WatchedWorkflow.sent.clear()
    replayer = Replayer(
        workflows=[ProcessPhoto],
        data_converter=STRICT,
        # What a workflow sends on goes through the last one first.
        interceptors=[Watching(), ContextInterceptor()],
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("recorded", history))
    assert len(WatchedWorkflow.sent) == 4
    assert [await seen(headers) for headers in WatchedWorkflow.sent] == [bound] * 4
