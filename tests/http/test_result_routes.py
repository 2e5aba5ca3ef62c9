from hashlib import sha256
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from photo.adapters.memory import MemoryRecognizer
from photo.application.ports import (
    Buckets,
    JobRepository,
    TextRecognizer,
    WorkflowEngine,
)
from photo.domain.files import TEXT_PLAIN
from photo.domain.formats import Format
from photo.domain.job import JobId
from tests.http.conftest import Run
from tests.http.service import JPEG, Service
from tests.http.stand_ins import HeldEngine, instead
from tests.makers import in_chunks


def sent_as(form: Format) -> str:
    media_type = form.media_type
    return f"{media_type}; charset=utf-8" if "text/" in media_type else media_type


@pytest.fixture
async def job(service: Service, api: httpx.AsyncClient) -> dict[str, Any]:
    return await service.job(api)


@pytest.mark.parametrize(
    ("accept", "query", "content_type"),
    [
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("text/plain", "", "text/plain; charset=utf-8"),
        ("text/*", "", "text/plain; charset=utf-8"),
        ("text/html, */*;q=0.1", "", "application/json"),
        ("application/json;q=0.1, text/plain", "", "text/plain; charset=utf-8"),
        ("image/png", "?format=text", "text/plain; charset=utf-8"),
        ("text/plain", "?format=json", "application/json"),
        *((form.media_type, "", sent_as(form)) for form in Format),
        *(("image/png", f"?format={form}", sent_as(form)) for form in Format),
        ("application/pdf;q=0.5, application/alto+xml", "", "application/alto+xml"),
        ("*/*, application/json;q=0, text/*;q=0", "", "application/alto+xml"),
    ],
)
async def test_the_form_follows_the_query_and_then_accept(
    api: httpx.AsyncClient,
    job: dict[str, Any],
    accept: str,
    query: str,
    content_type: str,
) -> None:
    path = f"{job['links']['result']}{query}"
    answer = await api.get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize("form", Format)
async def test_head_answers_with_the_same_headers(
    api: httpx.AsyncClient, job: dict[str, Any], form: Format
) -> None:
    path, params = job["links"]["result"], {"format": form}
    answer = await api.get(path, params=params)
    head = await api.head(path, params=params)
    ours = {"content-type", "content-disposition", "content-location", "vary"}
    assert (head.status_code, head.content) == (200, b"")
    for name in ours & {*answer.headers}:
        assert head.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    ("form", "disposition", "extension"),
    [
        (Format.PDF, "inline", "pdf"),
        (Format.HOCR, "attachment", "hocr"),
        (Format.ALTO, "attachment", "alto.xml"),
        (Format.TEXTRACT, "attachment", "textract.json"),
    ],
)
async def test_a_document_has_a_name(
    api: httpx.AsyncClient,
    job: dict[str, Any],
    form: Format,
    disposition: str,
    extension: str,
) -> None:
    answer = await api.get(job["links"]["result"], params={"format": form})
    named = f'{disposition}; filename="{job["id"]}.{extension}"'
    assert answer.headers["Content-Disposition"] == named


async def test_html_made_of_a_photos_text_cannot_run(run: Run) -> None:
    text = "<script>alert(1)</script>"
    service = await run(instead(TextRecognizer, lambda: MemoryRecognizer(text)))
    api = await service.client()
    job = await service.job(api)
    answer = await api.get(job["links"]["result"], params={"format": "hocr"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert not any(each.startswith("script-src") for each in policy)


async def test_as_text_it_is_the_text_alone(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    answer = await api.get(job["links"]["result"], params={"format": "text"})
    assert answer.text == "Hello photo"


async def test_as_json_every_line_has_its_place(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    result = (await api.get(job["links"]["result"])).json()
    assert result.keys() == {"job_id", "engine", "text", "pages"}
    assert result["job_id"] == job["id"]
    assert result["engine"].keys() == {"name", "version", "model"}
    line = result["pages"][0]["lines"][0]
    assert line["text"] == "Hello photo"
    assert [word["text"] for word in line["words"]] == ["Hello", "photo"]
    assert len(line["polygon"]) == 4


@pytest.mark.parametrize(
    "accept", ["image/png", "text/html", "nonsense", "a/b;q=x", "*/*;q=1e999"]
)
async def test_another_form_is_not_acceptable(
    api: httpx.AsyncClient, job: dict[str, Any], accept: str
) -> None:
    answer = await api.get(job["links"]["result"], headers={"Accept": accept})
    assert answer.status_code == 406
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert all(form.media_type in problem["detail"] for form in Format)


async def test_an_unknown_format_is_refused_by_name(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    answer = await api.get(job["links"]["result"], params={"format": "docx"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/format"


async def test_a_long_text_is_streamed_whole(
    service: Service, api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    text = "ü" * 3_000_000
    await _replace_text(service, job["id"], text.encode())
    answer = await api.get(job["links"]["result"], params={"format": "text"})
    assert answer.text == text


async def test_a_photo_without_text_has_an_empty_result(
    service: Service, api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    await _replace_text(service, job["id"], b"")
    answer = await api.get(job["links"]["result"], params={"format": "text"})
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("what", ["result", "files"])
async def test_before_the_end_there_is_nothing_to_fetch(run: Run, what: str) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    source = {"type": "upload", "upload_id": await service.upload(api)}
    job = (await api.post("/v1/jobs", json={"source": source})).json()
    answer = await api.get(job["links"][what])
    assert answer.status_code == 409
    assert answer.json()["code"] == "job_not_finished"
    assert answer.json()["retryable"] is True


@pytest.mark.parametrize("what", ["result", "files"])
async def test_a_failed_job_leaves_nothing_to_fetch(
    service: Service, api: httpx.AsyncClient, what: str
) -> None:
    job = await service.job(api, b"no photo at all")
    answer = await api.get(job["links"][what])
    assert answer.status_code == 409
    assert answer.json()["code"] == "job_failed"
    assert "unsupported_media_type" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        ("text.json", "result"),
        ("text.json", "result?format=alto"),
        ("normalized.jpg", "result?format=pdf"),
        ("manifest.json", "files"),
    ],
)
async def test_a_lost_file_is_a_fault_of_ours(
    service: Service, api: httpx.AsyncClient, lost: str, what: str
) -> None:
    job = await service.job(api)
    stored = await (await service.container.get(JobRepository)).get(job["id"])
    processed = (await service.container.get(Buckets)).processed
    await processed.delete(stored.artifact_key(lost))
    with capture_logs() as logs:
        answer = await api.get(f"{job['links']['self']}/{what}")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert lost not in answer.text
    assert [log["event"] for log in logs] == ["unexpected_error", "request"]


async def test_the_files_are_the_photo_and_all_that_was_made_of_it(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    files = (await api.get(job["links"]["files"])).json()["items"]
    assert {file["name"] for file in files} == {
        "original",
        "normalized.jpg",
        "thumbnail.webp",
        "text.json",
        "text.txt",
        "manifest.json",
    }
    original = next(file for file in files if file["name"] == "original")
    assert original["size_bytes"] == len(JPEG)
    assert original["sha256"] == sha256(JPEG).hexdigest()
    assert original["content_type"] == "image/jpeg"
    assert original["url"]
    assert original["expires_at"].endswith("Z")


async def _replace_text(service: Service, job_id: JobId, data: bytes) -> None:
    job = await (await service.container.get(JobRepository)).get(job_id)
    processed = (await service.container.get(Buckets)).processed
    key = job.artifact_key(TEXT_PLAIN)
    await processed.delete(key)
    await processed.write(key, in_chunks(data), content_type="text/plain")
