from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from photo.entrypoints.local import binaries
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.state import State

READY_SECONDS = 60.0
NAMESPACE = "default"
#: A file database without these is seven times slower.
PRAGMAS = ("journal_mode=wal", "synchronous=1")


async def start_temporal(children: Children, state: State) -> None:
    """Starts the Temporal server and awaits its health and namespace."""
    folder = children.data_dir / "temporal"
    folder.mkdir(mode=0o700, exist_ok=True)
    argv = [binaries.script("temporal"), "server", "start-dev"]
    argv += ["--disable-config-file", "--disable-config-env", "--log-level=error"]
    argv += [f"--ip={HOST}", f"--port={state.ports['temporal']}"]
    argv += [f"--http-port={state.ports['temporal http']}"]
    argv += [f"--metrics-port={state.ports['temporal metrics']}"]
    argv += [f"--ui-port={state.ports['temporal ui']}", "--ui-disable-news-fetch"]
    argv += [f"--db-filename={folder / 'temporal.db'}"]
    argv += [f"--sqlite-pragma={pragma}" for pragma in PRAGMAS]
    env = binaries.environment(folder)
    process = await children.start(
        Program(name="temporal", argv=argv, env=env, cwd=folder)
    )
    await process.until(lambda: _is_ready(state), seconds=READY_SECONDS)


def target(state: State) -> str:
    return f"{HOST}:{state.ports['temporal']}"


def ui_url(state: State) -> str:
    return f"http://{HOST}:{state.ports['temporal ui']}"


async def _is_ready(state: State) -> bool:
    try:
        client = await Client.connect(target(state), namespace=NAMESPACE)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=NAMESPACE)
        )
        return await client.service_client.check_health()
    except (RPCError, RuntimeError):
        return False
