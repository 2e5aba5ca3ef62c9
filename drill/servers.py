"""The servers that the service depends on, each kept running, past all proxies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aioboto3
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from drill import clamd
from drill.shapes import Part
from drill.supervisor import Kept, Running, until
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.postgres import start_postgres
from photo.entrypoints.local.seaweedfs import S3Server, start_seaweedfs
from photo.entrypoints.local.servers import Servers, start_servers
from photo.entrypoints.local.state import State
from photo.entrypoints.local.temporal import start_temporal

_CLIENT = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}, proxies={}
)
#: Nobody else's.
_BUCKET = "drill"
_READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Dependencies:
    servers: Servers
    kept: Mapping[Part, Kept]
    ports: Mapping[Part, int]


@asynccontextmanager
async def running_dependencies(children: Running) -> AsyncIterator[Dependencies]:
    scanner = _Clamd(children) if clamd.installed() else None
    servers, _ = await asyncio.gather(
        start_servers(children, say=lambda _: None),
        scanner.start() if scanner else asyncio.sleep(0),
    )
    state = State.open(children.data_dir)
    async with _s3_client(servers.s3) as s3:
        await s3.create_bucket(Bucket=_BUCKET)

        async def start_postgres_anew() -> None:
            await _end_backends(children.data_dir / "postgres")
            await start_postgres(children, state)

        async def start_s3_anew() -> None:
            await start_seaweedfs(children, state)
            await until("seaweedfs", partial(_takes_writes, s3))

        def kept(name: str, start: Callable[[], Awaitable[object]]) -> Kept:
            return Kept(name, children, start)

        yield Dependencies(
            servers,
            {
                Part.POSTGRES: kept("postgres", start_postgres_anew),
                Part.S3: kept("seaweedfs", start_s3_anew),
                Part.TEMPORAL: kept(
                    "temporal", partial(start_temporal, children, state)
                ),
                **({Part.CLAMD: kept("clamd", scanner.start)} if scanner else {}),
            },
            {
                Part.POSTGRES: state.ports["postgres"],
                Part.S3: state.ports["seaweedfs s3"],
                Part.TEMPORAL: state.ports["temporal"],
                **({Part.CLAMD: scanner.port} if scanner else {}),
            },
        )


class _Clamd:
    def __init__(self, children: Running) -> None:
        self._children = children
        self.port = choose_ports(["clamd"])["clamd"]
        folder = children.data_dir / "clamd"
        folder.mkdir(mode=0o700)
        self._program = clamd.program(folder, self.port)

    async def start(self) -> None:
        process = await self._children.start(self._program)
        await process.until(partial(clamd.answers, self.port), seconds=_READY_SECONDS)


async def _end_backends(cluster: Path) -> None:
    """A killed postmaster's go by themselves, but not at once."""
    backends = _backends(cluster)
    for backend in backends:
        with suppress(psutil.NoSuchProcess):
            backend.kill()

    async def are_gone() -> bool:
        return not any(map(_lives, backends))

    await until("the end of Postgres", are_gone)


def _backends(cluster: Path) -> list[psutil.Process]:
    place = str(cluster.resolve())
    return [
        process
        for process in psutil.process_iter(["cwd"])
        if process.info["cwd"] == place
    ]


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _s3_client(server: S3Server) -> Any:
    session = aioboto3.Session(
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )
    return session.client("s3", endpoint_url=server.endpoint, config=_CLIENT)


async def _takes_writes(s3: Any) -> bool:
    """It says sooner that it is there."""
    try:
        await s3.put_object(Bucket=_BUCKET, Key="probe", Body=b"")
    except (BotoCoreError, ClientError):
        return False
    return True
