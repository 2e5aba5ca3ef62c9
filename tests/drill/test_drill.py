"""`make drill` in short: everything breaks at random, and no job is lost."""

import os
from pathlib import Path

import pytest

from drill.__main__ import SHORT
from drill.clamd import installed
from drill.report import figures
from drill.run import drill


@pytest.mark.timeout(1500)
async def test_no_job_is_lost_whatever_breaks(tmp_path: Path) -> None:
    assert installed() or os.environ.get("PHOTO_TEST_REQUIRE_ALL") != "1"
    found = await drill(SHORT, tmp_path / "drill")
    told = figures(found)
    assert found.violations == [], told
    assert told["jobs"] >= 100
    assert told["faults"] >= 20
    assert told["kinds_of_faults"] >= 6
