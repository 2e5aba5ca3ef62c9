"""`photo up` in small: `a_stack.py DATA_DIR PORT WORKER_CODE`.

The API answers /readyz and nothing else, the worker is any Python.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Servers
from photo.entrypoints.local.stack import run_stack

SERVING = "serving"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(data_dir: Path, port: int, worker: str) -> int:
    async def prepare(_: Servers) -> Sequence[Program]:
        site = data_dir / "site"
        site.mkdir(exist_ok=True)
        (site / "readyz").touch()
        api = ["-m", "http.server", "--bind=127.0.0.1", f"--directory={site}"]
        return [
            a_program("api", *api, str(port)),
            a_program("worker", "-c", worker),
        ]

    async def serve() -> None:
        say(SERVING)
        await asyncio.Event().wait()

    try:
        received = await run_stack(
            data_dir, port=port, prepare=prepare, serve=serve, say=say
        )
    except StackError as error:
        say(str(error))
        return 1
    say(f"ended by {received.name if received else 'itself'}")
    return 0


def a_program(name: str, *arguments: str) -> Program:
    """One that is waited for without end."""
    return Program(
        name=name,
        argv=[sys.executable, *arguments],
        env=dict(os.environ),
        grace_seconds=3600,
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
