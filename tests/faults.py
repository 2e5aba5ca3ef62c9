"""What must hold of every client of a dependency that the network is lost to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.domain.errors import PhotoError, Unavailable

Call = Callable[[], Awaitable[object]]

FAULTS = (Deed.CUT, Deed.BLACKHOLE, Deed.HALF_OPEN, Deed.DRIP)


@asynccontextmanager
async def in_front_of(address: str) -> AsyncIterator[FaultProxy]:
    """A proxy to `host:port`, or to where a URL points."""
    place = urlsplit(address if "//" in address else f"//{address}")
    assert place.hostname
    assert place.port
    async with FaultProxy(place.hostname, place.port) as proxy:
        yield proxy


async def seconds_to_fail(
    call: Call, *, within: float, kind: type[PhotoError] = Unavailable
) -> float:
    """How long it took to fail as it should; fails if it does otherwise, or hangs."""
    clock = asyncio.get_running_loop().time
    since = clock()
    try:
        async with asyncio.timeout(within) as patience:
            result = await call()
    except kind:
        return clock() - since
    except TimeoutError:
        assert patience.expired()
        raise AssertionError(f"no end after {within} s") from None
    raise AssertionError(f"it worked, and gave {result!r}")


async def works(call: Call, kind: type[PhotoError] = Unavailable) -> None:
    """It does, but clients that give up soon may find a busy machine too slow."""
    for _ in range(2):
        try:
            await call()
        except kind:
            continue
        return
    await call()


async def at_once(call: Call) -> object:
    """What it gives; fails if it waits for anything but its turn."""
    calling = asyncio.ensure_future(call())
    for _ in range(100):
        await asyncio.sleep(0)
    assert calling.done()
    return await calling


async def all_fail_and_recover(
    proxy: FaultProxy,
    fault: Deed,
    calls: Mapping[str, Call],
    *,
    within: float,
    kind: type[PhotoError] = Unavailable,
) -> dict[str, float]:
    """All at once, while the way is broken; each once more, when it is free again."""
    await proxy.set(fault)
    names = list(calls)
    took = await asyncio.gather(
        *(seconds_to_fail(calls[name], within=within, kind=kind) for name in names),
        return_exceptions=True,
    )
    await proxy.set(None)
    wrong = {
        name: one
        for name, one in zip(names, took, strict=True)
        if isinstance(one, BaseException)
    }
    assert not wrong
    for call in calls.values():
        await works(call, kind)
    return {
        name: one
        for name, one in zip(names, took, strict=True)
        if isinstance(one, float)
    }
