"""Real processes that are told to stop, at the worst of moments."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.entrypoints.local.ports import choose_ports
from tests.e2e.apart import apart, break_table
from tests.e2e.conftest import Service, create_key
from tests.e2e.processes import Running, running
from tests.e2e.streams import follow
from tests.faults import in_front_of
from tests.makers import photo_bytes
from tests.services import Servers

FOLLOWERS = 100
#: The promise is 5; the rest is for machines that are busy. Whoever waits for what
#: is open here waits for a minute, or for ever.
SECONDS = 30
#: No worker takes what lies there: jobs stay queued.
NOBODYS_QUEUE = {"TEMPORAL_TASK_QUEUE": "nobodys"}


class Upload:
    """A photo that arrives in two halves."""

    def __init__(self) -> None:
        self.half = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        photo = photo_bytes()
        yield photo[:100]
        self.half.set()
        await self.may_go_on.wait()
        yield photo[100:]


def watched() -> Mapping[str, str]:
    """The settings of a process that counts, and looks around for it."""
    return {"METRICS_PORT": str(choose_ports(["metrics"])["metrics"])}


@asynccontextmanager
async def an_api(
    service: Service, folder: Path, **settings: str
) -> AsyncIterator[Running]:
    port = str(choose_ports(["api"])["api"])
    env = {**service.env, **NOBODYS_QUEUE, **watched(), "PORT": port, **settings}
    async with running("api", env, folder / f"api-{port}.log") as api:
        await api.until_ready("/healthz")
        yield api


@asynccontextmanager
async def a_client(service: Service, api: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=api.url,
        headers={"Authorization": f"Bearer {service.key}"},
        limits=httpx.Limits(max_connections=None),
        timeout=90,
    ) as client:
        yield client


async def submit(client: httpx.AsyncClient, body: Any = None) -> httpx.Response:
    headers = {"Content-Type": "image/jpeg"}
    content = photo_bytes() if body is None else body
    return await client.post("/v1/read?wait=0", content=content, headers=headers)


async def queued_job(client: httpx.AsyncClient) -> Any:
    return (await submit(client)).raise_for_status().json()


async def test_a_hundred_followers_are_let_go_and_go_on_elsewhere(
    service: Service, tmp_path: Path
) -> None:
    async with (
        an_api(service, tmp_path) as stopping,
        an_api(service, tmp_path) as other,
        a_client(service, stopping) as client,
        a_client(service, other) as elsewhere,
        asyncio.TaskGroup() as group,
    ):
        job = await queued_job(client)
        upload = Upload()
        sending = group.create_task(submit(client, upload))
        polls = [
            group.create_task(client.get(job["links"]["self"], params={"wait": 60}))
            for _ in range(10)
        ]
        follows = [asyncio.Event() for _ in range(FOLLOWERS)]
        following = [
            group.create_task(follow(client, job["links"]["events"], follows=each))
            for each in follows
        ]
        await upload.half.wait()
        for each in follows:
            await each.wait()

        ending = group.create_task(stopping.stop())
        streams = [await each for each in following]
        assert {(*seen.versions, seen.last_status) for seen in streams} == {
            (1, "queued")
        }
        # A second's worth of them would be a tenth of these.
        assert len({seen.retry for seen in streams}) > FOLLOWERS / 2
        assert {(await poll).status_code for poll in polls} == {200}
        upload.may_go_on.set()
        # The server waits for two seconds: to some machines that is nothing.
        assert (await sending).status_code in {202, 503}
        assert await ending < SECONDS

        await elsewhere.post(f"{job['links']['self']}/cancel")
        rest = await asyncio.gather(
            *(follow(elsewhere, job["links"]["events"], after=1) for _ in streams)
        )
        assert {(*seen.versions, seen.last_status) for seen in rest} == {
            (2, "cancelled")
        }


async def test_what_is_told_to_stop_twice_is_ended_by_the_signal(
    service: Service, tmp_path: Path
) -> None:
    # Whoever had come to the end before was told too late.
    while not (code := await told_twice(service, tmp_path)):
        pass
    assert code == -signal.SIGTERM


async def told_twice(service: Service, folder: Path) -> int:
    """The exit code of one that would wait for a request."""
    async with an_api(service, folder) as api, a_client(service, api) as client:
        upload = Upload()
        sending = asyncio.create_task(submit(client, upload))
        await upload.half.wait()
        api.process.send_signal(signal.SIGTERM)
        with suppress(httpx.TransportError, ProcessLookupError):
            while (await client.get("/readyz")).json()["status"] != "draining":
                pass
            api.process.send_signal(signal.SIGTERM)
        code = await api.process.wait()
        upload.may_go_on.set()
        await asyncio.wait([sending])
        assert bool(code) == isinstance(sending.exception(), httpx.TransportError)
        return code


@contextmanager
def silent_watchers() -> Iterator[Mapping[str, str]]:
    """The settings that send traces and reports of bugs to where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        yield {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
            "SENTRY_DSN": f"http://key@{address}/1",
        }


@asynccontextmanager
async def a_cut_off_api(
    service: Service, servers: Servers, folder: Path
) -> AsyncIterator[tuple[Running, list[FaultProxy]]]:
    """With a proxy before each of its dependencies; those who watch are silent."""
    async with AsyncExitStack() as stack:
        watchers = stack.enter_context(silent_watchers())
        proxies = [
            await stack.enter_async_context(in_front_of(address))
            for address in (
                servers.database_url,
                servers.s3.endpoint,
                servers.temporal_target,
            )
        ]
        database, s3, temporal = [proxy.port for proxy in proxies]
        url = make_url(servers.database_url).set(port=database)
        settings = {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{s3}",
            "TEMPORAL_TARGET": f"127.0.0.1:{temporal}",
            **watchers,
        }
        api = await stack.enter_async_context(an_api(service, folder, **settings))
        await api.until_ready()
        yield api, proxies


async def test_dependencies_that_fall_silent_hold_up_no_process(
    service: Service, servers: Servers, tmp_path: Path
) -> None:
    async with (
        a_cut_off_api(service, servers, tmp_path) as (api, proxies),
        a_client(service, api) as client,
        asyncio.TaskGroup() as group,
    ):
        job = await queued_job(client)
        follows = asyncio.Event()
        following = group.create_task(
            follow(client, job["links"]["events"], follows=follows)
        )
        await follows.wait()
        for proxy in proxies:
            await proxy.set(Deed.BLACKHOLE)
        hung = [group.create_task(submit(client)) for _ in range(5)]
        asked = group.create_task(client.get(job["links"]["self"]))
        assert (await client.get("/healthz")).status_code == 200
        assert await api.stop() < SECONDS
        assert (await following).versions == [1]
        for request in [*hung, asked]:
            answer = await request
            assert answer.status_code == 503
            assert answer.json()["retryable"]
            assert answer.headers["Retry-After"]


async def test_watchers_that_fall_silent_hold_up_no_process(
    servers: Servers, tmp_path: Path
) -> None:
    """Traces and reports of bugs are on their way to them."""
    async with AsyncExitStack() as stack:
        watchers = stack.enter_context(silent_watchers())
        env = await stack.enter_async_context(apart(servers, tmp_path, **watchers))
        worker, api = [
            await stack.enter_async_context(
                running(name, {**env, **watched()}, tmp_path / name)
            )
            for name in ("worker", "api")
        ]
        await api.until_ready("/healthz")
        headers = {"Authorization": f"Bearer {create_key(env)}"}
        async with httpx.AsyncClient(
            base_url=api.url, headers=headers, timeout=90
        ) as client:
            await break_table(env, "job_texts")
            assert (await submit(client)).is_success
            await break_table(env, "uploads")
            assert (await submit(client)).status_code == 500
        await worker.until_it_says("step_broke")
        for process in (api, worker):
            assert await process.stop() < SECONDS
            assert "traces_cut_short" in process.said()


async def test_a_worker_that_waits_for_a_dependency_ends_when_it_is_told_to(
    service: Service, tmp_path: Path
) -> None:
    nowhere = f"127.0.0.1:{choose_ports(['nowhere'])['nowhere']}"
    env = {**service.env, **watched(), "TEMPORAL_TARGET": nowhere}
    async with running("worker", env, tmp_path / "worker.log") as worker:
        await worker.until_it_says("waiting_for_dependency")
        assert await worker.stop() < SECONDS


async def test_an_api_that_waits_for_a_dependency_ends_when_it_is_told_to(
    service: Service, tmp_path: Path
) -> None:
    """In production it does: for the buckets, which must be private."""
    production = {
        "ALLOWED_HOSTS": "photo.test",
        "ALLOW_UNSCANNED": "true",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{choose_ports(['s3'])['s3']}",
        "ENVIRONMENT": "production",
        "S3_PUBLIC_ENDPOINT": "https://s3.photo.test",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "URL_ALLOWED_NETWORKS": "",
    }
    env = {**service.env, **watched(), **production}
    async with running("api", env, tmp_path / "api.log") as api:
        await api.until_it_says("waiting_for_dependency")
        assert await api.stop() < SECONDS
