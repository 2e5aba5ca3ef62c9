"""Everything that runs, how each of it is broken, and when it is whole again."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain

from drill import clamd, clock
from drill.crash import Points
from drill.proxy import FaultProxy
from drill.scratch import Scratch
from drill.servers import Dependencies
from drill.service import Api, Worker
from drill.shapes import Deed, Fault, Part
from drill.supervisor import Kept, until

#: What an API says of the dependency.
_CHECKS = {
    Part.POSTGRES: ("database",),
    Part.S3: ("raw_bucket", "processed_bucket"),
    Part.TEMPORAL: ("workflows",),
    Part.CLAMD: ("scanner",),
}
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakable:
    apis: Sequence[Api]
    workers: Sequence[Worker]
    dependencies: Dependencies
    proxies: Mapping[Part, FaultProxy]
    points: Mapping[Part, Points]
    scratch: Scratch

    @property
    def parts(self) -> Collection[Part]:
        return (Part.API, Part.WORKER, *self.dependencies.kept)

    @property
    def impossible(self) -> Collection[Deed]:
        """What this machine does not allow."""
        fill = () if self.scratch.fillable else (Deed.FILL,)
        skew = () if clock.library() else (Deed.SKEW,)
        return (*fill, *skew)

    async def heal(self) -> None:
        """Free every way and the disk, and wait until every API finds all in order."""
        for proxy in self.proxies.values():
            await proxy.set(None)
        self.scratch.free()
        await asyncio.gather(*(kept.is_up() for kept in self.kept))
        await asyncio.gather(*(until(api.kept.name, api.is_ready) for api in self.apis))

    async def let(self, fault: Fault) -> bool:
        """Let a fault begin, last and end; whether it could take place.

        What was struck is there again then.
        """
        met = await self._let(fault)
        if fault.part in _CHECKS:
            await self._reached(fault.part)
        return met

    async def _let(self, fault: Fault) -> bool:
        match fault.deed:
            case Deed.KILL:
                kept = self._struck(fault)
                kept.process.kill()
                await kept.replaced()
            case Deed.STOP:
                with self._struck(fault).stopped():
                    await asyncio.sleep(fault.seconds)
            case Deed.RESTART:
                await self._restart(self._struck(fault))
            case Deed.RELOAD:
                return await clamd.reload(self.dependencies.ports[Part.CLAMD])
            case Deed.CRASH:
                return await self._crash(fault)
            case Deed.FILL:
                await self._fill(fault)
            case Deed.SKEW:
                await self._skew(fault)
            case way:
                await self._obstruct(fault, way)
        return True

    async def _reached(self, dependency: Part) -> None:
        """Wait until every API that answers at all can use it."""
        checks = _CHECKS[dependency]
        await asyncio.gather(
            *(
                until(f"{dependency} for {api.kept.name}", partial(api.has, *checks))
                for api in self.apis
            )
        )

    async def _obstruct(self, fault: Fault, way: Deed) -> None:
        proxy = self.proxies[fault.part]
        await proxy.set(way)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await proxy.set(None)

    async def _restart(self, kept: Kept) -> None:
        await kept.process.stop()
        await kept.replaced()

    async def _crash(self, fault: Fault) -> bool:
        points, point = self.points[fault.part], fault.detail
        points.arm(point)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(fault.seconds):
                    while points.is_armed(point):  # noqa: ASYNC110 # a file tells nobody
                        await asyncio.sleep(_POLL_SECONDS)
        finally:
            points.disarm(point)
        victim = points.victim(point)
        for kept in self._kept(fault.part):
            if kept.process.pid == victim:
                await kept.replaced()
        return victim is not None

    async def _fill(self, fault: Fault) -> None:
        try:
            await asyncio.to_thread(self.scratch.fill)
            await asyncio.sleep(fault.seconds)
        finally:
            self.scratch.free()

    async def _skew(self, fault: Fault) -> None:
        api = self.apis[fault.number]
        api.besides = clock.wrong_by(int(fault.detail))
        try:
            await self._restart(api.kept)
            await asyncio.sleep(fault.seconds)
        finally:
            api.besides = {}
            await self._restart(api.kept)
            clock.clean_up()

    @property
    def kept(self) -> Sequence[Kept]:
        return [*chain.from_iterable(map(self._kept, self.parts))]

    def _struck(self, fault: Fault) -> Kept:
        return self._kept(fault.part)[fault.number]

    def _kept(self, part: Part) -> Sequence[Kept]:
        match part:
            case Part.API:
                return [api.kept for api in self.apis]
            case Part.WORKER:
                return [worker.kept for worker in self.workers]
            case _:
                return [self.dependencies.kept[part]]
