import pytest
from structlog.testing import capture_logs

from photo.application.ports import UploadRepository
from photo.domain.errors import Internal, ObjectNotFound, PhotoError, Unavailable
from photo.entrypoints.http.problems import STATUS, narrower, status_of, status_of_code
from tests.http.conftest import Run
from tests.http.stand_ins import FailingUploads, instead
from tests.makers import new_id

CODES = {
    *("validation_failed", "unauthenticated", "forbidden", "not_found"),
    *("rate_limited", "overloaded", "dependency_unavailable", "internal"),
    *("idempotency_mismatch", "idempotency_in_progress"),
    *("upload_missing", "upload_expired", "upload_used"),
    *("url_refused", "url_unreachable"),
    *("unsupported_media_type", "content_mismatch", "checksum_mismatch"),
    *("file_too_large", "image_too_large", "corrupt_image"),
    *("infected", "unscannable", "recognition_failed", "timed_out", "cancelled"),
    *("job_not_finished", "job_failed", "job_finished"),
}
KINDS = [*narrower(PhotoError)]
CODED = [kind for kind in KINDS if hasattr(kind, "code")]
PUBLIC = [kind for kind in CODED if kind not in {Internal, ObjectNotFound}]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status(kind: type[PhotoError]) -> None:
    assert status_of(kind) in STATUS.values()


@pytest.mark.parametrize("kind", CODED)
def test_every_code_is_one_of_the_contract(kind: type[PhotoError]) -> None:
    assert kind.code in CODES


@pytest.mark.parametrize("kind", CODED)
def test_a_code_alone_has_the_same_status(kind: type[PhotoError]) -> None:
    assert status_of_code(kind.code) == status_of(kind)


@pytest.mark.parametrize("kind", PUBLIC)
async def test_an_error_is_a_problem_with_its_code(
    run: Run, kind: type[PhotoError]
) -> None:
    error = kind("What to do about it.", pointer="/x")
    service = await run(instead(UploadRepository, lambda: FailingUploads(error)))
    api = await service.client()
    path = f"/v1/uploads/{new_id('upl')}"
    answer = await api.get(path)
    assert answer.status_code == status_of(kind)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    expected = {
        "type": f"urn:photo:error:{kind.code}",
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
