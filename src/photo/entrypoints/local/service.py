"""The whole service here: local servers, then the API and workers on them."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from signal import Signals

from photo.adapters.postgres.migrate import migrate
from photo.adapters.s3.buckets import create_bucket
from photo.adapters.s3.clients import open_clients
from photo.application.audit import operator
from photo.application.keys import CreateKey
from photo.domain.access import Scope, Tenant
from photo.entrypoints.credentials import (
    Credentials,
    load_credentials,
    save_credentials,
)
from photo.entrypoints.live import live_container
from photo.entrypoints.local.metrics import metrics_ports, metrics_urls
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Say, Servers
from photo.entrypoints.local.stack import Serve, run_stack
from photo.entrypoints.private import write_private
from photo.entrypoints.settings import Settings

#: The settings as lines of a shell, for other commands: `photo keys`, `photo doctor`.
ENV_FILE = "env"
#: As orchestrators have. A worker that was told to stop takes up to 25 seconds.
GRACE_SECONDS = 30.0
RAW, PROCESSED = "photo-raw", "photo-processed"

_INHERITED = {
    "HOME",
    "LOG_LEVEL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "PATH",
    "TMPDIR",
}
#: Settings that the caller may make for the local service.
_GIVEN = {
    "CLAMD_URL",
    "CORS_ORIGINS",
    "DAILY_BYTES",
    "DAILY_JOBS",
    "MAX_BYTES",
    "MAX_QUEUED_JOBS",
    "OIDC_AUDIENCE",
    "OIDC_ISSUER",
    "OIDC_TENANT_CLAIM",
    "OIDC_TOKEN_TYPE",
    "RATE_LIMIT_PER_ADDRESS",
    "RATE_LIMIT_PER_KEY",
    "RATE_LIMIT_PER_TENANT",
    "RATE_LIMIT_STORAGE",
    "RETENTION_DAYS",
    "TRUSTED_PROXIES",
    "URL_ALLOWED_NETWORKS",
    "URL_ALLOW_HTTP",
}


async def serve_locally(
    data_dir: Path, *, port: int, workers: int, serve: Serve, say: Say
) -> Signals | None:
    """Run everything until `serve` returns or a signal comes; answers that signal.

    The data, the settings and the credentials of a first API key stay in the folder.
    """

    async def prepare(servers: Servers) -> Sequence[Program]:
        variables = service_variables(servers, port)
        await furnish(servers, port)
        credentials = load_credentials(data_dir)
        key = credentials.key if credentials else await _first_key(variables)
        save_credentials(data_dir, Credentials(f"http://{HOST}:{port}", key))
        write_private(data_dir / ENV_FILE, _assignments(variables))
        names = ["api", *(f"worker-{number}" for number in range(1, workers + 1))]
        ports = metrics_ports(data_dir, names, besides=port)
        say(f"metrics, for `photo top`: {' '.join(metrics_urls(data_dir))}")
        return [
            _program(name, {**variables, "METRICS_PORT": str(ports[name])}, data_dir)
            for name in names
        ]

    return await run_stack(data_dir, port=port, prepare=prepare, serve=serve, say=say)


def service_variables(servers: Servers, port: int) -> dict[str, str]:
    """The settings of an API and its workers on these servers."""
    return {
        **{name: os.environ[name] for name in _GIVEN & os.environ.keys()},
        "HOST": HOST,
        "PORT": str(port),
        "SECRET_KEY": servers.secret_key,
        "DATABASE_URL": servers.database_url,
        "AWS_REGION": servers.s3.region,
        "AWS_ENDPOINT_URL_S3": servers.s3.endpoint,
        "AWS_ACCESS_KEY_ID": servers.s3.access_key_id,
        "AWS_SECRET_ACCESS_KEY": servers.s3.secret_access_key,
        "S3_BUCKET_RAW": RAW,
        "S3_BUCKET_PROCESSED": PROCESSED,
        "TEMPORAL_TARGET": servers.temporal_target,
        "TEMPORAL_NAMESPACE": servers.temporal_namespace,
    }


async def furnish(servers: Servers, port: int) -> None:
    """Tables and buckets; what is there already stays."""
    await migrate(servers.database_url)
    async with open_clients(
        region=servers.s3.region,
        attempts=3,
        endpoint=servers.s3.endpoint,
        access_key_id=servers.s3.access_key_id,
        secret_access_key=servers.s3.secret_access_key,
    ) as clients:
        for bucket in (RAW, PROCESSED):
            await create_bucket(clients, bucket, origins=[f"http://{HOST}:{port}"])


async def _first_key(variables: Mapping[str, str]) -> str:
    async with live_container(Settings.from_env(variables)) as container:
        create_key = await container.get(CreateKey)
        _, shown = await create_key(
            operator(Tenant("default")), name="photo up", scopes=frozenset(Scope)
        )
    return shown


def _assignments(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={quote(value)}\n" for name, value in variables.items())


def _program(name: str, variables: Mapping[str, str], data_dir: Path) -> Program:
    """Run in the data folder, where no `.env` of the caller's is."""
    command = name.partition("-")[0]
    inherited = {name: os.environ[name] for name in _INHERITED & os.environ.keys()}
    return Program(
        name=name,
        argv=[sys.executable, "-P", "-m", "photo", command],
        env={**inherited, **variables},
        cwd=data_dir,
        grace_seconds=GRACE_SECONDS,
    )
