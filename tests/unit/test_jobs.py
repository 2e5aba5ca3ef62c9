import pytest

from photo.application import starting
from photo.application.ports import Repair
from photo.application.starting import (
    DOUBTED_AFTER,
    FORGOTTEN_AFTER,
    LOST_AFTER,
    STRAY_AFTER,
)
from photo.domain.errors import (
    JobFinished,
    NotFound,
    Unavailable,
    UploadExpired,
    UploadMissing,
    UploadUsed,
)
from photo.domain.job import Failure, Status, Step
from photo.domain.upload import GRANT_LIFETIME, RAW_LIFETIME, UploadId
from tests.makers import ACME, NOW, OTHER, an_upload
from tests.unit.world import A_SECOND, Crash, World

SWEEP_LIMIT = starting._SWEEP_LIMIT
AWAY = Unavailable("Temporal is away.")
BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)


async def later(world: World) -> None:
    """The next sweep after a job has been forgotten."""
    world.clock.step(FORGOTTEN_AFTER + A_SECOND)
    await world.start_forgotten()


async def test_a_submitted_job_is_recorded_and_started(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {"page": "1"})
    await world.starter.idle()
    assert await world.jobs.get(job.id) == job
    assert (job.status, job.metadata, job.tenant) == (
        Status.QUEUED,
        {"page": "1"},
        ACME,
    )
    assert world.engine.started == [job.id]


async def test_a_photo_that_may_be_swept_takes_no_job(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.clock.step(RAW_LIFETIME - A_SECOND)
    await world.submit.on_upload(ACME, upload.id, {})
    late = await world.arrive(an_upload())
    world.clock.step(A_SECOND)
    with pytest.raises(UploadExpired):
        await world.submit.on_upload(ACME, late.id, {})
    with pytest.raises(UploadUsed):
        await world.submit.on_upload(ACME, upload.id, {})


async def test_a_job_needs_its_photo(world: World) -> None:
    upload = an_upload()
    await world.uploads.add(upload)
    with pytest.raises(UploadMissing):
        await world.submit.on_upload(ACME, upload.id, {})
    world.clock.step(GRANT_LIFETIME)
    with pytest.raises(UploadExpired):
        await world.submit.on_upload(ACME, upload.id, {})
    assert world.engine.started == []


async def test_a_photo_that_arrived_may_be_submitted_later(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.clock.step(2 * GRANT_LIFETIME)
    assert (await world.submit.on_upload(ACME, upload.id, {})).status is Status.QUEUED


async def test_an_upload_serves_one_job(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {})
    with pytest.raises(UploadUsed):
        await world.submit.on_upload(ACME, upload.id, {})
    await world.starter.idle()
    assert world.engine.started == [job.id]


async def test_an_upload_is_used_even_when_its_photo_is_gone(world: World) -> None:
    upload = await world.arrive(an_upload())
    await world.submit.on_upload(ACME, upload.id, {})
    await world.raw.delete(upload.key)
    world.clock.step(GRANT_LIFETIME)
    with pytest.raises(UploadUsed):
        await world.submit.on_upload(ACME, upload.id, {})


async def test_an_upload_of_another_tenant_is_not_there(world: World) -> None:
    upload = await world.arrive(an_upload())
    with pytest.raises(NotFound):
        await world.submit.on_upload(OTHER, upload.id, {})
    with pytest.raises(NotFound):
        await world.submit.on_upload(ACME, UploadId("upl_unknown"), {})


async def test_a_job_is_accepted_while_the_engine_is_away(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.engine.fault = AWAY
    job = await world.submit.on_upload(ACME, upload.id, {})
    await world.starter.idle()
    world.engine.fault = None
    await later(world)
    assert world.engine.started == [job.id]


@pytest.mark.parametrize("call", range(1, 8))
async def test_a_crash_while_submitting_is_made_good_by_trying_again(
    world: World, call: int
) -> None:
    upload = await world.arrive(an_upload())
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.submit.on_upload(ACME, upload.id, {})
        await world.starter.idle()
    known = await world.jobs.for_upload(upload.id)
    if known:
        with pytest.raises(UploadUsed):
            await world.submit.on_upload(ACME, upload.id, {})
    else:
        known = await world.submit.on_upload(ACME, upload.id, {})
    await world.starter.idle()
    await later(world)
    assert {*world.engine.started} == {known.id}


async def test_a_submission_is_seven_calls(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.fuse.blow_at(0)
    await world.submit.on_upload(ACME, upload.id, {})
    await world.starter.idle()
    assert world.fuse.calls == 7


async def test_only_a_job_that_has_waited_long_is_forgotten(world: World) -> None:
    job_id = await world.accept()
    world.clock.step(FORGOTTEN_AFTER)
    assert await world.start_forgotten() == 0
    world.clock.step(A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [job_id]


async def test_a_job_that_is_under_way_or_over_is_not_forgotten(world: World) -> None:
    running, cancelled = await world.accept(), await world.accept()
    await world.verify(running)
    await world.end.cancel(cancelled)
    await later(world)
    assert world.engine.started == []


async def test_a_job_long_in_one_step_may_have_lost_its_workflow(world: World) -> None:
    job_id = await world.accept()
    world.clock.step(LOST_AFTER)
    await world.verify(job_id)
    world.clock.step(LOST_AFTER)
    assert await world.start_forgotten() == 0
    world.clock.step(A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [job_id]


async def test_a_sweep_that_breaks_is_completed_by_the_next(world: World) -> None:
    jobs = [await world.accept() for _ in range(3)]
    world.clock.step(FORGOTTEN_AFTER + A_SECOND)
    world.fuse.blow_at(2)
    with pytest.raises(Crash):
        await world.start_forgotten()
    await world.start_forgotten()
    assert world.engine.started[-3:] == jobs


async def test_each_start_is_a_repair(world: World) -> None:
    queued, running = await world.accept(), await world.accept()
    await world.verify(running)
    world.clock.step(LOST_AFTER + A_SECOND)
    assert await world.start_forgotten() == 2
    assert world.repairs.notes == [
        (Repair.JOB_STARTED, 1, {"job_id": queued}),
        (Repair.JOB_RESTARTED, 1, {"job_id": running}),
    ]


async def test_a_lost_job_is_found_however_many_are_under_way(world: World) -> None:
    """Queued or running, they may wait for hours: nobody asks for them again."""
    waiting = [await world.accept() for _ in range(SWEEP_LIMIT + 5)]
    for job_id in waiting[::2]:
        await world.jobs.update(job_id, lambda job: job.enter(Step.SCAN, at=NOW))
    world.engine.working_on = {*waiting}
    world.clock.step(A_SECOND)
    lost = await world.accept()
    world.clock.step(LOST_AFTER + A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [lost]


async def test_a_lost_job_is_found_though_it_was_accepted_by_a_clock_that_is_ahead(
    world: World,
) -> None:
    job_id = await world.accept()
    world.clock.step(-FORGOTTEN_AFTER)
    assert await world.start_forgotten() == 0
    world.clock.step(-A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [job_id]


async def test_a_start_of_what_was_under_way_is_no_repair(world: World) -> None:
    job_id = await world.accept()
    world.engine.working_on, world.engine.listed = {job_id}, set()
    world.clock.step(FORGOTTEN_AFTER + A_SECOND)
    assert await world.start_forgotten() == 0
    assert world.engine.started == [job_id]
    assert world.repairs.notes == []


async def test_the_engines_list_is_not_believed_for_ever(world: World) -> None:
    job_id = await world.accept()
    world.engine.listed = {job_id}
    world.clock.step(DOUBTED_AFTER)
    assert await world.start_forgotten() == 0
    world.clock.step(A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [job_id]


async def test_work_on_what_has_ended_or_gone_is_stopped(world: World) -> None:
    ended, erased, running = [await world.accept() for _ in range(3)]
    world.engine.working_on = {ended, erased, running}
    await world.end.cancel(ended)
    await world.erase(world.caller, erased)
    world.engine.cancelled.clear()
    assert await world.stop_stray() == 1
    assert world.engine.cancelled == [erased]
    world.clock.step(STRAY_AFTER + A_SECOND)
    assert await world.stop_stray() == 2
    assert {*world.engine.cancelled[1:]} == {ended, erased}
    assert [note[0] for note in world.repairs.notes] == [Repair.WORKFLOW_CANCELLED] * 3


async def test_nothing_is_stopped_while_all_is_well(world: World) -> None:
    jobs = [await world.accept() for _ in range(600)]
    world.engine.working_on = {*jobs}
    world.clock.step(10 * LOST_AFTER)
    assert await world.stop_stray() == 0
    assert world.engine.cancelled == []


async def test_a_sweep_says_when_the_engine_is_away(world: World) -> None:
    await world.accept()
    world.engine.fault = AWAY
    with pytest.raises(Unavailable):
        await later(world)


async def test_a_cancelled_job_ends_and_its_work_stops(world: World) -> None:
    job_id = await world.accept()
    job = await world.cancel(ACME, job_id)
    assert (job.status, await world.jobs.get(job_id)) == (Status.CANCELLED, job)
    assert world.engine.cancelled == [job_id]


async def test_a_job_is_cancelled_while_the_engine_is_away(world: World) -> None:
    job_id = await world.accept()
    world.engine.fault = AWAY
    await world.cancel(ACME, job_id)
    assert (await world.process(job_id)).status is Status.CANCELLED
    assert world.processed.contents() == {}


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
async def test_a_job_that_has_ended_cannot_be_cancelled(world: World, end: str) -> None:
    job_id = await world.accept()
    match end:
        case "succeed":
            await world.process(job_id)
        case "fail":
            await world.end.fail(job_id, BROKEN)
        case _:
            await world.end.cancel(job_id)
    before = await world.jobs.get(job_id)
    with pytest.raises(JobFinished):
        await world.cancel(ACME, job_id)
    assert await world.jobs.get(job_id) == before
    assert world.engine.cancelled == []


async def test_another_tenants_job_cannot_be_cancelled(world: World) -> None:
    job_id = await world.accept()
    with pytest.raises(NotFound):
        await world.cancel(OTHER, job_id)
    assert (await world.jobs.get(job_id)).status is Status.QUEUED


@pytest.mark.parametrize("call", range(1, 4))
async def test_a_crash_while_cancelling_leaves_a_job_that_ends_once(
    world: World, call: int
) -> None:
    job_id = await world.accept()
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.cancel(ACME, job_id)
    if (await world.jobs.get(job_id)).ended:
        with pytest.raises(JobFinished):
            await world.cancel(ACME, job_id)
    else:
        await world.cancel(ACME, job_id)
    assert (await world.process(job_id)).status is Status.CANCELLED
    assert world.processed.contents() == {}
