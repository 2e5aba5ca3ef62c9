"""A client with one photo, who does not rest until it was promised a job."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, ClassVar
from uuid import uuid4

import httpx

from drill.asking import Api, GaveUp, Store, code_of
from drill.ledger import ENDINGS, REQUEST, Accepted, Ledger
from drill.orders import Order, Way
from drill.photos import Photo

_JOBS, _READ, _UPLOADS = "/v1/jobs", "/v1/read", "/v1/uploads"
#: For the end of the job, in the call that starts it.
_WAITS = (0, 3, 6)
_MISSING, _EXPIRED, _CANCELLED = "upload_missing", "upload_expired", "cancelled"


class Refused(Exception):
    """Turned down for good; its text is the code."""


@dataclass(slots=True)
class Client:
    PATIENCE_SECONDS: ClassVar = 300.0

    api: Api
    store: Store
    ledger: Ledger
    order: Order
    photo: Photo
    #: Where the photo can be fetched.
    photo_url: str
    #: Where the end of the job is to be told, if it has such a place of its own.
    webhook_url: str | None = None
    #: Of the request for the job.
    key: str = field(default_factory=lambda: uuid4().hex)

    async def promised(self) -> str | None:
        """The id of the job, or None: the ledger says why."""
        try:
            job_id = await self._submit()
        except GaveUp:
            self.ledger.given_up.append(self.key)
        except Refused as refused:
            if str(refused) not in ENDINGS[self.photo.kind]:
                self.ledger.refused.append(f"{refused} {self.key}")
        else:
            self._accept(job_id)
            return job_id
        return None

    async def _submit(self) -> str:
        match self.order.way:
            case Way.UPLOAD:
                return await self._upload()
            case Way.URL:
                return await self._start({"type": "url", "url": self.photo_url})
            case Way.READ:
                return await self._read()

    async def _upload(self) -> str:
        grant = await self._stored()
        while True:
            try:
                return await self._start({"type": "upload", "upload_id": grant["id"]})
            except Refused as refused:
                if str(refused) not in {_MISSING, _EXPIRED}:
                    raise
                is_lost = str(refused) == _EXPIRED
            if is_lost or not await self.store.take(grant, self.photo.content):
                # Another upload is another request.
                grant, self.key = await self._stored(), uuid4().hex

    async def _stored(self) -> Mapping[str, Any]:
        """The grant with which the store has taken the photo."""
        until, failures = monotonic() + self.PATIENCE_SECONDS, 0
        promise = {
            "content_type": self.photo.content_type,
            "size_bytes": len(self.photo.content),
        }
        while monotonic() < until:
            answer = await self.api.ask("POST", _UPLOADS, key=uuid4().hex, json=promise)
            if not answer.is_success:
                raise Refused(code_of(answer))
            grant: Mapping[str, Any] = answer.json()
            if await self.store.take(grant, self.photo.content):
                return grant
            await asyncio.sleep(self.api.asker.pause(failures, None))
            failures += 1
        raise GaveUp(_UPLOADS)

    async def _start(self, source: Mapping[str, str]) -> str:
        body = {
            "source": source,
            "metadata": {REQUEST: self.key},
            "webhook_url": self.webhook_url,
        }
        return await self._once(_JOBS, json=body)

    async def _read(self) -> str:
        headers = {"Content-Type": self.photo.content_type}
        params = {"wait": self.order.chance.choice(_WAITS)}
        return await self._once(
            _READ, params=params, headers=headers, content=self.photo.content
        )

    async def _once(self, route: str, **request: Any) -> str:
        """The job of a request, however often that is sent at the same time."""

        async def job_id() -> str:
            answer = await self.api.ask("POST", route, key=self.key, **request)
            return self._job_of(answer)

        senders = (job_id() for _ in range(self.order.times))
        told = await asyncio.gather(*senders, return_exceptions=True)
        ids = [each for each in told if isinstance(each, str)]
        for each in told:
            # Whoever got no answer may ask the others.
            if isinstance(each, BaseException) and not (
                ids and isinstance(each, GaveUp)
            ):
                raise each
        return ids[0]

    def _job_of(self, answer: httpx.Response) -> str:
        body = answer.json()
        job_id: str | None = body.get("job_id", body.get("id"))
        if job_id is None:
            raise Refused(body["code"])
        self.ledger.jobs_of[self.key].add(job_id)
        if answer.is_error:
            ended = _CANCELLED if body["code"] == _CANCELLED else "failed"
            self.ledger.told[job_id].add(ended)
        elif "text" in body:
            self.ledger.told[job_id].add("succeeded")
            if self.photo.word not in body["text"]:
                self.ledger.mixed_up.append(job_id)
        return job_id

    def _accept(self, job_id: str) -> None:
        self.ledger.accepted.append(
            Accepted(
                job_id=job_id,
                kind=self.photo.kind,
                idempotency_key=self.key,
                at=monotonic(),
                word=self.photo.word,
                called_back=self.webhook_url is not None,
            )
        )
