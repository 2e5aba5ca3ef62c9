from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import httpx
import pytest

from photo.adapters.s3.clients import S3Clients, open_clients
from photo.adapters.s3.links import S3ObjectLinks
from photo.adapters.s3.store import S3ObjectStore
from photo.entrypoints.local.servers import Servers
from tests.makers import NOW, an_upload, in_chunks, new_id

KEY = f"acme/{new_id('job')}/text.txt"
MINUTE = timedelta(minutes=1)
NAMES = [
    "plain.txt",
    "Beleg „März“ 📷.txt",
    'a"b\\c\r\nSet-Cookie: x=1.txt',
    "%41;.txt",
]


@pytest.fixture
async def links(clients: S3Clients, shared_bucket: str) -> S3ObjectLinks:
    store = S3ObjectStore(clients, bucket=shared_bucket)
    await store.write(KEY, in_chunks(b"secret"), content_type="image/jpeg")
    return S3ObjectLinks(
        clients, raw="raw", processed=shared_bucket, now=lambda: datetime.now(UTC)
    )


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)


@pytest.mark.parametrize("filename", NAMES)
async def test_a_link_downloads_under_the_given_name_and_type(
    links: S3ObjectLinks, filename: str
) -> None:
    url = await links.link(
        KEY,
        filename=filename,
        content_type="text/plain; charset=utf-8",
        lifetime=MINUTE,
    )
    answer = await get(url)
    assert answer.content == b"secret"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "set-cookie" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; ")
    _, _, name = disposition.partition("filename*=UTF-8''")
    assert unquote(name) == filename


async def test_nothing_opens_without_a_good_link(
    clients: S3Clients, shared_bucket: str, links: S3ObjectLinks
) -> None:
    other = f"{KEY}.other"
    store = S3ObjectStore(clients, bucket=shared_bucket)
    await store.write(other, in_chunks(b"hush"), content_type="text/plain")

    async def link(lifetime: timedelta = MINUTE) -> str:
        return await links.link(
            KEY, filename="a.txt", content_type="text/plain", lifetime=lifetime
        )

    good = httpx.URL(await link())
    expires = str(int(good.params["X-Amz-Expires"]) + 1)
    bad = {
        "unsigned": good.copy_with(query=None),
        "expired": httpx.URL(await link(timedelta(0))),
        "prolonged": good.copy_set_param("X-Amz-Expires", expires),
        "other key": good.copy_with(path=f"/{shared_bucket}/{other}"),
        "other type": good.copy_set_param("response-content-type", "text/html"),
        "forged": good.copy_set_param("X-Amz-Signature", "0" * 64),
    }
    assert (await get(str(good))).status_code == 200
    answers = {why: (await get(str(url))).status_code for why, url in bad.items()}
    assert set(answers.values()) <= {400, 403}, answers


async def test_links_and_forms_show_the_public_address(servers: Servers) -> None:
    async with open_clients(
        region="eu-central-1",
        endpoint=servers.s3.endpoint,
        public_endpoint="https://files.example",
        access_key_id="somebody",
        secret_access_key="hush",
        attempts=1,
    ) as clients:
        links = S3ObjectLinks(
            clients, raw="raw", processed="processed", now=lambda: NOW
        )
        url = await links.link(
            KEY, filename="a.txt", content_type="text/plain", lifetime=MINUTE
        )
        form = await links.grant_upload(an_upload())
    assert url.startswith(f"https://files.example/processed/{KEY}?")
    assert form.url == "https://files.example/raw"


async def test_on_amazon_links_and_forms_name_bucket_and_region() -> None:
    async with open_clients(
        region="eu-central-1",
        access_key_id="somebody",
        secret_access_key="hush",
        attempts=1,
    ) as clients:
        links = S3ObjectLinks(
            clients, raw="raw", processed="processed", now=lambda: NOW
        )
        url = await links.link(
            KEY, filename="a.txt", content_type="text/plain", lifetime=MINUTE
        )
        form = await links.grant_upload(an_upload())
    assert url.startswith("https://processed.s3.eu-central-1.amazonaws.com/acme/")
    assert form.url == "https://raw.s3.eu-central-1.amazonaws.com/"
