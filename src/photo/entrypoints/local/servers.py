"""Real Postgres, S3 and Temporal servers from wheels, as child processes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from photo.entrypoints.local import temporal
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.ports import claim
from photo.entrypoints.local.postgres import database_url, start_postgres
from photo.entrypoints.local.seaweedfs import S3Server, s3_server, start_seaweedfs
from photo.entrypoints.local.state import State
from photo.entrypoints.local.temporal import start_temporal

Say = Callable[[str], None]
Start = Callable[[Children, State], Awaitable[None]]

STARTS: dict[str, Start] = {
    "postgres": start_postgres,
    "seaweedfs": start_seaweedfs,
    "temporal": start_temporal,
}


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where the servers are, and the credentials for them.

    `admin_database_url` is the superuser's, for what the service itself may not do.
    """

    database_url: str = field(repr=False)
    admin_database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    s3: S3Server
    temporal_target: str
    temporal_namespace: str
    temporal_ui_url: str


async def start_servers(children: Children, *, say: Say) -> Servers:
    """Starts all three at once and awaits them; their data outlives them."""
    state = State.open(children.data_dir)
    await claim(
        state.ports,
        advice="The data is tied to its ports: stop the program that listens there.",
    )

    async def start(name: str) -> None:
        began = time.monotonic()
        await STARTS[name](children, state)
        say(f"{name} ready ({time.monotonic() - began:.1f} s)")

    starts = [asyncio.create_task(start(name)) for name in STARTS]
    try:
        await asyncio.gather(*starts)
    finally:
        for task in starts:
            task.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
    return _servers(state)


def _servers(state: State) -> Servers:
    return Servers(
        database_url=database_url(state, "photo", state.photo_password),
        admin_database_url=database_url(state, "postgres", state.postgres_password),
        secret_key=state.secret_key,
        s3=s3_server(state),
        temporal_target=temporal.target(state),
        temporal_namespace=temporal.NAMESPACE,
        temporal_ui_url=temporal.ui_url(state),
    )
