"""What is secret is told nowhere, whatever is done with it and whatever goes wrong."""

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

from photo.adapters.temporal.attempts import BUG_ATTEMPTS
from tests.collector import SOON, collecting
from tests.e2e.apart import break_table, deployed_apart
from tests.e2e.conftest import Service
from tests.e2e.test_intake import ended
from tests.e2e.test_managing import submitted
from tests.e2e.test_refusals import grant, send
from tests.e2e.test_webhooks import Receiver, listed, receiving
from tests.oidc.local_issuer import AUDIENCE, issuing
from tests.pictures import a_text
from tests.sentry import error_sink
from tests.services import Servers

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
    servers: Servers, environment: str, folder: Path, **settings: str
) -> AsyncIterator[Service]:
    """Tells all it can."""
    told = {**SOON, "ENVIRONMENT": environment, "LOG_LEVEL": "debug", **settings}
    async with deployed_apart(servers, folder, **told) as service:
        yield service


@pytest.mark.timeout(300)
async def test_no_log_trace_or_report_tells_a_secret(
    servers: Servers, environment: str, tmp_path: Path
) -> None:
    with collecting() as collector, error_sink() as sentry:
        watchers = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "SENTRY_DSN": sentry.dsn,
        }
        secrets = await lived_through(servers, environment, tmp_path, watchers)
    log = "".join(log.read_text() for log in (tmp_path / "logs").iterdir())
    assert log.count("step_done") > 6
    assert log.count("step_broke") == BUG_ATTEMPTS
    assert {event["tags"].get("step") for event in sentry.events} == {None, "publish"}
    names = {span.name for span in collector.spans}
    assert {"web fetch", "web send", "recognizer recognize"} <= names
    spans = "".join(map(str, collector.requests))
    reports = b"".join(sentry.raw).decode()
    for secret in {*secrets, WORD, CANARY}:
        for told in (log, spans, reports):
            assert not re.search(re.escape(secret), told, re.IGNORECASE), secret
    if environment == "staging":
        for line in log.splitlines():
            assert json.loads(line)["event"]


async def lived_through(
    servers: Servers, environment: str, folder: Path, watchers: Mapping[str, str]
) -> set[str]:
    """Everything, the bad in the end; answers what must be told nowhere."""
    async with (
        issuing() as issuer,
        debugged(
            servers,
            environment,
            folder,
            OIDC_AUDIENCE=AUDIENCE,
            OIDC_ISSUER=issuer.url,
            **watchers,
        ) as service,
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
            for table in ("webhooks", "job_texts"):
                await break_table(service.env, table)
            await everything_broken(client)
    return secrets


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
        {"traceparent": CANARY, "tracestate": CANARY, "baggage": f"{CANARY}={CANARY}"},
        {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": CANARY},
        {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": f"v={CANARY}"},
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


async def everything_broken(client: httpx.AsyncClient) -> None:
    """Bugs, in a request and in a step, on what is a user's."""
    hook = {"url": f"https://example.com/{CANARY}?token={CANARY}"}
    assert (await client.post("/v1/webhooks", json=hook)).status_code == 500
    about = {CANARY: f"{CANARY} value"}
    job = await submitted(client, a_photo(), f"{CANARY}.tif", metadata=about)
    assert (await ended(client, job))["error"]["code"] == "internal"


async def ask(
    client: httpx.AsyncClient, method: str, path: str, **request: Any
) -> None:
    # A connection may be closed on what is too large.
    with suppress(httpx.TransportError):
        answer = await client.request(method, path, **request)
        assert answer.status_code < 500, answer.text
