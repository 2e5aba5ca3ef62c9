"""Server-Sent Events of a job: all of its versions, whatever happens to the stream."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

import httpx
import msgspec
import pytest

from photo.application.audit import operator
from photo.application.draining import Draining
from photo.application.following import FollowJob
from photo.application.keys import RevokeKey
from photo.application.ports import JobRepository, WorkflowEngine
from photo.domain.access import KeyId, Tenant
from photo.domain.job import Failure, JobId, Step
from tests.http.listening import http_only, listening
from tests.http.service import Service, running
from tests.http.stand_ins import HeldEngine, instead
from tests.makers import ACME, NOW, new_id


def retry(lines: Sequence[str]) -> int:
    """After how many milliseconds the client is to come again."""
    return int(lines[0].removeprefix("retry: "))


class Event(NamedTuple):
    id: str
    data: dict[str, Any]


def parsed(lines: Sequence[str]) -> Event:
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields.pop("event") == "job"
    return Event(fields["id"], msgspec.json.decode(fields["data"]))


def events_in(body: str) -> list[Event]:
    blocks = [block.splitlines() for block in body.split("\n\n")]
    return [parsed(lines) for lines in blocks if lines and lines[0] == "event: job"]


class Following(FollowJob):
    """With patience for little."""

    HEARTBEAT: ClassVar = timedelta(milliseconds=50)
    MOST: ClassVar = 2


class Stream:
    """An open answer, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def block(self) -> list[str]:
        """The lines up to the next empty one; none when the stream has ended."""
        lines: list[str] = []
        async with asyncio.timeout(60):
            async for line in self._lines:
                if not line:
                    break
                lines.append(line)
        return lines

    async def event(self) -> Event:
        """The next event, heartbeats skipped."""
        while (lines := await self.block())[0].startswith((":", "retry:")):
            pass
        return parsed(lines)

    async def heartbeat(self) -> None:
        while await self.block() != [":"]:
            pass

    async def end(self) -> list[list[str]]:
        """What still comes."""
        blocks = []
        while block := await self.block():
            blocks.append(block)
        return blocks


class Live:
    """A service on a socket whose jobs are moved by the test."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self.service = service
        self.client = client

    async def start(self) -> JobId:
        upload_id = await self.service.upload(self.client)
        source = {"type": "upload", "upload_id": upload_id}
        job = (await self.client.post("/v1/jobs", json={"source": source})).json()
        return JobId(job["id"])

    async def wait(self, job_id: JobId, why: str) -> None:
        """Make a version of a running job."""
        jobs = await self.service.container.get(JobRepository)
        failure = Failure(why, why, retryable=True)
        await jobs.update(
            job_id, lambda job: job.enter(Step.SCAN, at=NOW).wait(failure)
        )

    async def cancel(self, job_id: JobId) -> None:
        cancelled = await self.client.post(f"/v1/jobs/{job_id}/cancel")
        assert cancelled.status_code == 202

    @asynccontextmanager
    async def events(
        self, job_id: JobId, after: int | None = None
    ) -> AsyncIterator[Stream]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        path = f"/v1/jobs/{job_id}/events"
        async with self.client.stream("GET", path, headers=headers) as answer:
            yield Stream(answer)


@asynccontextmanager
async def live_service(*overrides: Any) -> AsyncIterator[Live]:
    engine = instead(WorkflowEngine, HeldEngine)
    following = instead(FollowJob, Following)
    async with (
        running(engine, following, *overrides) as service,
        listening(http_only(service.app)) as listener,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.port}",
            headers={"Authorization": f"Bearer {await service.key(ACME)}"},
            timeout=60,
        ) as client,
    ):
        yield Live(service, client)


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with live_service() as live:
        yield live


async def test_a_job_that_has_ended_is_replayed_from_its_first_version(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    answer = await api.get(f"/v1/jobs/{job['id']}/events")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache, no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert 1000 <= retry(answer.text.splitlines()) <= 6000
    events = events_in(answer.text)
    assert [event.id for event in events] == [
        str(number) for number in range(1, len(events) + 1)
    ]
    assert events[0].data["status"] == "queued"
    entered = dict.fromkeys(event.data["step"] for event in events)
    steps = ["verify", "scan", "normalize", "recognize", "publish"]
    assert [*entered] == [None, *steps]
    assert events[-1].data == job


async def test_what_follows_an_event_is_what_would_have_followed_it(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    path = f"/v1/jobs/{job['id']}/events"
    events = events_in((await api.get(path)).text)
    for after in range(len(events)):
        resumed = await api.get(path, headers={"Last-Event-ID": str(after)})
        assert events_in(resumed.text) == events[after:]


async def test_after_the_last_event_there_is_no_reason_to_come_again(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    path = f"/v1/jobs/{job['id']}/events"
    last = events_in((await api.get(path)).text)[-1].id
    answer = await api.get(path, headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "wrong", ["", "x", "-1", "1.0", " 1x", "٣", "9" * 10, "999999999", "1, 2"]
)
async def test_an_id_that_no_event_had_is_refused(
    service: Service, api: httpx.AsyncClient, wrong: str
) -> None:
    job = await service.job(api)
    answer = await api.get(
        f"/v1/jobs/{job['id']}/events",
        headers=[(b"Last-Event-ID", wrong.encode())],
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/Last-Event-ID"


async def test_only_the_tenants_own_jobs_can_be_followed(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    stranger = await service.client(Tenant(new_id("tenant")))
    for client, job_id in ((stranger, job["id"]), (api, new_id("job")), (api, "x")):
        answer = await client.get(f"/v1/jobs/{job_id}/events")
        assert answer.status_code == 404


async def test_changes_arrive_while_they_happen(live: Live) -> None:
    job_id = await live.start()
    async with live.events(job_id) as stream:
        assert (await stream.event()).data["status"] == "queued"
        for number, why in enumerate("abc", 2):
            await live.wait(job_id, why)
            event = await stream.event()
            assert event.id == str(number)
            assert event.data["step_error"]["code"] == why
        await live.cancel(job_id)
        assert (await stream.event()).data["status"] == "cancelled"
        await stream.end()


async def test_whoever_comes_again_misses_nothing(live: Live) -> None:
    job_id = await live.start()
    seen: list[Event] = []
    for turn in range(4):
        async with live.events(job_id, len(seen)) as stream:
            if turn == 0:
                seen.append(await stream.event())
            await live.wait(job_id, f"{turn} while it was listened to")
            seen.append(await stream.event())
        await live.wait(job_id, f"{turn} while it was not")
    await live.cancel(job_id)
    async with live.events(job_id, len(seen)) as stream:
        while seen[-1].data["status"] != "cancelled":
            seen.append(await stream.event())
        await stream.end()
    assert [int(event.id) for event in seen] == [*range(1, 11)]


async def test_everyone_who_follows_a_job_sees_the_same(live: Live) -> None:
    job_id = await live.start()
    async with live.events(job_id) as one, live.events(job_id) as other:
        for why in "abc":
            await live.wait(job_id, why)
        await live.cancel(job_id)
        seen = [[await stream.event() for _ in range(5)] for stream in (one, other)]
    assert seen[0] == seen[1]


async def test_a_silent_stream_shows_that_it_lives(live: Live) -> None:
    job_id = await live.start()
    async with live.events(job_id, 1) as stream:
        for _ in range(3):
            await stream.heartbeat()
        await live.wait(job_id, "a")
        assert (await stream.event()).id == "2"


async def test_a_tenant_has_only_so_many_streams(live: Live) -> None:
    job_id = await live.start()
    async with live.events(job_id) as one:
        async with live.events(job_id) as other:
            await one.event()
            await other.event()
            refused = await live.client.get(f"/v1/jobs/{job_id}/events")
            assert refused.status_code == 429
            assert refused.json()["code"] == "rate_limited"
            assert int(refused.headers["Retry-After"]) >= 1
            elsewhere = await live.service.client("other")
            path = f"/v1/jobs/{job_id}/events"
            assert (await elsewhere.get(path)).status_code == 404
        async with asyncio.timeout(60):
            while True:
                async with live.events(job_id) as again:
                    if again.answer.status_code == 200:
                        break


async def test_the_stream_of_a_revoked_key_ends(live: Live) -> None:
    job_id = await live.start()
    key = await live.service.key(ACME)
    revoke = await live.service.container.get(RevokeKey)
    headers = {"Authorization": f"Bearer {key}"}
    path = f"/v1/jobs/{job_id}/events"
    async with live.client.stream("GET", path, headers=headers) as answer:
        stream = Stream(answer)
        await stream.heartbeat()
        await revoke(operator(ACME), KeyId(f"key_{key.split('_')[1]}"))
        await stream.end()


async def test_a_process_that_stops_ends_its_streams_and_says_when_to_come_again(
    live: Live,
) -> None:
    job_id = await live.start()
    draining = await live.service.container.get(Draining)
    async with live.events(job_id) as one, live.events(job_id) as other:
        streams = (one, other)
        for stream in streams:
            await stream.event()
        draining.begin()
        hints = {retry((await stream.end())[-1]) for stream in streams}
    # Not all at once.
    assert len(hints) == 2
    async with live.events(job_id, 1) as stream:
        while (block := await stream.block()) != [":"]:
            assert retry(block) >= 1000
        assert retry((await stream.end())[-1]) >= 1000


async def test_a_stream_that_came_to_its_end_is_not_to_be_asked_for_again(
    live: Live,
) -> None:
    job_id = await live.start()
    async with live.events(job_id) as stream:
        await live.cancel(job_id)
        await stream.event()
        await stream.event()
        assert await stream.end() == []


async def test_head_is_answered_without_waiting_for_the_end(live: Live) -> None:
    path = f"/v1/jobs/{await live.start()}/events"
    async with asyncio.timeout(60):
        for _ in range(Following.MOST + 1):
            answer = await live.client.head(path)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_following_costs_no_more_than_beginning_to(live: Live) -> None:
    job_id = await live.start()
    left = []
    for _ in range(2):
        async with live.events(job_id) as stream:
            for _ in range(3):
                await stream.block()
        answer = await live.client.get(f"/v1/jobs/{job_id}")
        left.append(answer.headers["RateLimit"].split(";")[1])
    assert int(left[0].removeprefix("r=")) - int(left[1].removeprefix("r=")) <= 2
