"""Where a client finds the service and its key."""

import os
from pathlib import Path

import click
import msgspec

from photo.entrypoints.private import write_private

#: Where `photo up` keeps its data unless told otherwise.
DATA_DIR = Path(".photo")
_FILE = "credentials.json"


class Credentials(msgspec.Struct, frozen=True):
    url: str
    key: str

    def __repr__(self) -> str:
        return f"Credentials({self.url!r}, …)"


def find_credentials() -> Credentials:
    """From `PHOTO_API_URL` and `PHOTO_API_KEY`, else from the local stack's folder."""
    url, key = os.environ.get("PHOTO_API_URL"), os.environ.get("PHOTO_API_KEY")
    if url and key:
        return Credentials(url, key)
    local = load_credentials(DATA_DIR)
    if url or key or local is None:
        raise click.UsageError(
            "No service is known. Set both PHOTO_API_URL and PHOTO_API_KEY, or run"
            " `photo up` in this folder first."
        )
    return local


def load_credentials(data_dir: Path) -> Credentials | None:
    try:
        data = (data_dir / _FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Credentials)
    except msgspec.DecodeError:
        raise click.ClickException(
            f"{data_dir / _FILE} cannot be read. Delete it: `photo up` makes a new one."
        ) from None


def save_credentials(data_dir: Path, credentials: Credentials) -> None:
    write_private(data_dir / _FILE, msgspec.json.encode(credentials).decode())
