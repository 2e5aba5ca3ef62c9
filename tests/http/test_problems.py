from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from photo.application.ports import UploadRepository
from photo.domain.errors import (
    IdempotencyInProgress,
    Internal,
    ObjectNotFound,
    PhotoError,
    RateLimited,
    Unavailable,
)
from photo.entrypoints.http.problems import narrower, status_of
from tests.http.conftest import Run
from tests.http.stand_ins import FailingUploads, instead
from tests.makers import new_id

KINDS = [*narrower(PhotoError)]
CODED = [kind for kind in KINDS if hasattr(kind, "code")]
PUBLIC = [kind for kind in CODED if kind not in {Internal, ObjectNotFound}]


@pytest.mark.parametrize("kind", PUBLIC)
async def test_an_error_is_a_problem_with_its_code(
    run: Run, kind: type[PhotoError]
) -> None:
    error = kind("What to do about it.")
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    path = f"/v1/uploads/{new_id('upl')}"
    answer = await api.get(path)
    assert answer.status_code == status_of(kind)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    expected = {
        "type": f"/docs/errors#{kind.code}",
        "status": answer.status_code,
        "detail": "What to do about it.",
        "instance": path,
        "code": kind.code,
        "retryable": kind.retryable,
        "request_id": answer.headers["X-Request-Id"],
    }
    assert expected.items() <= problem.items()
    assert problem["title"]
    assert ("errors" in problem) is (answer.status_code == 422)
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("later", "seconds"),
    [
        (timedelta(seconds=7), "7"),
        (timedelta(seconds=7.001), "8"),
        (timedelta(milliseconds=1), "1"),
        (timedelta(0), "0"),
    ],
)
async def test_an_error_says_when_to_come_back_in_whole_seconds(
    run: Run, later: timedelta, seconds: str
) -> None:
    error = RateLimited("Slow down.", retry_after=later)
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    answer = await api.get(f"/v1/uploads/{new_id('upl')}")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == seconds


async def test_an_error_that_does_not_know_when_says_nothing(run: Run) -> None:
    error = IdempotencyInProgress("Not answered yet.")
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    answer = await api.get(f"/v1/uploads/{new_id('upl')}")
    assert answer.status_code == 409
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/v1/nothing", {}, 404),
        ("PUT", "/v1/jobs", {}, 405),
        ("TRACE", "/v1/jobs", {}, 405),
        ("TRACK", "/healthz", {}, 405),
        ("CONNECT", "/healthz", {}, 405),
        ("PROPFIND", "/docs", {}, 405),
        ("GET", "/v1/jobs/job_0/result", {"Accept": "image/png"}, 406),
        ("POST", "/v1/jobs", {"Content-Length": "1000000"}, 413),
        ("POST", "/v1/jobs", {"Content-Type": "text/plain"}, 415),
    ],
)
async def test_what_no_route_answers_is_a_problem_too(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    json = {"Content-Type": "application/json"}
    content = b"{}" if method == "POST" else None
    answer = await api.request(
        method, path, headers={**json, **headers}, content=content
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert ("Allow" in answer.headers) is (status == 405)


async def test_why_a_dependency_failed_is_for_the_log_alone(run: Run) -> None:
    error = Unavailable("The object store is away.", reason="NoSuchBucket")
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    with capture_logs() as logs:
        answer = await api.get(f"/v1/uploads/{new_id('upl')}")
    assert answer.status_code == 503
    assert "NoSuchBucket" not in answer.text
    assert logs[0] == {
        "event": "dependency_failed",
        "log_level": "warning",
        "code": "dependency_unavailable",
        "reason": "NoSuchBucket",
    }


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("postgresql://photo:hunter2@db/photo"),
        KeyError("hunter2"),
        Internal("hunter2"),
        ObjectNotFound("hunter2"),
        ExceptionGroup("several", [ValueError("hunter2")]),
    ],
)
async def test_a_bug_says_nothing_to_the_outside_and_all_to_the_log(
    run: Run, error: Exception
) -> None:
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    with capture_logs() as logs:
        answer = await api.get(f"/v1/uploads/{new_id('upl')}")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "internal"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "hunter2" not in answer.text

    [logged, _] = logs
    assert logged["event"] == "unexpected_error"
    assert logged["log_level"] == "error"
    assert logged["exc_info"] is error
    assert logged["route"].startswith("/v1/uploads/{")
