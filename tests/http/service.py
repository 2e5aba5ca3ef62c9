"""The real application on memory adapters, as its operator and its clients see it."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx
from dishka import AsyncContainer, Provider
from litestar import Litestar

from photo.application.audit import operator
from photo.application.keys import CreateKey
from photo.application.ports import Buckets
from photo.domain.access import Scope, Tenant
from photo.entrypoints.http.app import HttpConfig, create_app
from photo.entrypoints.in_memory import memory_container
from tests.makers import in_chunks, photo_bytes

JPEG = photo_bytes()
EVERYTHING = tuple(Scope)


class Service:
    def __init__(self, container: AsyncContainer, app: Litestar) -> None:
        self.container = container
        self.app = app
        self.clients = AsyncExitStack()

    async def key(
        self, tenant: str = "acme", scopes: Collection[Scope] = EVERYTHING
    ) -> str:
        create = await self.container.get(CreateKey)
        caller = operator(Tenant(tenant))
        _, shown = await create(caller, name="test", scopes=frozenset(scopes))
        return shown

    async def client(
        self, tenant: str = "acme", scopes: Collection[Scope] = EVERYTHING
    ) -> httpx.AsyncClient:
        """A client with a key of its own."""
        return await self.anyone(f"Bearer {await self.key(tenant, scopes)}")

    async def anyone(
        self, authorization: str | None = None, *, url: str = "http://photo.test"
    ) -> httpx.AsyncClient:
        return await self.clients.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(cast("Any", self.app)),
                base_url=url,
                headers={"Authorization": authorization} if authorization else {},
            )
        )

    async def upload(
        self,
        api: httpx.AsyncClient,
        data: bytes = JPEG,
        promise: Mapping[str, object] | None = None,
    ) -> str:
        """A photo that has arrived, as if it had been sent to the store."""
        body = {"content_type": "image/jpeg", **(promise or {})}
        grant = (await api.post("/v1/uploads", json=body)).raise_for_status().json()
        raw = (await self.container.get(Buckets)).raw
        await raw.write(
            grant["fields"]["key"], in_chunks(data), content_type="image/jpeg"
        )
        upload_id: str = grant["id"]
        return upload_id

    async def job(
        self,
        api: httpx.AsyncClient,
        data: bytes = JPEG,
        *,
        metadata: Mapping[str, str] | None = None,
        promise: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """A job that has ended, as the API shows it."""
        upload_id = await self.upload(api, data, promise)
        accepted = await api.post(
            "/v1/jobs",
            json={
                "source": {"type": "upload", "upload_id": upload_id},
                "metadata": metadata or {},
            },
        )
        path = accepted.raise_for_status().headers["Location"]
        ended = await api.get(path, params={"wait": 10})
        job: dict[str, Any] = ended.raise_for_status().json()
        return job


@asynccontextmanager
async def running(
    *overrides: Provider, config: HttpConfig | None = None
) -> AsyncIterator[Service]:
    container = memory_container(*overrides)
    app = create_app(container, config or HttpConfig(version="1.2.3"))
    service = Service(container, app)
    async with service.clients:
        yield service
    await container.close()
