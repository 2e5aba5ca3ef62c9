"""A worker of this release must understand what workers of earlier ones began."""

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.workflows import ProcessPhoto
from tests.workflow.record import HISTORIES

STORED = {
    path.stem: path.read_text() for path in HISTORIES.glob("process-photo-*.json")
}


async def replay(history: str) -> None:
    replayer = Replayer(workflows=[ProcessPhoto], data_converter=STRICT)
    await replayer.replay_workflow(WorkflowHistory.from_json("process-photo", history))


@pytest.mark.parametrize("name", sorted(STORED))
async def test_a_stored_history_replays(name: str) -> None:
    await replay(STORED[name])


async def test_a_history_of_other_steps_does_not_replay() -> None:
    history = STORED["process-photo-v1-succeeded"]
    with pytest.raises(NondeterminismError):
        await replay(history.replace('"name": "verify"', '"name": "look-at"'))


def test_every_ending_is_stored() -> None:
    endings = {name.rpartition("-")[2] for name in STORED}
    assert endings == {"succeeded", "failed", "cancelled"}
