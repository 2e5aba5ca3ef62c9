import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from photo.entrypoints.local import binaries
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.state import State
from photo.entrypoints.private import write_private

READY_SECONDS = 60.0
CLIENT = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"total_max_attempts": 1},
    proxies={},
)
ACTIONS = ("Admin", "Read", "Write", "List", "Tagging")
PARTS = ("master", "volume", "filer", "admin", "s3")
FLAGS = (
    f"-ip={HOST}",
    f"-ip.bind={HOST}",
    "-master.telemetry=false",
    "-webdav=false",
    "-admin.ui=false",
    "-bucket=",
    "-volume.preStopSeconds=0",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-s3.allowDeleteBucketNotEmpty=false",
)
#: Without these, any web page may read every photo from the filer's open HTTP port.
SIGNED = (
    "jwt.signing",
    "jwt.signing.read",
    "jwt.filer_signing",
    "jwt.filer_signing.read",
)


@dataclass(frozen=True, kw_only=True)
class S3Server:
    endpoint: str
    region: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


async def start_seaweedfs(children: Children, state: State) -> None:
    """Starts the S3 server and awaits its answer to a signed request."""
    folder = children.data_dir / "seaweedfs"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "s3.json", _identities(state))
    write_private(folder / "security.toml", _signing_keys())
    argv = [binaries.script("weed"), "-logtostderr=true", "mini", *FLAGS]
    argv += [f"-dir={folder}", f"-s3.config={folder / 's3.json'}"]
    argv += [f"-{part}.localSocket={folder / part}.sock" for part in ("filer", "s3")]
    argv += [f"-{part}.port={state.ports[f'seaweedfs {part}']}" for part in PARTS]
    argv += [
        f"-{part}.port.grpc={state.ports[f'seaweedfs {part} grpc']}" for part in PARTS
    ]
    env = binaries.environment(folder)
    process = await children.start(
        Program(name="seaweedfs", argv=argv, env=env, cwd=folder)
    )
    async with _client(s3_server(state)) as client:
        await process.until(lambda: _is_ready(client), seconds=READY_SECONDS)


def s3_server(state: State) -> S3Server:
    return S3Server(
        endpoint=f"http://{HOST}:{state.ports['seaweedfs s3']}",
        region="us-east-1",
        access_key_id=state.s3_access_key,
        secret_access_key=state.s3_secret_key,
    )


def _client(server: S3Server) -> Any:
    session = aioboto3.Session(
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )
    return session.client("s3", endpoint_url=server.endpoint, config=CLIENT)


async def _is_ready(client: Any) -> bool:
    try:
        await client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def _identities(state: State) -> str:
    key = {"accessKey": state.s3_access_key, "secretKey": state.s3_secret_key}
    identity = {"name": "photo", "credentials": [key], "actions": ACTIONS}
    return json.dumps({"identities": [identity]})


def _signing_keys() -> str:
    return "".join(f'[{use}]\nkey = "{secrets.token_urlsafe(24)}"\n' for use in SIGNED)
