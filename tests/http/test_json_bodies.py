"""Bodies that are no JSON, or not the JSON that was asked for."""

from typing import Any

import httpx
import pytest

JSON = {"Content-Type": "application/json"}
UPLOAD_ID = "upl_" + "0" * 26


def _source(upload_id: str) -> dict[str, Any]:
    return {"source": {"type": "upload", "upload_id": upload_id}}


def _fault(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """The only fault of a problem."""
    assert answer.status_code == status
    problem = answer.json()
    assert problem["code"] == code
    [fault] = problem["errors"]
    assert fault["detail"] == problem["detail"]
    fault_of: dict[str, str] = fault
    return fault_of


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xef\xbb\xbf{}",
        b'{"content_type": NaN}',
        b'{"content_type": "\xff"}',
        b'{"content_type": "\\ud800"}',
        b'{"content_type": "image/jpeg"} trailing',
        b"[" * 100_000,
        b"\x00",
    ],
)
async def test_malformed_json_is_a_bad_request(
    api: httpx.AsyncClient, body: bytes
) -> None:
    answer = await api.post("/v1/uploads", content=body, headers=JSON)
    fault = _fault(answer, 400 if body[:1] != b"[" else 422, "validation_failed")
    assert fault["pointer"] == ""


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded"]
)
async def test_a_body_that_is_not_called_json_is_refused(
    api: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await api.post("/v1/uploads", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"
    assert "application/json" in answer.json()["detail"]


async def test_a_huge_body_is_not_taken(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/jobs", content=b" " * 300_000, headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "body", "pointer", "helps"),
    [
        ("uploads", {}, "/content_type", "required"),
        ("uploads", [], "", "Expected object"),
        ("uploads", {"content_type": 5}, "/content_type", "Expected string"),
        ("uploads", {"content_type": "image/jpeg", "sise": 1}, "/sise", "no field"),
        ("uploads", {"content_type": "image/jpeg", "a/b~": 1}, "/a~1b~0", "no field"),
        ("uploads", {"content_type": "image/jpeg", "size_bytes": 0}, "/size_bytes", ""),
        (
            "uploads",
            {"content_type": "image/jpeg", "size_bytes": "5"},
            "/size_bytes",
            "integer or null",
        ),
        (
            "uploads",
            {"content_type": "image/jpeg", "size_bytes": True},
            "/size_bytes",
            "integer",
        ),
        (
            "uploads",
            {"content_type": "image/jpeg", "sha256": "G" * 64},
            "/sha256",
            "64 hexadecimal",
        ),
        (
            "uploads",
            {"content_type": "image/jpeg", "sha256": "f" * 64 + "\n"},
            "/sha256",
            "",
        ),
        ("uploads", {"content_type": "image/jpeg", "filename": ""}, "/filename", ""),
        (
            "uploads",
            {"content_type": "image/jpeg", "filename": "a" * 256},
            "/filename",
            "255",
        ),
        (
            "uploads",
            {"content_type": "image/jpeg", "filename": "a\r\nb"},
            "/filename",
            "control characters",
        ),
        (
            "webhooks",
            {"url": "https://example.com", "events": ["job.gone"]},
            "/events/0",
            "not one of job.succeeded, job.failed, job.cancelled.",
        ),
        ("jobs", {}, "/source", "required"),
        ("jobs", {"source": {}}, "/source/type", "required"),
        (
            "jobs",
            {"source": {"type": "ftp"}},
            "/source/type",
            "'ftp' is not one of upload, url.",
        ),
        ("jobs", {"source": {"type": "upload"}}, "/source/upload_id", "required"),
        ("jobs", _source("nonsense"), "/source/upload_id", "an upload's id"),
        ("jobs", _source(UPLOAD_ID + "\n"), "/source/upload_id", ""),
        (
            "jobs",
            {"source": {"type": "upload", "upload_id": UPLOAD_ID, "x": 1}},
            "/source/x",
            "no field 'x'",
        ),
        (
            "jobs",
            _source(UPLOAD_ID) | {"callback_url": "https://example.com"},
            "/callback_url",
            "no field 'callback_url'",
        ),
        ("jobs", _source(UPLOAD_ID) | {"metadata": {"a": 5}}, "/metadata/a", "string"),
        (
            "jobs",
            _source(UPLOAD_ID) | {"metadata": {"a b": ""}},
            "/metadata/a b",
            "dots",
        ),
        (
            "jobs",
            _source(UPLOAD_ID) | {"metadata": {"a/b": ""}},
            "/metadata/a~1b",
            "metadata.a/b: ",
        ),
        ("jobs", _source(UPLOAD_ID) | {"metadata": {"": ""}}, "/metadata/", ""),
        (
            "jobs",
            _source(UPLOAD_ID) | {"metadata": {"a" * 65: ""}},
            "/metadata/" + "a" * 65,
            "64",
        ),
        (
            "jobs",
            _source(UPLOAD_ID) | {"metadata": {"a": "b" * 501}},
            "/metadata/a",
            "500",
        ),
        ("jobs", _source(UPLOAD_ID) | {"metadata": {"a": "b\x00"}}, "/metadata/a", ""),
        (
            "jobs",
            _source(UPLOAD_ID) | {"metadata": {str(n): "" for n in range(21)}},
            "/metadata",
            "20",
        ),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    api: httpx.AsyncClient, path: str, body: object, pointer: str, helps: str
) -> None:
    answer = await api.post(f"/v1/{path}", json=body)
    fault = _fault(answer, 422, "validation_failed")
    assert fault["pointer"] == pointer
    assert helps in fault["detail"]


async def test_what_was_sent_is_not_shown_again_at_length(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.post("/v1/uploads", json={"x" * 10_000: 1})
    assert len(answer.content) < 1000
