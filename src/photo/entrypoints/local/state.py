"""What a data directory remembers: the servers' ports and credentials.

Ports stay, because servers keep state tied to their addresses; secrets are random.
"""

import secrets
from pathlib import Path
from typing import Self

import msgspec

from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.private import write_private

PORTS = (
    "postgres",
    "temporal",
    "temporal http",
    "temporal metrics",
    "temporal ui",
    "seaweedfs master",
    "seaweedfs master grpc",
    "seaweedfs volume",
    "seaweedfs volume grpc",
    "seaweedfs filer",
    "seaweedfs filer grpc",
    "seaweedfs admin",
    "seaweedfs admin grpc",
    "seaweedfs s3",
    "seaweedfs s3 grpc",
)


class State(msgspec.Struct, frozen=True, kw_only=True):
    ports: dict[str, int]
    postgres_password: str
    photo_password: str
    s3_access_key: str
    s3_secret_key: str
    #: Older folders have none yet.
    secret_key: str = ""

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """The state of this directory, made up the first time."""
        path = data_dir / "stack.json"
        if not path.exists():
            cls.fresh().save(path)
        try:
            state = msgspec.json.decode(path.read_bytes(), type=cls)
        except msgspec.DecodeError as error:
            raise StackError(
                f"{path} cannot be read ({error}). Restore it, or remove {data_dir} "
                "to begin anew without its data."
            ) from None
        if not state.secret_key:
            state = msgspec.structs.replace(state, secret_key=_new_secret_key())
            state.save(path)
        return state

    @classmethod
    def fresh(cls) -> Self:
        return cls(
            ports=choose_ports(PORTS),
            postgres_password=secrets.token_urlsafe(24),
            photo_password=secrets.token_urlsafe(24),
            s3_access_key=secrets.token_hex(10).upper(),
            s3_secret_key=secrets.token_urlsafe(30),
            secret_key=_new_secret_key(),
        )

    def save(self, path: Path) -> None:
        write_private(path, msgspec.json.encode(self).decode())

    def __repr__(self) -> str:
        return "State(…)"


def _new_secret_key() -> str:
    return secrets.token_hex(32)
