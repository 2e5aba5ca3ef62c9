"""A client that was promised a job: it follows it, waits for it, or cancels it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import msgspec

from drill.asking import Api, GaveUp, code_of, is_passing, path
from drill.ledger import Ledger
from drill.orders import Order, Then
from photo.domain.job import ENDED

JOB = "/v1/jobs/{id}"
_CANCEL, _EVENTS, _RESULT = f"{JOB}/cancel", f"{JOB}/events", f"{JOB}/result"
#: Below what a client waits for an answer.
_WAIT_SECONDS = 6
_CANCEL_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Follower:
    #: A stream shows that it lives more often than that.
    TIMEOUT: ClassVar = httpx.Timeout(10, read=25)

    api: Api
    ledger: Ledger
    job_id: str
    #: What its text must have.
    word: str

    async def go_on(self, order: Order) -> None:
        match order.then:
            case Then.FOLLOW:
                await self._follow()
            case Then.WAIT:
                await self._wait()
            case Then.CANCEL:
                await asyncio.sleep(order.chance.uniform(0, _CANCEL_WITHIN_SECONDS))
                await self._cancel()
            case Then.LEAVE:
                pass

    async def _follow(self) -> None:
        """Every version, over as many streams as it takes."""
        versions = self.ledger.followed.setdefault(self.job_id, [])
        failures = 0
        while (pause := await self._listen(versions, failures)) is not None:
            await asyncio.sleep(pause)
            failures += 1

    async def _listen(self, versions: list[int], failures: int) -> float | None:
        """Until the stream ends; in how many seconds to come again, if at all."""
        asker, answer = self.api.asker, None
        last = {"Last-Event-ID": str(versions[-1])} if versions else {}
        with suppress(httpx.TransportError):
            async with asker.http.stream(
                "GET",
                path(_EVENTS, self.job_id),
                headers={**self.api.headers, **last},
                timeout=self.TIMEOUT,
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                asker.note("GET", _EVENTS, answer)
                if answer.status_code == HTTPStatus.OK:
                    if await self._heard_the_end(answer, versions):
                        return None
                elif not is_passing(answer):
                    self._check(answer)
                    return None
        if answer is None:
            asker.note("GET", _EVENTS, None)
        return asker.pause(failures, answer)

    async def _heard_the_end(self, answer: httpx.Response, versions: list[int]) -> bool:
        async for event in _events(answer.aiter_lines()):
            if "data" in event:
                versions.append(int(event["id"]))
                if self._is_over(msgspec.json.decode(event["data"])):
                    return True
        return False

    async def _wait(self) -> None:
        """For the end, and then for the text."""
        while True:
            answer = await self._ask("GET", JOB, params={"wait": _WAIT_SECONDS})
            if not self._check(answer):
                return
            job = answer.json()
            if self._is_over(job):
                break
        if job["status"] == "succeeded":
            text = await self._ask("GET", _RESULT, params={"format": "text"})
            if self._check(text) and self.word not in text.text:
                self.ledger.mixed_up.append(self.job_id)

    async def _cancel(self) -> None:
        answer = await self._ask("POST", _CANCEL, key=uuid4().hex)
        if code_of(answer) != "job_finished" and self._check(answer):
            self._is_over(answer.json())

    async def _ask(self, method: str, route: str, **request: Any) -> httpx.Response:
        while True:
            with suppress(GaveUp):
                return await self.api.ask(method, route, id=self.job_id, **request)

    def _is_over(self, job: Mapping[str, Any]) -> bool:
        if job["status"] not in ENDED:
            return False
        self.ledger.told[self.job_id].add(job["status"])
        return True

    def _check(self, answer: httpx.Response) -> bool:
        """Nothing that is asked of a job of one's own is turned down."""
        if answer.is_error:
            self.ledger.refused.append(f"{code_of(answer)} {self.job_id}")
        return answer.is_success


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Mapping[str, str]]:
    """The fields of each event."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            yield fields
            fields = {}
