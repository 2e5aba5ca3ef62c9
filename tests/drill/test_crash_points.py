import asyncio
import os
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections import Counter
from pathlib import Path

import pytest

from drill.crash import KILLED, Points, crash_points
from photo.domain.job import Status
from tests.drill.life import JPEG, SIGNATURE, living

SCRIPT = Path(__file__).with_name("a_process.py")
ROOT = SCRIPT.parents[2]


class Recorded(Points):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.names: list[str] = []

    def come_by(self, point: str) -> None:
        self.names.append(point)


async def a_process(folder: Path) -> tuple[int | None, str]:
    """Its exit code, and what it said at the end."""
    process = await create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        str(folder),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


async def test_what_clients_ask_for_comes_by_every_point(tmp_path: Path) -> None:
    points = Recorded(tmp_path)
    async with living(points) as life:
        await life.listen()
        read = await life.end(await life.send_once())
        fetched = await life.end(await life.point_at_url())
        harmful = await life.end(await life.send(JPEG + SIGNATURE))
        await life.cancel(await life.send())
        await life.erase(read.id)
    assert read.status is fetched.status is Status.SUCCEEDED
    assert harmful.status is Status.FAILED
    assert {*points.names} == {point.name for point in crash_points()}


async def test_a_commit_lies_between_its_points(tmp_path: Path) -> None:
    points = Recorded(tmp_path)
    async with living(points) as life:
        await life.end(await life.send_once())
    accepting = [
        name.replace("before:", "<").replace("after:", ">")
        for name in points.names
        if name.endswith(("job-row", "answer", "commit:accept", "workflow-start"))
    ]
    assert accepting == [
        *("<job-row", ">job-row", "<idempotency-answer", ">idempotency-answer"),
        *("<commit:accept", ">commit:accept", "<workflow-start", ">workflow-start"),
    ]


async def test_steps_and_artifacts_come_by_once_each(tmp_path: Path) -> None:
    points = Recorded(tmp_path)
    async with living(points) as life:
        await life.end(await life.send_once())
    times = Counter(
        name for name in points.names if name.startswith(("after:step", "after:art"))
    )
    assert {*times.values()} == {1}


@pytest.mark.parametrize("point", ["before:commit:accept", "after:artifact:text.json"])
async def test_a_process_dies_at_its_point_once(tmp_path: Path, point: str) -> None:
    points = Points(tmp_path)
    points.arm(point)
    assert await a_process(tmp_path) == (KILLED, "")
    assert not points.is_armed(point)
    assert points.victim(point)
    assert await a_process(tmp_path) == (0, "succeeded")
    assert points.victim(point) is None


def test_a_point_that_was_disarmed_kills_nobody(tmp_path: Path) -> None:
    points = Points(tmp_path)
    points.arm("before:job-row")
    points.disarm("before:job-row")
    points.come_by("before:job-row")
    assert points.victim("before:job-row") is None


def test_who_died_long_ago_is_no_victim_of_a_point_armed_anew(tmp_path: Path) -> None:
    points = Points(tmp_path)
    (tmp_path / "before:job-row@1").touch()
    points.arm("before:job-row")
    assert points.victim("before:job-row") is None
