"""Every query of panels and alerts, asked of a Prometheus that watches real work."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from dashboards.made import queries
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.schedule import schedule_all
from photo.domain.access import Scope
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.scanner_probes import eicar
from tests.certificates import Authority
from tests.e2e.apart import apart
from tests.e2e.conftest import PHOTO
from tests.e2e.load import Load
from tests.e2e.processes import running
from tests.e2e.prometheus import Question, Watcher, watching
from tests.e2e.test_refusals import JPEG, grant, send, submit
from tests.monitoring.metrics import compared, selectors
from tests.monitoring.rules import rules
from tests.scanning import Clamd
from tests.services import Servers

_REQUIRED = os.environ.get("PHOTO_TEST_REQUIRE_ALL") == "1"

#: What must have come to pass, and not only be counted from zero.
HAPPENED = (
    'photo_jobs_ended_total{status="succeeded"}',
    'photo_jobs_ended_total{code="infected"}',
    'photo_jobs_ended_total{code="corrupt_image"}',
    'photo_http_requests_total{route=~"/v1/.*",status=~"5.."}',
    "photo_recognize_seconds_count",
    'photo_scans_total{verdict="clean"}',
    'photo_step_attempts_total{outcome="refused"}',
    "photo_upload_bytes_total",
    "photo_uploads_granted_total",
    'photo_webhook_deliveries_total{outcome="retried"}',
)


@pytest.fixture
def prometheus() -> str:
    program = shutil.which("prometheus")
    if program is None:
        say = pytest.fail if _REQUIRED else pytest.skip
        say("prometheus is not installed")
    return program


class AtWork(NamedTuple):
    client: httpx.AsyncClient
    #: Has a client's certificate for a Temporal that it does not reach, and no room.
    in_trouble: httpx.AsyncClient
    ports: Mapping[str, int]

    def urls(self) -> list[str]:
        names = ("api-metrics", "worker-metrics")
        return [f"http://127.0.0.1:{self.ports[name]}/metrics" for name in names]


@asynccontextmanager
async def at_work(
    servers: Servers, clamd: Clamd, folder: Path
) -> AsyncIterator[AtWork]:
    """Processes that tell of themselves, on a database of their own."""
    names = ("api-metrics", "worker-metrics", "troubled", "troubled-metrics")
    ports = choose_ports(names)
    settings = {"CLAMD_URL": clamd.tcp_url, "RATE_LIMIT_PER_KEY": "100000"}
    async with apart(servers, folder, PATH=os.environ["PATH"], **settings) as env:
        await make_schedules(env)
        certificate, key = Authority(folder).pair("photo.test")
        troubles = {
            "TEMPORAL_TLS_CERT": certificate,
            "TEMPORAL_TLS_KEY": key,
            "MAX_QUEUED_JOBS": "1",
            "PORT": str(ports["troubled"]),
        }

        def told(name: str, **more: str) -> dict[str, str]:
            return {**env, "METRICS_PORT": str(ports[f"{name}-metrics"]), **more}

        async with (
            running("api", told("api"), folder / "api.log") as api,
            running("worker", told("worker"), folder / "worker.log") as worker,
            running("api", told("troubled", **troubles), folder / "t.log") as troubled,
        ):
            await api.until_ready()
            await troubled.until_ready("/healthz")
            await worker.until_it_says("worker_started")
            headers = {"Authorization": f"Bearer {_admins_key(env)}"}
            async with (
                httpx.AsyncClient(
                    base_url=api.url, headers=headers, timeout=90
                ) as client,
                httpx.AsyncClient(
                    base_url=troubled.url, headers=headers, timeout=90
                ) as in_trouble,
            ):
                yield AtWork(client, in_trouble, ports)


async def make_schedules(env: Mapping[str, str]) -> None:
    """The worker finds them there, as after any restart: a call of its own fails."""
    server = TemporalServer(target=env["TEMPORAL_TARGET"])
    await schedule_all(await server.connected(), env["TEMPORAL_TASK_QUEUE"])


def _admins_key(env: Mapping[str, str]) -> str:
    scopes = [f"--scope={scope}" for scope in Scope]
    command = [PHOTO, "keys", "create", "--name=e2e", *scopes]
    return subprocess.check_output(command, env=env, text=True).strip()


async def trouble(work: AtWork) -> None:
    """What does not go well, and an upload that does; again and again."""
    # The API refuses each delivery, which is an answer.
    hook = {"url": f"{work.client.base_url}/healthz"}
    (await work.client.post("/v1/webhooks", json=hook)).raise_for_status()
    photos = (JPEG, JPEG[: len(JPEG) // 2], JPEG + eicar())
    while True:
        for number, photo in enumerate(photos):
            upload = await grant(work.client)
            await send(upload, photo + bytes(number))
            await submit(work.client, upload)
            await work.in_trouble.post(
                "/v1/read?wait=0", content=JPEG, headers={"Content-Type": "image/jpeg"}
            )
        await asyncio.sleep(3)


@asynccontextmanager
async def loaded(work: AtWork) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        troubles = group.create_task(trouble(work))
        async with Load(work.client).going_on():
            yield
            troubles.cancel()


@pytest.mark.timeout(900)
async def test_every_query_of_panels_and_alerts_returns_data(
    servers: Servers, clamd: Clamd, prometheus: str, tmp_path: Path
) -> None:
    async with at_work(servers, clamd, tmp_path) as work:
        targets = {
            "photo-api": [work.ports["api-metrics"], work.ports["troubled-metrics"]],
            "photo-worker": [work.ports["worker-metrics"]],
        }
        async with watching(prometheus, tmp_path, targets) as watcher, loaded(work):
            assert await watcher.until_answered(questions()) == []
            await shows_the_same(work, watcher)
            for rule in rules():
                await watcher.ask(rule["expr"])


async def shows_the_same(work: AtWork, watcher: Watcher) -> None:
    """`photo top`, on a real stack."""
    top = await asyncio.create_subprocess_exec(
        PHOTO, "top", "--once", "--interval=3", *work.urls(), stdout=subprocess.PIPE
    )
    out, _ = await top.communicate()
    assert top.returncode == 0
    said = {" ".join(line.split()) for line in out.decode().splitlines()}
    for words in ("2 processes", "infected", "corrupt_image", "scanner ok", "a page"):
        assert any(words in line for line in said), out.decode()
    assert len(out.decode().splitlines()) <= 24, out.decode()


def questions() -> Iterator[Question]:
    """Panels as they are; of rules, what they look at, and what they compare."""
    for query in queries():
        expression = query.expression.replace("$__rate_interval", "30s")
        labels = frozenset(re.findall(r"\{\{(\w+)\}\}", query.names))
        yield Question(expression, labels)
    for rule in rules():
        yield Question(compared(rule["expr"]))
        yield from (Question(each.text) for each in selectors(rule["expr"]))
    yield from (Question(f"{counter} > 0") for counter in HAPPENED)
