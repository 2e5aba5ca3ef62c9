"""A real thing of a tenant for every id that stands in a path."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from tests.http.service import Service
from tests.makers import new_id

_PARAMETER = re.compile(r"\{(\w+)\}")

Maker = Callable[[Service, httpx.AsyncClient], Awaitable[Mapping[str, str]]]

#: What a POST takes to make one more, where that is all it takes.
BODIES: Mapping[str, dict[str, Any]] = {
    "/v1/uploads": {"content_type": "image/jpeg"},
    "/v1/keys": {"name": "a key", "scopes": ["photos:read"]},
    "/v1/webhooks": {"url": "https://hooks.example.com/"},
}


async def _a_job(service: Service, api: httpx.AsyncClient) -> Mapping[str, str]:
    return {"id": (await service.job(api, metadata={"order": "4711"}))["id"]}


async def _a_delivery(service: Service, api: httpx.AsyncClient) -> Mapping[str, str]:
    body = BODIES["/v1/webhooks"]
    webhook = (await api.post("/v1/webhooks", json=body)).raise_for_status().json()
    await service.job(api)
    listed = await api.get(f"/v1/webhooks/{webhook['id']}/deliveries")
    (delivery,) = listed.raise_for_status().json()["items"]
    return {"id": webhook["id"], "delivery_id": delivery["id"]}


#: The rest: by the path up to its last parameter, how to come by the parameters.
MAKERS: Mapping[str, Maker] = {
    "/v1/jobs/{id}": _a_job,
    "/v1/webhooks/{id}/deliveries/{delivery_id}": _a_delivery,
}


async def address(service: Service, api: httpx.AsyncClient, path: str) -> str:
    """The path with the ids of things that were made for it."""
    collection, _, rest = path.rpartition("}")
    made = f"{collection}}}" if collection else ""
    if make := MAKERS.get(made):
        return made.format(**await make(service, api)) + rest
    body = BODIES.get(made.rpartition("/")[0])
    if made and body is None:
        message = f"Tell MAKERS or BODIES how to make the thing of {path}."
        raise LookupError(message)
    if body is None:
        return path
    created = await api.post(made.rpartition("/")[0], json=body)
    return made.format(id=created.raise_for_status().json()["id"]) + rest


def some_address(path: str) -> str:
    """The path with ids of nothing."""
    return _PARAMETER.sub(new_id("job"), path)
