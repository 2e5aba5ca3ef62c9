import asyncio

import pytest

from photo.application.draining import Draining


async def test_a_wait_ends_when_draining_begins() -> None:
    draining = Draining()
    for_ever = asyncio.Event()
    waits = [
        asyncio.create_task(draining.cut_short(_forgetting(for_ever))) for _ in "ab"
    ]
    await asyncio.sleep(0)
    draining.begin()
    async with asyncio.timeout(60):
        await asyncio.gather(*waits)
    assert draining.begun


async def test_it_begins_once_while_waits_are_still_ending() -> None:
    draining = Draining()
    ending, end = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await end.wait()

    wait = asyncio.create_task(draining.cut_short(slow_to_end()))
    await asyncio.sleep(0)
    draining.begin()
    async with asyncio.timeout(60):
        await ending.wait()
        draining.begin()
        end.set()
        await wait


async def test_a_wait_that_begins_later_ends_at_once() -> None:
    draining = Draining()
    draining.begin()
    async with asyncio.timeout(60):
        await draining.cut_short(_forgetting(asyncio.Event()))


async def test_a_wait_may_end_by_itself() -> None:
    draining = Draining()
    happened = asyncio.Event()
    happened.set()
    await draining.cut_short(_forgetting(happened))
    draining.begin()
    await draining.beginning()


async def test_what_fails_meanwhile_still_fails() -> None:
    async def fail() -> None:
        raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="of something else"):
        await Draining().cut_short(fail())


async def test_who_waits_can_still_be_cancelled() -> None:
    draining = Draining()
    wait = asyncio.create_task(draining.cut_short(_forgetting(asyncio.Event())))
    await asyncio.sleep(0)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait


async def _forgetting(event: asyncio.Event) -> None:
    await event.wait()
