"""What killed the processes that worked on a photo is for operators alone."""

from photo.adapters.memory import MemoryWebhookSender
from photo.application.ports import ImageNormalizer, JobRepository, WebhookSender
from photo.domain.errors import CorruptImage
from photo.domain.job import JobId
from tests.http.conftest import Run
from tests.http.stand_ins import FailingNormalizer, instead

POISON = CorruptImage("It is damaged.", reason="SIGSEGV", crash="SIGSEGV")
SHOWN = {"code": "corrupt_image", "detail": "It is damaged.", "retryable": False}


async def test_clients_are_not_told_what_died_of_a_photo(run: Run) -> None:
    sender = MemoryWebhookSender()
    service = await run(
        instead(ImageNormalizer, lambda: FailingNormalizer(POISON)),
        instead(WebhookSender, lambda: sender),
    )
    api = await service.client()
    hook = {"url": "https://hooks.example.com/"}
    (await api.post("/v1/webhooks", json=hook)).raise_for_status()
    job = await service.job(api)
    assert job["error"] == SHOWN
    jobs = await service.container.get(JobRepository)
    failure = (await jobs.get(JobId(job["id"]))).error
    assert failure
    assert failure.crashes == ("SIGSEGV",)
    told = [
        (await api.get(path)).text
        for path in (
            job["links"]["self"],
            job["links"]["events"],
            job["links"]["result"],
            "/v1/jobs",
        )
    ]
    ((_, _, body),) = sender.sent
    read = await api.post(
        "/v1/read?wait=10",
        content=b"\xff\xd8\xff",
        headers={"Content-Type": "image/jpeg"},
    )
    for answer in (*told, body.decode(), read.text):
        assert "corrupt_image" in answer
        assert "SIGSEGV" not in answer
        assert "crash" not in answer
