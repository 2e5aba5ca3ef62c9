"""Every route under /v1, as the documentation lists them, against every credential."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from photo.application.keys import CreateKey, RevokeKey
from photo.application.ports import Clock
from photo.domain.access import KeyId, Scope, Tenant
from photo.entrypoints.container import memory_container
from photo.entrypoints.http.app import HttpConfig, create_app
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead
from tests.makers import SteppableClock, new_id


class Route(NamedTuple):
    method: str
    path: str
    scope: Scope

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def an_address(self) -> str:
        kind = "upl" if "/uploads/" in self.path else "job"
        return self.path.replace("{id}", new_id(kind))


def _routes() -> list[Route]:
    app = create_app(memory_container(), HttpConfig(version="1"))
    paths = app.openapi_schema.to_schema()["paths"]
    return [
        Route(method.upper(), path, Scope(*operation["security"][0]["bearer"]))
        for path, operations in paths.items()
        if path.startswith("/v1/")
        for method, operation in operations.items()
    ]


ROUTES = _routes()
every_route = pytest.mark.parametrize("route", ROUTES, ids=str)


def test_all_routes_are_here() -> None:
    assert {str(route) for route in ROUTES} == {
        "POST /v1/uploads",
        "GET /v1/uploads/{id}",
        "POST /v1/jobs",
        "GET /v1/jobs",
        "GET /v1/jobs/{id}",
        "POST /v1/jobs/{id}/cancel",
        "GET /v1/jobs/{id}/result",
        "GET /v1/jobs/{id}/files",
        "POST /v1/read",
    }


def test_what_changes_something_asks_for_another_scope_than_what_reads() -> None:
    scopes = {(route.method, route.scope) for route in ROUTES}
    assert scopes == {("GET", Scope.READ), ("POST", Scope.WRITE)}


WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer nonsense",
    "Bearer pk_x",
    "Bearer pk_01_02",
    "Bearer pk__",
    "Basic YWRtaW46YWRtaW4=",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer " + "pk_" * 3000,
    "pk_01_02",
]


@every_route
@pytest.mark.parametrize("wrong", WRONG)
async def test_nobody_gets_in_without_a_key(
    service: Service, route: Route, wrong: str | None
) -> None:
    anyone = await service.anyone(wrong)
    # Were the body read first, it would be what is wrong.
    answer = await anyone.request(route.method, route.an_address, content=b"{")
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@every_route
async def test_a_key_with_every_other_scope_is_not_enough(
    service: Service, tenant: Tenant, route: Route
) -> None:
    others = await service.client(tenant, set(Scope) - {route.scope})
    answer = await others.request(route.method, route.an_address, content=b"{")
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"
    assert route.scope in answer.json()["detail"]


@every_route
async def test_a_key_with_the_one_scope_is_enough(
    service: Service, tenant: Tenant, route: Route
) -> None:
    api = await service.client(tenant, {route.scope})
    answer = await api.request(route.method, route.an_address)
    assert answer.status_code not in {401, 403}


async def test_the_right_key_with_the_wrong_secret_is_refused(
    service: Service,
) -> None:
    key = await service.key()
    other = await service.key()
    mixed = key.rpartition("_")[0] + "_" + other.rpartition("_")[2]
    for wrong in [mixed, key[:-1], key + "0", key.upper()]:
        anyone = await service.anyone(f"Bearer {wrong}")
        assert (await anyone.get("/v1/jobs")).status_code == 401


async def test_the_scheme_may_be_written_in_small_letters(service: Service) -> None:
    api = await service.anyone(f"bearer {await service.key()}")
    assert (await api.get("/v1/jobs")).status_code == 200


async def test_a_revoked_key_is_refused(service: Service) -> None:
    shown = await service.key()
    api = await service.anyone(f"Bearer {shown}")
    assert (await api.get("/v1/jobs")).status_code == 200
    revoke = await service.container.get(RevokeKey)
    await revoke(KeyId(f"key_{shown.split('_')[1]}"))
    assert (await api.get("/v1/jobs")).status_code == 401


async def test_an_expired_key_is_refused(run: Run, tenant: Tenant) -> None:
    now = SteppableClock()
    service = await run(instead(Clock, lambda: now))
    create = await service.container.get(CreateKey)
    _, shown = await create(
        tenant, name="k", scopes=frozenset(Scope), lifetime=timedelta(days=1)
    )
    api = await service.anyone(f"Bearer {shown}")
    assert (await api.get("/v1/jobs")).status_code == 200
    now.step(timedelta(days=1))
    assert (await api.get("/v1/jobs")).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
async def test_what_is_open_needs_no_key(service: Service, path: str) -> None:
    anyone = await service.anyone()
    assert (await anyone.get(path)).status_code == 200


async def test_asking_for_the_methods_needs_no_key(service: Service) -> None:
    anyone = await service.anyone()
    assert (await anyone.options("/v1/read")).headers["Allow"] == "OPTIONS, POST"
