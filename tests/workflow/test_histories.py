"""A worker of this release must understand what workers of earlier ones began."""

import re

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError, _Definition

from photo.adapters.temporal.converter import STRICT
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


async def replay(history: str, workflows: list[type]) -> None:
    replayer = Replayer(workflows=workflows, data_converter=STRICT)
    await replayer.replay_workflow(WorkflowHistory.from_json("recorded", history))


@pytest.mark.parametrize("name", sorted(STORED))
async def test_a_stored_history_replays(name: str, registered: list[type]) -> None:
    await replay(STORED[name], registered)


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
