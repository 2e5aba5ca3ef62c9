"""Temporary files of workers, alive and dead."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from photo.adapters.imaging.children import ImagingPool
from photo.adapters.memory import MemoryRepairLog
from photo.application.ports import Repair
from photo.domain.errors import Unavailable
from photo.entrypoints.scratch import own_scratch, scratch_place

OWNER = """
import sys
from photo.adapters.memory import MemoryRepairLog
from photo.entrypoints.scratch import own_scratch, scratch_place

with own_scratch(scratch_place(), MemoryRepairLog()) as folder:
    (folder / "photo.jpg").write_bytes(b"a photo")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where temporary files go by default."""
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path)
    yield tmp_path
    tempfile.tempdir = before


class Owner:
    """Another process with scratch of its own, until it is told to end or killed."""

    def __init__(self, place: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            env={**os.environ, "TMPDIR": str(place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @cached_property
    def folder(self) -> Path:
        assert self._process.stdout
        return Path(self._process.stdout.readline().strip())

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def end(self) -> None:
        self._process.communicate()


def test_what_dead_workers_left_is_removed_and_what_living_ones_have_is_not(
    place: Path,
) -> None:
    dead, living = Owner(place), Owner(place)
    assert [*dead.folder.iterdir()]
    assert [*living.folder.iterdir()]
    dead.kill()
    repairs = MemoryRepairLog()
    with own_scratch(place, repairs) as mine:
        assert {*place.iterdir()} == {living.folder, mine}
    assert [*living.folder.iterdir()]
    living.end()
    assert [*place.iterdir()] == []
    about = {"folder": dead.folder.name}
    assert repairs.notes == [(Repair.SCRATCH_REMOVED, 1, about)]


def test_temporary_files_go_to_the_own_folder_meanwhile(place: Path) -> None:
    with own_scratch(place, MemoryRepairLog()) as mine:
        with TemporaryDirectory(prefix="photo-") as scratch:
            assert Path(scratch).parent == mine
        assert ImagingPool(workers=1)._scratch == str(mine)
        assert (mine.stat().st_mode & 0o777) == 0o700
    assert tempfile.gettempdir() == str(place)


def test_it_goes_with_all_that_is_in_it(place: Path) -> None:
    def crash(folder: Path) -> None:
        (folder / "left").mkdir()
        raise RuntimeError

    with pytest.raises(RuntimeError), own_scratch(place, MemoryRepairLog()) as mine:
        crash(mine)
    assert [*place.iterdir()] == []


def test_what_is_no_folder_of_a_workers_stays(place: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (place / "photo-worker-link").symlink_to(elsewhere)
    (place / "photo-worker-file").touch()
    (place / "photo-doctor").mkdir()
    repairs = MemoryRepairLog()
    with own_scratch(place, repairs):
        pass
    assert repairs.notes == []
    assert {each.name for each in place.iterdir()} == {
        "elsewhere",
        "photo-doctor",
        "photo-worker-file",
        "photo-worker-link",
    }
    assert [*elsewhere.iterdir()]


def test_it_is_made_where_the_environment_says_and_nowhere_else(
    tmp_path: Path,
) -> None:
    place = tmp_path / "not there yet"
    elsewhere = {*scratch_place().glob("photo-worker-*")}
    with (
        pytest.raises(Unavailable, match="TMPDIR") as refused,
        own_scratch(place, MemoryRepairLog()),
    ):
        raise AssertionError
    assert refused.value.reason == "ENOENT"
    assert {*scratch_place().glob("photo-worker-*")} <= elsewhere
    place.mkdir()
    with own_scratch(place, MemoryRepairLog()) as mine:
        assert mine.parent == place


UNSHARE = ["unshare", "--map-root-user", "--mount"]

FULL = """
import os, sys
from pathlib import Path
from photo.adapters.memory import MemoryRepairLog
from photo.domain.errors import Unavailable
from photo.entrypoints.scratch import own_scratch, scratch_place

filler = scratch_place() / "filler"
for size in (4 << 20, 15 << 19, 4 << 20):
    filler.write_bytes(bytes(size))
    try:
        with own_scratch(scratch_place(), MemoryRepairLog()) as folder:
            print(folder.parent == scratch_place())
    except Unavailable as error:
        print(error.reason, [*scratch_place().iterdir()] == [filler])
"""


def test_on_a_full_disk_there_is_no_other_place(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=8m scratch "$TMPDIR" && exec "$0" -c "$1"'
    ended = subprocess.run(
        [*UNSHARE, "sh", "-c", script, sys.executable, FULL],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == ["True", "ENOSPC True", "True"]


def test_many_that_start_at_once_leave_each_other_alone(place: Path) -> None:
    owners = [Owner(place) for _ in range(4)]
    folders = {owner.folder for owner in owners}
    assert {*place.iterdir()} == folders
    assert all([*owner.folder.iterdir()] for owner in owners)
    for owner in owners:
        owner.end()
    assert [*place.iterdir()] == []
