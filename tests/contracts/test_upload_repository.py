import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from photo.domain.errors import NotFound, UploadUsed
from photo.domain.media import MediaType
from photo.domain.upload import Upload, UploadId
from tests.contracts.repositories import Repositories
from tests.makers import ACME, NOW, OTHER, a_job, an_upload

HOUR = timedelta(hours=1)


async def added(repositories: Repositories, created_at: datetime = NOW) -> Upload:
    upload = an_upload(created_at=created_at)
    await repositories.uploads.add(upload)
    return upload


async def known(repositories: Repositories, upload: Upload) -> bool:
    try:
        await repositories.uploads.get(upload.id, tenant=upload.tenant)
    except NotFound:
        return False
    return True


async def forget(repositories: Repositories, *, limit: int = 1000) -> int:
    """What was granted from an hour before now until now."""
    return await repositories.uploads.forget_unused(
        created_after=NOW - HOUR, created_before=NOW, limit=limit
    )


async def test_an_upload_comes_back_as_it_was(repositories: Repositories) -> None:
    plain = an_upload()
    promised = replace(
        an_upload(MediaType.TIFF, size_bytes=50_000_000, sha256="0a" * 32),
        filename="Beleg „März“ 📷.tif",
    )
    for upload in (plain, promised):
        await repositories.uploads.add(upload)
        found = await repositories.uploads.get(upload.id, tenant=upload.tenant)
        assert found == upload


async def test_an_unknown_upload_is_not_found(repositories: Repositories) -> None:
    with pytest.raises(NotFound):
        await repositories.uploads.get(UploadId("upl_0"), tenant=ACME)


async def test_another_tenant_sees_no_upload(repositories: Repositories) -> None:
    upload = an_upload()
    await repositories.uploads.add(upload)
    with pytest.raises(NotFound):
        await repositories.uploads.get(upload.id, tenant=OTHER)


async def test_unused_uploads_of_a_span_are_forgotten(
    repositories: Repositories,
) -> None:
    moment = timedelta(microseconds=1)
    times = [NOW - HOUR - moment, NOW - HOUR, NOW - moment, NOW]
    uploads = [await added(repositories, time) for time in times]
    assert await forget(repositories) == 2
    assert [await known(repositories, upload) for upload in uploads] == [
        True,
        False,
        False,
        True,
    ]
    assert await forget(repositories) == 0


@pytest.mark.parametrize("ended", [False, True])
async def test_an_upload_that_a_job_has_used_is_never_forgotten(
    repositories: Repositories, ended: bool
) -> None:
    upload = await added(repositories, NOW - HOUR)
    job = a_job(upload)
    await repositories.jobs.add(job.cancel(at=NOW) if ended else job)
    assert await forget(repositories) == 0
    assert await known(repositories, upload)


async def test_no_more_uploads_are_forgotten_at_once_than_the_limit(
    repositories: Repositories,
) -> None:
    uploads = [await added(repositories, NOW - HOUR) for _ in range(5)]
    assert [await forget(repositories, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert not any([await known(repositories, upload) for upload in uploads])


async def test_a_forgotten_upload_takes_no_job(repositories: Repositories) -> None:
    upload = await added(repositories, NOW - HOUR)
    await forget(repositories)
    with pytest.raises(NotFound):
        await repositories.jobs.add(a_job(upload))
    assert await repositories.jobs.for_upload(upload.id) is None


async def test_of_jobs_and_sweeps_at_once_each_upload_is_had_by_one(
    repositories: Repositories,
) -> None:
    async def claim(upload: Upload) -> bool:
        try:
            await repositories.jobs.add(a_job(upload))
        except (NotFound, UploadUsed):
            return False
        return True

    others = [await added(repositories, NOW - HOUR) for _ in range(300)]
    uploads = [await added(repositories, NOW - HOUR) for _ in range(30)]
    sweeps = [forget(repositories, limit=30) for _ in uploads]
    claims = [claim(upload) for upload in uploads]
    pairs = zip(sweeps, claims, strict=True)
    outcomes = await asyncio.gather(*(it for pair in pairs for it in pair))

    forgotten = sum(outcomes[::2]) + await forget(repositories)
    assert forgotten + sum(outcomes[1::2]) == len([*uploads, *others])
    for upload, claimed in zip(uploads, outcomes[1::2], strict=True):
        job = await repositories.jobs.for_upload(upload.id)
        assert (job is not None) == claimed == await known(repositories, upload)
