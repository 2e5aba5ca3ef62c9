import re
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
#: RFC 6266 with RFC 8187, and nothing else.
DISPOSITION = re.compile(
    r'attachment; filename="([\w. -]+)"; '
    r"filename\*=UTF-8''((?:[\w.~-]|%[0-9A-F]{2})+)",
    re.ASCII,
)
#: Names, as old clients see them, and as all others do.
NAMES = [
    ("plain.txt", "plain.txt", "plain.txt"),
    ("two words.txt", "two words.txt", "two words.txt"),
    ("Beleg „März“ 📷.txt", "Beleg _M_rz_ _.txt", "Beleg „März“ 📷.txt"),
    ("../../etc/passwd", "passwd", "passwd"),
    ('a"b\\"c.txt', "_c.txt", '"c.txt'),
    ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x_1.txt", "aSet-Cookie: x=1.txt"),
    ("%0d%0aSet-Cookie.txt", "_0d_0aSet-Cookie.txt", "%0d%0aSet-Cookie.txt"),
    (
        "a\"; filename*=UTF-8''b.exe",
        "a__ filename__UTF-8__b.exe",
        "a\"; filename*=UTF-8''b.exe",
    ),
    ("photo\u202egpj.exe", "photogpj.exe", "photogpj.exe"),
    ("\x1b[2J\0\x85\u2028\ud800.txt", "_2J.txt", "[2J.txt"),
    ("..", "file", "file"),
    ("", "file", "file"),
    ("語" * 3000 + ".txt", "_" * 83 + ".txt", "語" * 83 + ".txt"),
]


@pytest.fixture
async def links(clients: S3Clients, shared_bucket: str) -> S3ObjectLinks:
    store = S3ObjectStore(clients, bucket=shared_bucket)
    await store.write(KEY, in_chunks(b"secret"), content_type="image/jpeg")
    return S3ObjectLinks(
        clients, raw="raw", processed=shared_bucket, now=lambda: datetime.now(UTC)
    )


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.get(url)


@pytest.mark.parametrize(("filename", "plain", "true"), NAMES)
async def test_a_link_downloads_under_the_given_name_and_type(
    links: S3ObjectLinks, filename: str, plain: str, true: str
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
    [disposition] = answer.headers.get_list("content-disposition")
    found = DISPOSITION.fullmatch(disposition)
    assert found
    assert (found[1], unquote(found[2])) == (plain, true)
    assert len(url) < 4000


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
        "shown": good.copy_set_param("response-content-disposition", "inline"),
        "other name": good.copy_set_param(
            "response-content-disposition", 'attachment; filename="b.exe"'
        ),
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
