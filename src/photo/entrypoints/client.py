"""A client of the HTTP API: what `photo read` and the demo are made of."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import anyio
import httpx

from photo.domain.filename import EXTENSIONS, clean_filename
from photo.domain.formats import Format
from photo.domain.media import SNIFF_BYTES, MediaType

_WAIT_SECONDS = 30
#: Between the attempts to follow a job: in all, what a restart of the service takes.
_PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0, 8.0)
#: How long a request is put off in all, where the service tells to come back later.
_PATIENCE_SECONDS = 300
_PUT_OFF = {429, 503}
#: Clients that were put off together come back one by one.
_JITTER = 0.25
#: What stands before the service says when that is away.
_AWAY = {502, 503, 504}
#: No proxy leads to this machine.
_UNPROXIED: dict[str, httpx.AsyncBaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://[::1]": None,
    "all://localhost": None,
}
_ENDED = {"succeeded", "failed", "cancelled"}
_SUFFIXES = {f".{each}" for extensions in EXTENSIONS.values() for each in extensions}


def photos_in(folder: Path) -> list[Path]:
    """Every file below a folder that has the name of a photo, in order."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return sorted(path for path in files if path.is_file())


class Refused(Exception):
    """The service, or the store behind it, would not do it."""

    def __init__(self, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class PhotoClient:
    """Uploads photos with presigned forms and waits for their text."""

    api: httpx.AsyncClient
    #: Without credentials: what is sent to the store must not carry the API key.
    store: httpx.AsyncClient
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @classmethod
    def connect(cls, url: str, key: str) -> Self:
        timeout = httpx.Timeout(30, read=_WAIT_SECONDS + 30)
        headers = {"Authorization": f"Bearer {key}"}
        return cls(
            httpx.AsyncClient(
                base_url=url, headers=headers, timeout=timeout, mounts=_UNPROXIED
            ),
            httpx.AsyncClient(timeout=timeout, mounts=_UNPROXIED),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.api.aclose()
        await self.store.aclose()

    async def submit_file(self, path: Path) -> dict[str, Any]:
        """Upload a photo and start its job."""
        async with await anyio.open_file(path, "rb") as file:
            head = await file.read(SNIFF_BYTES)
        if not head:
            raise Refused("validation_failed", "The file is empty.")
        media_type = MediaType.of(head)
        if media_type is None:
            detail = "The file is no photo of an accepted type."
            raise Refused("unsupported_media_type", detail)
        grant = await self._post(
            "/v1/uploads",
            {
                "content_type": media_type,
                "size_bytes": (await anyio.Path(path).stat()).st_size,
                "filename": clean_filename(path.name),
            },
        )
        await self._send(path, grant)
        source = {"type": "upload", "upload_id": grant["id"]}
        return await self._post("/v1/jobs", {"source": source})

    async def submit_url(self, url: str) -> dict[str, Any]:
        """Start a job on a photo that the service fetches itself."""
        return await self._post("/v1/jobs", {"source": {"type": "url", "url": url}})

    async def ended(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has ended, however long that takes."""
        current = dict(job)
        while current["status"] not in _ENDED:
            current = await self._followed(job["id"])
        return current

    async def read(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has succeeded; raises `Refused` if it ended otherwise."""
        ended = await self.ended(job)
        if error := ended["error"]:
            raise Refused(error["code"], error["detail"])
        return ended

    async def result(self, job: Mapping[str, Any], form: Format) -> bytes:
        """What was read, in one of its forms."""
        headers = {"Accept": form.media_type}
        path = f"/v1/jobs/{job['id']}/result"
        return (await self._asked("GET", path, headers=headers)).content

    async def text(self, job: Mapping[str, Any]) -> str:
        """What was read, and nothing else."""
        return (await self.result(job, Format.TEXT)).decode()

    async def _followed(self, job_id: str) -> dict[str, Any]:
        """The job after a while. A service that is away meanwhile may come back."""
        path, params = f"/v1/jobs/{job_id}", {"wait": _WAIT_SECONDS}
        for pause in (*_PAUSES_SECONDS, None):
            try:
                answer = await self._asked("GET", path, params=params)
                break
            except Refused as refused:
                if pause is None or not refused.retryable:
                    raise
                await self.sleep(pause)
        job: dict[str, Any] = answer.json()
        return job

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await self._asked("POST", path, json=body, headers=headers)
        made: dict[str, Any] = answer.json()
        return made

    async def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer, when the service has time for it: it may tell to come back."""
        patience = _PATIENCE_SECONDS
        while True:
            answer = await _sent(self.api.request(method, path, **request))
            pause = _put_off(answer)
            if pause is None or pause > patience:
                return _accepted(answer)
            patience -= pause
            spread = random.uniform(1, 1 + _JITTER)  # noqa: S311 # no secret
            await self.sleep(pause * spread)

    async def _send(self, path: Path, grant: Mapping[str, Any]) -> None:
        with path.open("rb") as file:
            answer = await _sent(
                self.store.post(
                    grant["url"],
                    data=grant["fields"],
                    files={"file": ("photo", file)},
                )
            )
        if not answer.is_success:
            raise Refused(
                "upload_missing", f"The store refused the photo ({answer.status_code})."
            )


async def _sent(request: Awaitable[httpx.Response]) -> httpx.Response:
    try:
        return await request
    except httpx.HTTPError as error:
        detail = f"The service cannot be reached ({type(error).__name__})."
        raise Refused("dependency_unavailable", detail, retryable=True) from error


def _put_off(answer: httpx.Response) -> int | None:
    """In how many seconds to ask again, if that is what the service says."""
    told = answer.headers.get("Retry-After", "")
    if answer.status_code not in _PUT_OFF or not (told.isascii() and told.isdigit()):
        return None
    return max(1, int(told))


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        raise Refused(
            problem["code"], problem["detail"], retryable=problem["retryable"]
        )
    except (ValueError, KeyError, TypeError):
        detail = f"The service answered {answer.status_code} in an unknown form."
        retryable = answer.status_code in _AWAY
        raise Refused("internal", detail, retryable=retryable) from None
