"""What is secret is in no log, whatever is done with it and whatever goes wrong."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from photo.adapters.postgres.migrate import migrate
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import furnish, service_variables
from tests.e2e.conftest import Service, deployed
from tests.e2e.test_intake import ended
from tests.e2e.test_managing import submitted
from tests.e2e.test_refusals import grant, send
from tests.e2e.test_webhooks import Receiver, listed, receiving
from tests.oidc.local_issuer import AUDIENCE, LocalIssuer, issuing
from tests.pictures import a_text
from tests.services import Servers, fresh_database

#: In all that clients send, wherever they send it.
CANARY = "c4n4ry"
#: What stands on the photo.
WORD = "Zwetschgendatschi"
ISSUED_SECONDS = 300


@pytest.fixture(params=["staging", "development"])
def environment(request: pytest.FixtureRequest) -> str:
    """JSON lines in the one, lines for people in the other."""
    return str(request.param)


@asynccontextmanager
async def debugged(
    servers: Servers, issuer: LocalIssuer, environment: str, folder: Path
) -> AsyncIterator[Service]:
    """A deployment of its own, on a queue of its own, that tells all it can."""
    port = choose_ports(["canary"])["canary"]
    await furnish(servers, port)
    async with fresh_database(servers) as database_url:
        await migrate(database_url)
        env = {
            **service_variables(servers, port),
            "DATABASE_URL": database_url,
            "ENVIRONMENT": environment,
            "LOG_LEVEL": "debug",
            "OIDC_AUDIENCE": AUDIENCE,
            "OIDC_ISSUER": issuer.url,
            "TEMPORAL_TASK_QUEUE": f"canary-{environment}",
            "TMPDIR": str(folder),
            "URL_ALLOWED_NETWORKS": "127.0.0.1/32",
            "URL_ALLOW_HTTP": "true",
        }
        (folder / "logs").mkdir()
        async with deployed(env, folder / "logs") as service:
            yield service


@pytest.mark.timeout(300)
async def test_no_log_tells_a_secret(
    servers: Servers, environment: str, tmp_path: Path
) -> None:
    async with (
        issuing() as issuer,
        debugged(servers, issuer, environment, tmp_path) as service,
        receiving(500) as receiver,
    ):
        now = int(time())
        token = issuer.token(
            iat=now, exp=now + ISSUED_SECONDS, scope="photos:read photos:write admin"
        )
        secrets = {*configured(service.env), *parts_of(token)}
        key = await service.admins_key()
        secrets.add(key.split("_")[2])
        async with service.client(token) as client:
            made = await client.post("/v1/webhooks/default")
            assert made.is_success, made.text
        async with service.client(key) as client:
            secrets |= await everything_done(client, receiver)
            await everything_refused(client)
    told = "".join(log.read_text() for log in (tmp_path / "logs").iterdir())
    assert told.count("step_done") > 6
    for secret in {*secrets, WORD, CANARY}:
        assert not re.search(re.escape(secret), told, re.IGNORECASE), secret
    if environment == "staging":
        for line in told.splitlines():
            assert json.loads(line)["event"]


def a_photo() -> bytes:
    file = BytesIO()
    a_text([WORD], size=(700, 200)).save(file, format="TIFF")
    return file.getvalue()


def configured(env: Mapping[str, str]) -> Iterator[str]:
    yield env["SECRET_KEY"]
    yield env["AWS_SECRET_ACCESS_KEY"]
    yield urlsplit(env["DATABASE_URL"]).password or ""


def parts_of(token: str) -> list[str]:
    return token.split(".")[1:]


async def everything_done(client: httpx.AsyncClient, receiver: Receiver) -> set[str]:
    """The whole life of photos; answers the secrets that the service made for it."""
    secrets = set()
    headers = {"Idempotency-Key": f"{CANARY}-{id(client)}", "Cookie": CANARY}
    hook = {"url": receiver.url}
    made = await client.post("/v1/webhooks", json=hook, headers=headers)
    webhook = made.raise_for_status().json()
    rotated = await client.post(f"/v1/webhooks/{webhook['id']}/rotate-secret")
    secrets |= {webhook["secret"][6:], rotated.json()["secret"][6:]}
    new = {"name": CANARY, "scopes": ["photos:read"]}
    key = (await client.post("/v1/keys", json=new)).raise_for_status().json()
    secrets.add(key["key"].split("_")[2])
    (await client.delete(f"/v1/keys/{key['id']}")).raise_for_status()

    job = await submitted(
        client,
        a_photo(),
        f"{CANARY}.tif",
        metadata={CANARY: f"{CANARY} value"},
        webhook_url=receiver.url,
    )
    job = await ended(client, job)
    assert WORD in job["text_preview"]
    for name in ("", "/result?format=text", "/result?format=pdf", "/events"):
        (await client.get(f"{job['links']['self']}{name}")).raise_for_status()
    files = (await client.get(job["links"]["files"])).raise_for_status().json()["items"]
    secrets |= {secret for file in files for secret in signature_in(file["url"])}
    upload = await grant(client, filename=f"{CANARY}.jpg")
    secrets |= {upload["fields"][name] for name in upload["fields"] if signs(name)}
    await send(upload, f"{CANARY} {WORD} is no photo".encode())
    found = await client.get("/v1/search", params={"q": f"{WORD} {CANARY}*"})
    found.raise_for_status()
    await client.get("/v1/jobs", params={f"metadata.{CANARY}": f"{CANARY} value"})
    for broken in (f"{CANARY} {WORD}".encode(), b"\xff\xd8\xff\xe0" + CANARY.encode()):
        await client.post(
            "/v1/read?wait=20", content=broken, headers={"Content-Type": "image/jpeg"}
        )
    for place in ("127.0.0.1:9", f"{CANARY}.invalid"):
        source = {"type": "url", "url": f"http://{place}/{CANARY}?token={CANARY}"}
        started = await client.post("/v1/jobs", json={"source": source})
        if started.is_success:
            await ended(client, started.json())
    await listed(client, webhook["id"])
    (await client.post(f"{job['links']['self']}/retry")).raise_for_status()
    (await client.delete(job["links"]["self"])).raise_for_status()
    return secrets


def signs(name: str) -> bool:
    return name.lower() in {"policy", "x-amz-signature"}


def signature_in(url: str) -> Iterator[str]:
    query = dict(parse_qsl(urlsplit(url).query))
    yield query["X-Amz-Signature"]
    yield quote(query["X-Amz-Credential"], safe="")


async def everything_refused(client: httpx.AsyncClient) -> None:
    """Every operation that is documented, asked in every wrong way."""
    document: Mapping[str, Any] = (await client.get("/openapi.json")).json()
    userinfo = f"https://{CANARY}:{CANARY}@example.com/{CANARY}?token={CANARY}"
    bodies: list[bytes] = [
        f'{{"{CANARY}": "{CANARY}"'.encode(),
        json.dumps({CANARY: CANARY}).encode(),
        json.dumps({"source": {"type": "url", "url": userinfo}}).encode(),
        json.dumps({"url": userinfo, "events": [CANARY]}).encode(),
        json.dumps({"content_type": CANARY, "filename": f"{CANARY}\n"}).encode(),
        f"{CANARY}\xff".encode("latin-1") * 50_000,
    ]
    wrong = [
        {"Authorization": f"Bearer {CANARY}"},
        {"Authorization": f"Bearer pk_{'0' * 26}_{CANARY}"},
        {"Authorization": f"Bearer e30.{CANARY}.{CANARY}"},
        {"Idempotency-Key": f"{CANARY} {CANARY}"},
        {"Accept": f"{CANARY}/{CANARY}", "Last-Event-ID": CANARY, "Range": CANARY},
        {"X-Forwarded-For": CANARY, "Forwarded": f"for={CANARY}", "Referer": userinfo},
        {"Content-Type": f"multipart/form-data; boundary={CANARY}"},
        {"Host": f"{CANARY}.example"},
        {"X-Request-Id": f"{CANARY} is not sane"},
    ]
    for path, item in document["paths"].items():
        there = re.sub(r"\{\w+\}", CANARY, path)
        for method in item:
            for headers in wrong:
                await ask(client, method, f"{there}?{CANARY}={CANARY}", headers=headers)
            for body in bodies if method == "post" else ():
                json_body = {"Content-Type": "application/json"}
                await ask(client, method, there, content=body, headers=json_body)


async def ask(
    client: httpx.AsyncClient, method: str, path: str, **request: Any
) -> None:
    # A connection may be closed on what is too large.
    with suppress(httpx.TransportError):
        answer = await client.request(method, path, **request)
        assert answer.status_code < 500, answer.text
