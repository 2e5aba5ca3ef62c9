"""What operators see of a job whose photo killed those who read it."""

from functools import partial
from pathlib import Path

import pytest

from photo.application.inspecting import DescribePoison, InspectJob, SavePhoto
from photo.application.ports import (
    Buckets,
    InfectedFiles,
    JobRepository,
    TextRecognizer,
    UploadRepository,
)
from photo.domain.errors import (
    ChecksumMismatch,
    CorruptImage,
    Forbidden,
    Infected,
    NotFound,
    UploadMissing,
)
from photo.domain.infected import InfectedFile
from photo.domain.job import Failure, Job, JobId, Step
from photo.entrypoints.in_memory import memory_container
from tests.makers import NOW, a_job, a_photo, an_upload, in_chunks

DATA = b"\xff\xd8\xff photo"
DEATHS = ("SIGSEGV", "worker lost", "SIGKILL", "SIGSEGV")
POISON = Failure("corrupt_image", "Decoding failed.", False, DEATHS)


class Bench:
    """A job that ended badly, and the photo that it was on."""

    def __init__(self) -> None:
        self.container = memory_container()

    async def job(
        self, *steps: Step, failure: Failure = POISON, photo: bytes = DATA
    ) -> Job:
        uploads: UploadRepository = await self.container.get(UploadRepository)
        jobs: JobRepository = await self.container.get(JobRepository)
        upload = an_upload()
        await uploads.add(upload)
        job = a_job(upload)
        await jobs.add(job)
        raw = (await self.container.get(Buckets)).raw
        await raw.write(job.raw_key, in_chunks(photo), content_type="image/jpeg")
        for step in steps:
            await jobs.update(job.id, partial(Job.enter, step=step, at=NOW))
        await jobs.update(job.id, lambda job: job.describe(a_photo(DATA)))
        return await jobs.update(job.id, lambda job: job.fail(failure, at=NOW))

    async def poisoned(self) -> Job:
        return await self.job(Step.VERIFY, Step.SCAN, Step.NORMALIZE)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_all_that_is_needed_to_look_at_a_poisoned_photo_is_said(
    bench: Bench,
) -> None:
    job = await bench.poisoned()
    poison = await (await bench.container.get(DescribePoison))(job.id)
    assert poison
    recognizer: TextRecognizer = await bench.container.get(TextRecognizer)
    assert (poison.crashes, poison.step) == (DEATHS, Step.NORMALIZE)
    assert (poison.photo, poison.engine) == (a_photo(DATA), recognizer.engine)
    assert (poison.bucket, poison.key) == ("raw", job.raw_key)


async def test_an_ordinary_failure_is_no_poison(bench: Bench) -> None:
    failure = Failure.of(CorruptImage("It is damaged."))
    job = await bench.job(Step.VERIFY, Step.NORMALIZE, failure=failure)
    assert await (await bench.container.get(DescribePoison))(job.id) is None


async def test_an_inspection_shows_a_job_its_past_and_its_objects(
    bench: Bench,
) -> None:
    job = await bench.poisoned()
    found = await (await bench.container.get(InspectJob))(job.id)
    assert (found.job, found.history[-1]) == (job, job)
    assert [version.version for version in found.history] == [
        *range(1, job.version + 1)
    ]
    assert [(item.bucket, item.key) for item in found.objects] == [("raw", job.raw_key)]
    assert found.deliveries == []


async def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await (await bench.container.get(InspectJob))(JobId("job_0"))


async def test_a_clean_photo_can_be_taken_out(bench: Bench, tmp_path: Path) -> None:
    job = await bench.poisoned()
    await (await bench.container.get(SavePhoto))(job.id, tmp_path / "photo")
    assert (tmp_path / "photo").read_bytes() == DATA


async def test_a_photo_that_was_not_found_clean_stays_where_it_is(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(Step.VERIFY, Step.SCAN)
    with pytest.raises(Forbidden):
        await (await bench.container.get(SavePhoto))(job.id, tmp_path / "photo")
    assert not (tmp_path / "photo").exists()


async def test_a_photo_that_was_found_infected_since_stays_where_it_is(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.poisoned()
    infected: InfectedFiles = await bench.container.get(InfectedFiles)
    await infected.add(
        InfectedFile(
            sha256=a_photo(DATA).sha256, signature="Eicar", found_at=NOW, job_id=job.id
        )
    )
    with pytest.raises(Infected):
        await (await bench.container.get(SavePhoto))(job.id, tmp_path / "photo")
    assert not (tmp_path / "photo").exists()


async def test_a_photo_that_was_replaced_is_not_left_lying_about(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(Step.VERIFY, Step.NORMALIZE, photo=b"another one")
    with pytest.raises(ChecksumMismatch):
        await (await bench.container.get(SavePhoto))(job.id, tmp_path / "photo")
    assert not (tmp_path / "photo").exists()


async def test_a_photo_that_was_swept_is_missing(bench: Bench, tmp_path: Path) -> None:
    job = await bench.poisoned()
    await (await bench.container.get(Buckets)).raw.delete(job.raw_key)
    with pytest.raises(UploadMissing):
        await (await bench.container.get(SavePhoto))(job.id, tmp_path / "photo")
