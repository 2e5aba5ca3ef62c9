"""After the last fault: how long until nothing is on its way any more."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from temporalio.client import Client

from drill.asking import Api
from drill.collecting.rows import pending_deliveries, unfinished_jobs
from drill.collecting.workflows import connected, running_workflows
from drill.evidence import DeliveryRow
from drill.places import Places

#: The goal is a minute; a machine that has other things to do takes several. What is
#: not done by then is stuck.
DEADLINE_SECONDS = 420.0
DELIVERIES_DEADLINE_SECONDS = 120.0

_POLL_SECONDS = 0.5
#: A receiver that failed is tried again minutes later; whoever knows that it is well
#: asks for an attempt now, and for another if that is lost, too.
_PATIENCE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    #: When the last fault had ended, on the monotonic clock.
    since: float
    #: From the last fault until every job had ended, and its workflow.
    jobs_s: float
    #: From then until every delivery was.
    deliveries_s: float
    #: Deliveries that were asked for rather than waited for.
    hurried: int


async def settle(places: Places, apis: Mapping[str, Api], *, since: float) -> Settled:
    """Wait for all jobs, then for their deliveries, but not beyond the deadlines.

    There is an API for each tenant. The receiver must be well by now. What is stuck in
    the end breaks an invariant.
    """
    temporal = await connected(places)
    deliveries = _Deliveries(places, temporal, apis)
    await _until(partial(_jobs_rest, places, temporal), DEADLINE_SECONDS)
    jobs_settled = monotonic()
    await _until(deliveries.rest, DELIVERIES_DEADLINE_SECONDS)
    return Settled(
        since=since,
        jobs_s=jobs_settled - since,
        deliveries_s=monotonic() - jobs_settled,
        hurried=len(deliveries.hurried),
    )


async def _until(rests: Callable[[], Awaitable[bool]], seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        if await rests():
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _jobs_rest(places: Places, temporal: Client) -> bool:
    unfinished = await unfinished_jobs(places.database_url)
    return not unfinished and not await running_workflows(temporal, "process-photo")


@dataclass(slots=True)
class _Deliveries:
    places: Places
    temporal: Client
    apis: Mapping[str, Api]
    hurried: set[str] = field(default_factory=set)
    #: When each was seen first, or asked for last.
    _since: dict[str, float] = field(default_factory=dict)

    async def rest(self) -> bool:
        pending = await pending_deliveries(self.places.database_url)
        for delivery in pending:
            if (
                monotonic()
                > self._since.setdefault(delivery.id, monotonic()) + _PATIENCE
            ):
                await self._hurry(delivery)
        return not pending and not await running_workflows(
            self.temporal, "deliver-webhook"
        )

    async def _hurry(self, delivery: DeliveryRow) -> None:
        self._since[delivery.id] = monotonic()
        self.hurried.add(delivery.id)
        route = f"/v1/webhooks/{delivery.webhook_id}/deliveries/{{id}}/replay"
        await self.apis[delivery.tenant].ask("POST", route, id=delivery.id)
