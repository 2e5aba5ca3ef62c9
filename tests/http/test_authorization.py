"""Every route, as the application knows them, against every credential."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from photo.application.audit import operator
from photo.application.keys import MintKey, RevokeKey
from photo.application.ports import KeyRepository
from photo.domain.access import Scope, Tenant, show_key, split_key
from photo.entrypoints.http.app import HttpConfig, create_app
from photo.entrypoints.in_memory import memory_container
from tests.http.service import Service
from tests.http.things import BODIES, MAKERS, address, some_address
from tests.makers import new_id

READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN

#: Every route there is, and the scope it asks for.
ROUTES: Mapping[str, Scope] = {
    "POST /v1/uploads": WRITE,
    "GET /v1/uploads/{id}": READ,
    "POST /v1/jobs": WRITE,
    "GET /v1/jobs": READ,
    "GET /v1/jobs/{id}": READ,
    "DELETE /v1/jobs/{id}": WRITE,
    "POST /v1/jobs/{id}/cancel": WRITE,
    "POST /v1/jobs/{id}/retry": WRITE,
    "GET /v1/jobs/{id}/events": READ,
    "GET /v1/search": READ,
    "GET /v1/jobs/{id}/result": READ,
    "GET /v1/jobs/{id}/files": READ,
    "POST /v1/read": WRITE,
    "GET /v1/usage": READ,
    "GET /v1/audit": ADMIN,
    "POST /v1/keys": ADMIN,
    "GET /v1/keys": ADMIN,
    "GET /v1/keys/{id}": ADMIN,
    "DELETE /v1/keys/{id}": ADMIN,
    "POST /v1/webhooks": ADMIN,
    "GET /v1/webhooks": ADMIN,
    "POST /v1/webhooks/default": ADMIN,
    "GET /v1/webhooks/{id}": ADMIN,
    "DELETE /v1/webhooks/{id}": ADMIN,
    "POST /v1/webhooks/{id}/enable": ADMIN,
    "POST /v1/webhooks/{id}/rotate-secret": ADMIN,
    "GET /v1/webhooks/{id}/deliveries": ADMIN,
    "POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay": ADMIN,
}
#: Those that anybody may ask.
OPEN = {
    "GET /docs",
    "GET /docs/errors",
    "GET /docs/start.js",
    "GET /docs/{name}",
    "GET /healthz",
    "GET /openapi.json",
    "GET /openapi.json/openapi.json",
    "GET /openapi.json/{path}",
    "GET /readyz",
}
#: Parameters without which a route shows nothing of anybody.
PARAMETERS: Mapping[str, dict[str, str]] = {
    "GET /v1/search": {"q": "hello"},
}


class Route(NamedTuple):
    method: str
    path: str
    scope: Scope

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> object:
        return BODIES.get(self.path) if self.method == "POST" else None


def _app() -> Litestar:
    return create_app(memory_container(), HttpConfig(version="1"))


def _documented(app: Litestar) -> Iterator[tuple[str, Route]]:
    for path, operations in app.openapi_schema.to_schema()["paths"].items():
        for method, operation in operations.items():
            for asked in operation.get("security", []):
                route = Route(method.upper(), path, Scope(*asked["bearer"]))
                yield str(route), route


def _known(app: Litestar) -> Iterator[str]:
    """Those too that the documentation does not show."""
    for route in app.routes:
        path = route.path_format.replace(":str", "")
        methods = route.methods if isinstance(route, HTTPRoute) else {"GET"}
        yield from (f"{method} {path}" for method in {*methods} - {"HEAD", "OPTIONS"})


APP = _app()
DOCUMENTED = dict(_documented(APP))
every_route = pytest.mark.parametrize("route", DOCUMENTED.values(), ids=str)
every_route_to_a_thing = pytest.mark.parametrize(
    "route", [route for route in DOCUMENTED.values() if "{" in route.path], ids=str
)
every_list = pytest.mark.parametrize(
    "route",
    [
        route
        for route in DOCUMENTED.values()
        if route.method == "GET" and "{" not in route.path
    ],
    ids=str,
)


def test_every_route_is_expected_with_its_scope() -> None:
    assert {name: route.scope for name, route in DOCUMENTED.items()} == ROUTES


def test_there_is_no_route_besides() -> None:
    assert {*_known(APP)} - OPEN == {*ROUTES}


def test_only_reading_routes_and_those_for_admins_do_not_ask_to_write() -> None:
    for name, scope in ROUTES.items():
        if not name.startswith("GET "):
            assert scope in {WRITE, ADMIN}, name


WRONG = [
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
    "Bearer é",
]


@every_route
@pytest.mark.parametrize("wrong", [None, *WRONG])
async def test_nobody_gets_in_without_a_credential(
    service: Service, route: Route, wrong: str | None
) -> None:
    # An empty header is one, too, so it cannot be a client's default.
    headers = {} if wrong is None else {b"Authorization": wrong.encode()}
    anyone = await service.anyone()
    # Were the body read first, it would be what is wrong.
    answer = await anyone.request(
        route.method, some_address(route.path), content=b"{", headers=headers
    )
    assert_refused(answer, shown=wrong is not None)


def assert_refused(answer: httpx.Response, *, shown: bool = True) -> None:
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    expected = 'Bearer realm="photo"' + (', error="invalid_token"' if shown else "")
    assert answer.headers["WWW-Authenticate"] == expected


@pytest.fixture(scope="session")
async def ended(service: Service) -> Mapping[str, str]:
    """Keys that were good once, with every scope."""
    caller = operator(Tenant(new_id("tenant")))
    mint = await service.container.get(MintKey)
    keys = await service.container.get(KeyRepository)
    revoke = await service.container.get(RevokeKey)
    shown = {}
    for end in ("revoked", "expired"):
        key, shown[end] = mint(caller, name=end, scopes=frozenset(Scope))
        past = key.created_at if end == "expired" else None
        await keys.add(replace(key, expires_at=past))
        if end == "revoked":
            await revoke(caller, key.id)
    return shown


@every_route
@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_key_that_has_ended_opens_nothing(
    service: Service, ended: Mapping[str, str], route: Route, end: str
) -> None:
    anyone = await service.anyone(f"Bearer {ended[end]}")
    answer = await anyone.request(route.method, some_address(route.path), content=b"{")
    assert_refused(answer)


@every_route
async def test_a_key_with_every_other_scope_is_not_enough(
    service: Service, tenant: Tenant, route: Route
) -> None:
    others = await service.client(tenant, set(Scope) - {route.scope})
    answer = await others.request(route.method, some_address(route.path), content=b"{")
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"
    assert route.scope in answer.json()["detail"]
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="photo", error="insufficient_scope", scope="{route.scope}"'
    )


@every_route
async def test_a_key_with_the_one_scope_is_enough(
    service: Service, tenant: Tenant, route: Route
) -> None:
    api = await service.client(tenant, {route.scope})
    answer = await api.request(route.method, some_address(route.path))
    assert answer.status_code not in {401, 403}


@every_route_to_a_thing
async def test_the_thing_of_another_tenant_is_not_there(
    service: Service, api: httpx.AsyncClient, route: Route
) -> None:
    there = await address(service, api, route.path)
    stranger = await service.client(new_id("tenant"))
    answer = await stranger.request(route.method, there, json=route.body)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    # It is there, and still as it was.
    own = await api.request(route.method, there, json=route.body)
    assert own.is_success or own.status_code == 409
    await ended_job(api, own)


async def ended_job(api: httpx.AsyncClient, answer: httpx.Response) -> None:
    """Leave no job behind that is still under way."""
    if (path := answer.headers.get("Location", "")).startswith("/v1/jobs/"):
        (await api.get(path, params={"wait": 10})).raise_for_status()


@every_list
async def test_a_list_shows_nothing_of_another_tenant(
    service: Service, api: httpx.AsyncClient, route: Route
) -> None:
    ids = [
        there.rpartition("/")[2]
        for there in [
            await address(service, api, path)
            for path in sorted({*MAKERS, *(f"{path}/{{id}}" for path in BODIES)})
        ]
    ]
    stranger = await service.client(new_id("tenant"))
    parameters = PARAMETERS.get(str(route))
    foreign = await stranger.get(route.path, params=parameters)
    own = await api.get(route.path, params=parameters)
    assert foreign.is_success
    assert not [known for known in ids if known in foreign.text]
    assert own.json() != foreign.json()


async def test_a_job_on_the_upload_of_another_tenant_is_refused(
    service: Service, api: httpx.AsyncClient
) -> None:
    upload_id = await service.upload(api)
    stranger = await service.client(new_id("tenant"))
    body = {"source": {"type": "upload", "upload_id": upload_id}}
    assert (await stranger.post("/v1/jobs", json=body)).status_code == 404
    own = await api.post("/v1/jobs", json=body)
    assert own.status_code == 202
    await ended_job(api, own)


async def test_the_right_key_with_the_wrong_secret_is_refused(
    service: Service,
) -> None:
    key, other = await service.key(), await service.key()
    mixed = key.rpartition("_")[0] + "_" + other.rpartition("_")[2]
    valid = show_key(split_key(key)[0], split_key(other)[1][:-8])
    told = set()
    for wrong in [mixed, valid, key[:-1], key[:-8], key + "0", f"pk_{key.upper()}"]:
        anyone = await service.anyone(f"Bearer {wrong}")
        answer = await anyone.get("/v1/jobs")
        assert_refused(answer)
        told.add(answer.json()["detail"])
    # One for what can be no key, one for what is none.
    assert len(told) == 2


async def test_the_scheme_may_be_written_in_small_letters(service: Service) -> None:
    api = await service.anyone(f"bearer {await service.key()}")
    assert (await api.get("/v1/jobs")).status_code == 200


async def test_two_credentials_are_none(service: Service) -> None:
    key = await service.key()
    anyone = await service.anyone()
    headers = [("Authorization", f"Bearer {key}"), ("Authorization", "Bearer x")]
    for each in (headers, headers[::-1]):
        assert_refused(await anyone.get("/v1/jobs", headers=each))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
async def test_what_is_open_needs_no_key(service: Service, path: str) -> None:
    anyone = await service.anyone()
    assert (await anyone.get(path)).status_code == 200


async def test_asking_for_the_methods_needs_no_key(service: Service) -> None:
    anyone = await service.anyone()
    assert (await anyone.options("/v1/read")).headers["Allow"] == "OPTIONS, POST"
