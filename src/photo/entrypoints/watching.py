"""What is looked at now and then, and not whenever Prometheus asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from dishka import AsyncContainer

from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.snapshot import AT_MOST, SnapshotMetrics
from photo.application.health import CheckHealth
from photo.application.ports import Snapshot, Snapshots
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.errors import PhotoError
from photo.entrypoints.readiness import AskReadiness

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5
_PATIENCE_SECONDS = 4
#: Of those that a process has to end in.
_LAST_SECONDS = 0.1


class Watch:
    """Looks at jobs, deliveries and dependencies, for the gauges that show them.

    One log line when the database begins to give no answer, not one each time.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        shown: SnapshotMetrics,
        check_health: CheckHealth,
        readiness: AskReadiness,
        process: ProcessMetrics,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._snapshots = snapshots
        self._shown = shown
        self._check_health = check_health
        self._readiness = readiness
        self._process = process
        self._patience_seconds = patience_seconds
        self._taking: asyncio.Future[Snapshot | PhotoError] | None = None
        self._failing = False

    async def count(self) -> None:
        try:
            self._shown.show(await self._snapshot())
        except (PhotoError, TimeoutError) as error:
            if not self._failing:
                reason = getattr(error, "reason", None) or type(error).__name__
                log.warning("snapshot_failed", reason=reason)
            self._failing = True
        else:
            self._failing = False

    async def _snapshot(self) -> Snapshot:
        # One that goes on although it was given up holds a connection: one is enough.
        if self._taking is None or self._taking.done():
            self._taking = asyncio.ensure_future(self._take())
        try:
            # Not asyncio.timeout: it would wait until the one asked gives up as well.
            taken, _ = await asyncio.wait(
                [self._taking], timeout=self._patience_seconds
            )
        finally:
            self._taking.cancel()
        if not taken or self._taking.cancelled():
            raise TimeoutError
        snapshot = self._taking.result()
        if isinstance(snapshot, PhotoError):
            raise snapshot
        return snapshot

    async def _take(self) -> Snapshot | PhotoError:
        try:
            with acting_for(EVERYONE):
                return await self._snapshots.take(at_most=AT_MOST)
        except PhotoError as error:
            return error

    async def ask(self) -> None:
        healths = await self._check_health()
        self._readiness.note(healths)
        self._process.note_health(healths)

    async def end(self) -> None:
        """Give up what is under way; wait for it, but not for long."""
        await self._check_health.stop()
        if self._taking:
            await asyncio.wait([self._taking], timeout=_LAST_SECONDS)


@asynccontextmanager
async def watching(container: AsyncContainer) -> AsyncIterator[None]:
    """Look every few seconds meanwhile."""
    watch = Watch(
        await container.get(Snapshots),
        await container.get(SnapshotMetrics),
        await container.get(CheckHealth),
        await container.get(AskReadiness),
        await container.get(ProcessMetrics),
    )
    # Each by itself: what is silent to one must not make the other blind.
    looking = [
        asyncio.create_task(_keep(watch.count)),
        asyncio.create_task(_keep(watch.ask)),
    ]
    try:
        yield
    finally:
        for each in looking:
            each.cancel()
        await asyncio.wait(looking)
        await watch.end()


async def _keep(
    looking: Callable[[], Awaitable[None]], every_seconds: float = EVERY_SECONDS
) -> None:
    while True:
        try:
            await looking()
        except Exception:  # the edge of the task: a bug here must not blind for good
            log.exception("watching_broke")
        await asyncio.sleep(every_seconds)
