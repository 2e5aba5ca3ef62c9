import stat
from pathlib import Path

import click
import pytest

from photo.entrypoints.credentials import (
    DATA_DIR,
    Credentials,
    find_credentials,
    load_credentials,
    save_credentials,
)

LOCAL = Credentials("http://127.0.0.1:8000", "pk_local_secret")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and no service in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOTO_API_URL", raising=False)
    monkeypatch.delenv("PHOTO_API_KEY", raising=False)
    return tmp_path


def after_photo_up() -> None:
    DATA_DIR.mkdir()
    save_credentials(DATA_DIR, LOCAL)


def test_the_local_stack_is_found() -> None:
    after_photo_up()
    assert find_credentials() == LOCAL


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    after_photo_up()
    monkeypatch.setenv("PHOTO_API_URL", "https://photo.example")
    monkeypatch.setenv("PHOTO_API_KEY", "pk_other_secret")
    elsewhere = Credentials("https://photo.example", "pk_other_secret")
    assert find_credentials() == elsewhere


@pytest.mark.parametrize("name", ["PHOTO_API_URL", "PHOTO_API_KEY"])
def test_the_local_key_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    after_photo_up()
    monkeypatch.setenv(name, "https://elsewhere.example")
    with pytest.raises(click.UsageError, match="Set both"):
        find_credentials()


def test_without_a_service_it_says_what_to_do() -> None:
    with pytest.raises(click.UsageError, match="photo up"):
        find_credentials()


def test_a_broken_file_is_named(folder: Path) -> None:
    after_photo_up()
    (folder / DATA_DIR / "credentials.json").write_text("{")
    with pytest.raises(click.ClickException, match=r"credentials\.json"):
        load_credentials(DATA_DIR)


def test_only_the_owner_may_read_them(folder: Path) -> None:
    DATA_DIR.mkdir()
    file = folder / DATA_DIR / "credentials.json"
    file.touch(mode=0o644)
    save_credentials(DATA_DIR, LOCAL)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret" not in repr(LOCAL)
