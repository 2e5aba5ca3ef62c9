import os
from pathlib import Path

import pytest

from photo.entrypoints.cpus import usable_cpus

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [
        ("max 100000\n", ALL),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("99900000 100000\n", ALL),
        ("", ALL),
    ],
)
def test_a_containers_quota_counts(tmp_path: Path, limit: str, cpus: int) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert usable_cpus(tmp_path / "cpu.max") == cpus


def test_without_a_quota_every_processor_counts(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "cpu.max") == ALL
