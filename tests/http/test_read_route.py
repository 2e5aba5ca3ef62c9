from typing import Any

import httpx
import pytest

from photo.application.ports import ImageNormalizer, WorkflowEngine
from photo.domain.errors import CorruptImage, PhotoError, Unavailable
from photo.domain.formats import Format
from photo.domain.job import JobId
from photo.domain.media import LARGEST_FILE, ByteLimits, MediaType
from tests.http.conftest import Run
from tests.http.service import JPEG, Service
from tests.http.stand_ins import FailingNormalizer, HeldEngine, instead
from tests.makers import in_chunks, photo_bytes

AS_JPEG = {"Content-Type": "image/jpeg"}


@pytest.mark.parametrize("kind", MediaType)
async def test_a_photo_goes_in_and_its_text_comes_out(
    api: httpx.AsyncClient, kind: MediaType
) -> None:
    answer = await api.post(
        "/v1/read?format=text",
        content=photo_bytes(kind),
        headers={"Content-Type": kind},
    )
    assert answer.status_code == 200
    assert answer.text == "Hello photo"


async def test_the_form_follows_accept(api: httpx.AsyncClient) -> None:
    answer = await api.post(
        "/v1/read", content=JPEG, headers=AS_JPEG | {"Accept": "text/plain"}
    )
    assert answer.text == "Hello photo"


@pytest.mark.parametrize("form", Format)
async def test_the_answer_says_where_the_result_lies(
    api: httpx.AsyncClient, form: Format
) -> None:
    params = {"format": form}
    answer = await api.post("/v1/read", params=params, content=JPEG, headers=AS_JPEG)
    assert answer.headers["Content-Type"].startswith(form.media_type)
    again = await api.get(answer.headers["Content-Location"], params=params)
    assert again.content == answer.content


@pytest.mark.parametrize("named", ["image/jpeg", "application/octet-stream", ""])
async def test_a_form_with_one_file_is_read(
    service: Service, api: httpx.AsyncClient, named: str
) -> None:
    part = ("Rechnung über 5 €.jpg", JPEG, named)
    answer = await api.post("/v1/read", files={"file": part})
    assert answer.status_code == 200
    job = (await api.get(f"/v1/jobs/{answer.json()['job_id']}")).json()
    assert job["photo"]["size_bytes"] == len(JPEG)
    upload = await api.get(f"/v1/uploads/{job['source']['upload_id']}")
    assert upload.json()["filename"] == "Rechnung über 5 €.jpg"


async def test_an_unnamed_type_is_what_the_bytes_are(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/read", content=photo_bytes(MediaType.HEIC))
    job = (await api.get(f"/v1/jobs/{answer.json()['job_id']}")).json()
    assert job["photo"]["content_type"] == "image/heic"


async def test_what_takes_too_long_is_answered_with_the_job(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    answer = await api.post("/v1/read?wait=0", content=JPEG, headers=AS_JPEG)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == job["links"]["self"]

    engine = await service.container.get(WorkflowEngine)
    assert isinstance(engine, HeldEngine)
    await engine.release(JobId(job["id"]))
    later = await api.get(job["links"]["self"], params={"wait": 10})
    assert later.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CorruptImage("The photo ends too early. Send it again."), 422),
        (Unavailable("The recogniser is away."), 503),
    ],
)
async def test_a_job_that_fails_answers_with_its_error(
    run: Run, error: PhotoError, status: int
) -> None:
    service = await run(instead(ImageNormalizer, lambda: FailingNormalizer(error)))
    api = await service.client()
    answer = await api.post("/v1/read", content=JPEG, headers=AS_JPEG)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == error.code
    assert problem["detail"] == error.detail
    assert problem["retryable"] is isinstance(error, Unavailable)
    assert ("Retry-After" in answer.headers) is problem["retryable"]

    job = (await api.get(answer.headers["Location"])).json()
    assert job["id"] == problem["job_id"]
    assert job["error"]["code"] == error.code


@pytest.mark.parametrize(
    ("named", "data", "status", "code"),
    [
        ("image/jpeg", b"Dear Sir or Madam", 415, "unsupported_media_type"),
        ("image/jpeg", photo_bytes(MediaType.PNG), 422, "content_mismatch"),
        ("image/svg+xml", b"<svg/>", 415, "unsupported_media_type"),
        ("application/pdf", b"%PDF-1.7", 415, "unsupported_media_type"),
        ("application/octet-stream", b"%PDF-1.7", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", JPEG, 415, "unsupported_media_type"),
        ("nonsense;;=", JPEG, 415, "unsupported_media_type"),
    ],
)
async def test_what_is_no_photo_is_refused(
    api: httpx.AsyncClient, named: str, data: bytes, status: int, code: str
) -> None:
    answer = await api.post("/v1/read", content=data, headers={"Content-Type": named})
    assert answer.status_code == status
    assert answer.json()["code"] == code


@pytest.mark.parametrize("named", ["image/jpeg", "application/octet-stream", ""])
@pytest.mark.parametrize("sent", ["whole", "in chunks", "in a form"])
async def test_an_empty_photo_is_called_empty(
    api: httpx.AsyncClient, named: str, sent: str
) -> None:
    if sent == "in a form":
        answer = await api.post("/v1/read", files={"file": ("a.jpg", b"", named)})
    else:
        content = b"" if sent == "whole" else in_chunks(b"")
        headers = {"Content-Type": named}
        answer = await api.post("/v1/read", content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "", "detail": "The body is empty. Send the photo's bytes."}
    ]


@pytest.mark.parametrize("kind", [MediaType.JPEG, MediaType.TIFF])
async def test_one_byte_more_than_the_type_allows_is_too_much(
    api: httpx.AsyncClient, kind: MediaType
) -> None:
    data = photo_bytes(kind).ljust(ByteLimits().of(kind) + 1, b"\0")
    answer = await api.post("/v1/read", content=data, headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert answer.json()["code"] == "file_too_large"
    assert str(ByteLimits().of(kind)) in answer.json()["detail"]


async def test_a_body_beyond_every_limit_is_too_large(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(2 * LARGEST_FILE)}
    answer = await api.post("/v1/read", content=JPEG, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "file_too_large"


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n%s\r\n%s\r\n'


def _part(
    name: bytes = b"file",
    data: bytes = JPEG,
    *,
    options: bytes = b'; filename="a.jpg"',
    headers: bytes = b"Content-Type: image/jpeg\r\n",
) -> bytes:
    return PART % (name, options, headers, data)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"--b--\r\n", 422, "/file"),
        (b"--b--\r\nan epilogue", 422, "/file"),
        (_part(b"photo") + b"--b--\r\n", 422, "/file"),
        (_part(data=b"") + b"--b--\r\n", 422, ""),
        (_part() + _part() + b"--b--\r\n", 422, "/file"),
        (_part() + _part(b"note", b"hello", options=b"") + b"--b--\r\n", 422, "/file"),
        (_part(), 400, ""),
        (b"", 400, ""),
        (b"no form", 400, ""),
        (b"--b\r\nnonsense\r\n\r\n", 400, ""),
        (b"--b\r\nX: " + b"y" * 10_000 + b"\r\n\r\n", 400, ""),
    ],
)
async def test_what_is_no_form_with_one_file_is_refused(
    api: httpx.AsyncClient, body: bytes, status: int, pointer: str
) -> None:
    answer = await api.post("/v1/read", content=body, headers=FORM)
    assert answer.status_code == status
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


async def test_a_form_without_a_boundary_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(
        "/v1/read", content=b"--b", headers={"Content-Type": "multipart/form-data"}
    )
    assert answer.status_code == 400


async def test_a_refused_form_leaves_no_job(api: httpx.AsyncClient) -> None:
    body = _part() + _part() + b"--b--\r\n"
    await api.post("/v1/read", content=body, headers=FORM)
    assert (await api.get("/v1/jobs")).json()["items"] == []


@pytest.mark.parametrize("query", ["wait=61", "wait=-1", "wait=x", "format=docx"])
async def test_a_bad_query_is_refused_before_the_photo_is_taken(
    api: httpx.AsyncClient, query: str
) -> None:
    answer = await api.post(f"/v1/read?{query}", content=JPEG, headers=AS_JPEG)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


async def test_an_unacceptable_form_is_refused_before_the_photo_is_taken(
    api: httpx.AsyncClient,
) -> None:
    headers = AS_JPEG | {"Accept": "image/png"}
    answer = await api.post("/v1/read", content=JPEG, headers=headers)
    assert answer.status_code == 406
    assert (await api.get("/v1/jobs")).json()["items"] == []
