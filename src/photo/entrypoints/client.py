"""A client of the HTTP API: what `photo read` and the demo are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anyio
import httpx

from photo.domain.media import SNIFF_BYTES, MediaType

_WAIT_SECONDS = 30
_ENDED = {"succeeded", "failed", "cancelled"}
_SUFFIXES = {
    *(".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"),
    *(".avif", ".tif", ".tiff", ".gif", ".bmp"),
}
_ACCEPT = {"text": "text/plain", "json": "application/json"}


def photos_in(folder: Path) -> list[Path]:
    """Every file below a folder that has the name of a photo, in order."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return sorted(path for path in files if path.is_file())


class Refused(Exception):
    """The service, or the store behind it, would not do it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PhotoClient:
    """Uploads photos with presigned forms and waits for their text."""

    api: httpx.AsyncClient
    #: Without credentials: what is sent to the store must not carry the API key.
    store: httpx.AsyncClient

    @classmethod
    def connect(cls, url: str, key: str) -> Self:
        timeout = httpx.Timeout(30, read=_WAIT_SECONDS + 30)
        headers = {"Authorization": f"Bearer {key}"}
        return cls(
            httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout),
            httpx.AsyncClient(timeout=timeout),
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
        media_type = MediaType.of(head)
        if media_type is None:
            detail = "The file is no photo of an accepted type."
            raise Refused("unsupported_media_type", detail)
        grant = await self._post(
            "/v1/uploads",
            {
                "content_type": media_type,
                "size_bytes": (await anyio.Path(path).stat()).st_size,
                "filename": path.name,
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
            answer = await self.api.get(
                f"/v1/jobs/{job['id']}", params={"wait": _WAIT_SECONDS}
            )
            current = _accepted(answer).json()
        return current

    async def read(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has succeeded; raises `Refused` if it ended otherwise."""
        ended = await self.ended(job)
        if error := ended["error"]:
            raise Refused(error["code"], error["detail"])
        return ended

    async def result(self, job: Mapping[str, Any], form: str) -> str:
        """What was read, as `text` or `json`."""
        headers = {"Accept": _ACCEPT[form]}
        answer = await self.api.get(f"/v1/jobs/{job['id']}/result", headers=headers)
        return _accepted(answer).text

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = _accepted(await self.api.post(path, json=body)).json()
        return answer

    async def _send(self, path: Path, grant: Mapping[str, Any]) -> None:
        with path.open("rb") as file:
            answer = await self.store.post(
                grant["url"], data=grant["fields"], files={"file": file}
            )
        if not answer.is_success:
            raise Refused(
                "upload_missing", f"The store refused the photo ({answer.status_code})."
            )


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        raise Refused(problem["code"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"The service answered {answer.status_code} in an unknown form."
        raise Refused("internal", detail) from None
