"""What commands say when something is in the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from photo.entrypoints.cli import main

PHOTO = str(Path(sys.executable).with_name("photo"))
#: Settings with nothing behind them.
NOWHERE = {
    "DATABASE_URL": "postgresql://photo:secret@127.0.0.1:1/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "127.0.0.1:1",
    "AWS_PROFILE": "there-is-none",
}


def photo(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd)} | NOWHERE
    return subprocess.run(
        [PHOTO, *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["keys", "list"],
        ["keys", "create", "--name", "k"],
        ["infected", "list"],
        ["infected", "forget", "0a" * 32],
        ["migrate"],
    ],
)
def test_a_database_that_is_away_is_told_in_a_line(
    tmp_path: Path, command: list[str]
) -> None:
    ended = photo(tmp_path, *command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "photo: The database cannot be reached at the moment. Try again."
        " [ConnectionRefusedError]\n"
    )


def test_doctor_finds_everything_that_is_wrong(tmp_path: Path) -> None:
    ended = photo(tmp_path, "doctor", "--json")
    checks = json.loads(ended.stdout)["checks"]
    failures = {check["name"]: check["failure"] for check in checks}
    assert ended.returncode == 1
    assert failures["database"].endswith("[ConnectionRefusedError]")
    assert failures["store"] == "It cannot be set up. [ProfileNotFound]"
    assert failures["workflows"]
    assert failures["settings"] is failures["recognizer"] is None
    assert all(check["mend"] for check in checks if check["failure"])


@pytest.mark.parametrize(
    "lifetime", ["9999999999d", "3651d", "0d", "0h", "d", "-1d", "1y", "١d"]
)
def test_a_lifetime_out_of_bounds_is_a_usage_error(lifetime: str) -> None:
    arguments = ["keys", "create", "--name", "k", "--expires", lifetime]
    ended = CliRunner().invoke(main, arguments)
    assert ended.exit_code == 2
    assert "a lifetime" in ended.output


@pytest.mark.parametrize("sha256", ["0a" * 31, "0a" * 33, "xx" * 32, "٠٠" * 32])
def test_what_is_no_hash_cannot_be_forgotten(sha256: str) -> None:
    ended = CliRunner().invoke(main, ["infected", "forget", sha256])
    assert ended.exit_code == 2
    assert "64 hexadecimal digits" in ended.output


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "many"])
def test_a_list_of_infected_files_is_bounded(limit: str) -> None:
    ended = CliRunner().invoke(main, ["infected", "list", "--limit", limit])
    assert ended.exit_code == 2
    assert "--limit" in ended.output


def test_photos_that_would_be_written_to_one_file_are_refused(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "1.jpg").touch()
    out = tmp_path / "out"
    ended = CliRunner().invoke(main, ["read", *map(str, folders), "--output", str(out)])
    assert ended.exit_code == 2
    assert "would be written to the same" in " ".join(ended.output.split())
    assert not out.exists()
