"""Prometheus's own judge of rules, where it is installed."""

import os
import shutil
import subprocess

import pytest

_REQUIRED = os.environ.get("PHOTO_TEST_REQUIRE_ALL") == "1"


def promtool(*arguments: object) -> str:
    """What it has to say; the test fails unless it is content."""
    program = shutil.which("promtool")
    if program is None:
        say = pytest.fail if _REQUIRED else pytest.skip
        say("promtool is not installed: Debian has it in the package prometheus")
    done = subprocess.run(
        [program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
