"""Under which names, and how, the service is spoken to."""

from ipaddress import ip_network
from typing import Any

import pytest
from litestar import Request, get

from photo.entrypoints.http.app import HttpConfig
from tests.http.conftest import Run
from tests.http.service import Service

PATHS = ["/docs", "/nothing", "/v1/jobs", "/openapi.json"]


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("photo.example", True),
        ("photo.example:8443", True),
        ("PHOTO.example", True),
        ("[::1]:80", True),
        ("photo.test", False),
        ("photo.example.evil.test", False),
        ("evil.test:80@photo.example", False),
        ("[::1", False),
        ("", False),
    ],
)
async def test_only_allowed_hosts_are_answered(
    run: Run, host: str, known: bool
) -> None:
    service = await run(
        config=HttpConfig(version="1", allowed_hosts=("photo.example", "::1"))
    )
    anyone = await service.anyone()
    answer = await anyone.get("/openapi.json", headers={"Host": host})
    assert answer.status_code == (200 if known else 400)
    if not known:
        assert answer.json()["code"] == "validation_failed"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    probe = await anyone.get("/healthz", headers={"Host": "10.0.0.7:8000"})
    assert probe.status_code == 200


@pytest.mark.parametrize("allowed", ["*", "API.Example.com"])
async def test_a_host_may_be_any_and_its_case_is_no_matter(
    run: Run, allowed: str
) -> None:
    service = await run(config=HttpConfig(version="1", allowed_hosts=(allowed,)))
    anyone = await service.anyone()
    for host in ["api.example.com", "API.Example.com:8443"]:
        answer = await anyone.get("/openapi.json", headers={"Host": host})
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json"])
@pytest.mark.parametrize(
    "hosts",
    [
        ["photo.test", "evil.test"],
        ["photo.test", "photo.test"],
        ["", "photo.test"],
        ["photo.test, photo.test"],
        [""],
    ],
)
async def test_there_is_one_host(service: Service, path: str, hosts: list[str]) -> None:
    anyone = await service.anyone()
    answer = await anyone.get(path, headers=[("Host", host) for host in hosts])
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Send one Host header."


async def test_a_host_may_be_allowed_on_one_port_alone(run: Run) -> None:
    allowed = ("photo.example:8443", "[::1]:80")
    service = await run(config=HttpConfig(version="1", allowed_hosts=allowed))
    anyone = await service.anyone()
    for host, status in [
        ("photo.example:8443", 200),
        ("PHOTO.example:8443", 200),
        ("[::1]:80", 200),
        ("photo.example", 400),
        ("photo.example:443", 400),
        ("[::1]", 400),
    ]:
        answer = await anyone.get("/openapi.json", headers={"Host": host})
        assert answer.status_code == status


async def test_plain_http_is_refused_where_https_is_a_must(run: Run) -> None:
    service = await run(config=HttpConfig(version="1", https_only=True))
    plain = await service.anyone()
    for path in PATHS:
        answer = await plain.get(path)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("Use https.")
        assert "Strict-Transport-Security" not in answer.headers
    assert (await plain.get("/healthz")).status_code == 200
    secure = await service.anyone(url="https://photo.test")
    assert (await secure.get("/openapi.json")).status_code == 200


async def test_a_proxy_says_that_it_was_https_if_it_is_trusted(run: Run) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    for network, status in [("127.0.0.0/8", 200), ("10.0.0.0/8", 400)]:
        service = await run(
            config=HttpConfig(
                version="1", https_only=True, proxies=(ip_network(network),)
            )
        )
        answer = await (await service.anyone()).get("/openapi.json", headers=said)
        assert answer.status_code == status
        assert ("Strict-Transport-Security" in answer.headers) is (status == 200)


async def test_routes_see_who_is_behind_the_proxy(run: Run) -> None:
    trusted = (ip_network("127.0.0.1/32"),)
    service = await run(config=HttpConfig(version="1", proxies=trusted))

    @get("/who")
    async def who(request: Request[Any, Any, Any]) -> list[Any]:
        return [*(request.scope["client"] or ()), request.scope["scheme"]]

    service.app.register(who)
    said = {"Forwarded": 'for="[2001:db8::7]:4711";proto=https'}
    answer = await (await service.anyone()).get("/who", headers=said)
    assert answer.json() == ["2001:db8::7", 0, "https"]
