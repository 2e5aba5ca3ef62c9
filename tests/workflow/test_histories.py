"""A worker of this release must understand what workers of earlier ones began."""

import re

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.webhook_workflows import DeliverWebhook
from photo.adapters.temporal.workflows import ProcessPhoto, StartForgotten, Sweep
from tests.workflow.record import HISTORIES

STORED = {path.stem: path.read_text() for path in HISTORIES.glob("*.json")}


async def replay(history: str) -> None:
    workflows = [DeliverWebhook, ProcessPhoto, StartForgotten, Sweep]
    replayer = Replayer(workflows=workflows, data_converter=STRICT)
    await replayer.replay_workflow(WorkflowHistory.from_json("recorded", history))


@pytest.mark.parametrize("name", sorted(STORED))
async def test_a_stored_history_replays(name: str) -> None:
    await replay(STORED[name])


async def test_a_history_of_other_steps_does_not_replay() -> None:
    history = STORED["process-photo-v1-succeeded"]
    with pytest.raises(NondeterminismError):
        await replay(history.replace('"name": "verify"', '"name": "look-at"'))


def test_every_workflow_with_every_ending_is_stored() -> None:
    assert {re.sub(r"-v\d+", "", name) for name in STORED} == {
        "deliver-webhook-delivered",
        "process-photo-succeeded",
        "process-photo-fetched",
        "process-photo-failed",
        "process-photo-cancelled",
        "start-forgotten-jobs-succeeded",
        "sweep-uploads-succeeded",
    }
