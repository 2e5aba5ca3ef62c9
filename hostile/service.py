"""The service under attack: real API and worker processes, with a log of JSON lines."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from photo.entrypoints.local.ports import HOST, choose_ports
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Servers
from photo.entrypoints.local.service import furnish, service_variables
from photo.entrypoints.local.stack import run_stack

_PHOTO = (sys.executable, "-P", "-m", "photo")


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    key: str = field(repr=False)
    worker: psutil.Process
    #: What the worker logs, a JSON object a line.
    log: Path
    #: The worker's TMPDIR, and nobody else's.
    scratch: Path
    temporal_target: str
    #: Whether files are scanned for viruses.
    scanning: bool


async def serve(data_dir: Path, attack: Callable[[Target], Awaitable[None]]) -> None:
    """Run a service of its own in a folder while it is attacked."""
    port = choose_ports(["api"])["api"]
    scratch = data_dir / "scratch"
    scratch.mkdir()
    env: dict[str, str] = {}

    async def prepare(servers: Servers) -> Sequence[Program]:
        env.update(_environment(servers, port, scratch))
        await furnish(servers, port)
        return [
            Program(name=name, argv=[*_PHOTO, name], env=env, cwd=data_dir)
            for name in ("api", "worker")
        ]

    async def under_attack() -> None:
        target = Target(
            url=f"http://{HOST}:{port}",
            key=_new_key(env, data_dir),
            worker=_worker(),
            log=data_dir / "logs" / "worker.log",
            scratch=scratch,
            temporal_target=env["TEMPORAL_TARGET"],
            scanning="CLAMD_URL" in env,
        )
        await attack(target)

    await run_stack(data_dir, port=port, prepare=prepare, serve=under_attack, say=print)


def _environment(servers: Servers, port: int, scratch: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("HOME", "PATH")}
    return {
        **inherited,
        **service_variables(servers, port),
        "ENVIRONMENT": "staging",
        "TMPDIR": str(scratch),
    }


def _new_key(env: Mapping[str, str], data_dir: Path) -> str:
    command = [*_PHOTO, "keys", "create", "--name", "hostile"]
    made = subprocess.run(
        command, env=env, cwd=data_dir, check=True, capture_output=True, text=True
    )
    return made.stdout.strip()


def _worker() -> psutil.Process:
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if child.cmdline()[-1] == "worker")
