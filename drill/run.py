"""A drill from the first process to the last count."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from drill.asking import Api, Asker, Store
from drill.balancer import Balancer
from drill.clients import Clients
from drill.collecting import collect
from drill.evidence import Evidence, Violation
from drill.faults import plan
from drill.invariants import violations
from drill.ledger import Ledger
from drill.receiver import receiving
from drill.scenarios import SCENARIOS
from drill.scene import Scene
from drill.settling import Settled, settle
from drill.shapes import Fault, Part
from drill.stack import Stack, running_stack
from photo.domain.access import Scope

TENANTS = ("drill-one", "drill-two")

#: Few enough to be reached, and done with in minutes.
_MAX_UNFINISHED = 120
_VARIABLES = {"MAX_QUEUED_JOBS": str(_MAX_UNFINISHED)}

#: Afterwards, when nothing is at fault: not one request of theirs may fail.
_CALM_JOBS, _CALM_SECONDS = 10, 10.0

#: When all is settled, followers come to their ends; but what never ends has none.
_FOLLOWED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a drill is to be; the same twice does the same to the same photos."""

    seed: int
    jobs: int
    faults: int
    #: Over which the jobs come and the faults strike.
    seconds: float
    #: Played afterwards, in this order.
    scenarios: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    orders: Orders
    seconds: float
    settled: Settled
    evidence: Evidence
    #: By scenario.
    figures: Mapping[str, Mapping[str, Any]]
    violations: Sequence[Violation]
    #: What could not be broken here, or in this way.
    left_out: Sequence[str]


async def drill(orders: Orders, folder: Path) -> Found:
    """In an empty folder, where logs and data are left."""
    began = monotonic()
    async with _staged(orders, folder) as (scene, secrets):
        await _random_faults(scene, orders)
        settled = await _settled(scene)
        caught_up = monotonic()
        await scene.clients.submit(_CALM_JOBS, over_seconds=_CALM_SECONDS)
        figures = {name: await SCENARIOS[name](scene) for name in orders.scenarios}
        await _settled(scene)
        with suppress(TimeoutError):
            async with asyncio.timeout(_FOLLOWED_SECONDS):
                await scene.clients.follow_to_the_end()
        collected = await collect(
            scene.stack.places, scene.ledger, scene.struck, secrets=secrets
        )
        left_out = [*scene.stack.impossible, *({*Part} - {*scene.stack.parts})]
    evidence = replace(collected, catching_up=(settled.since, caught_up))
    return Found(
        orders=orders,
        seconds=monotonic() - began,
        settled=settled,
        evidence=evidence,
        figures=figures,
        violations=[*scene.violations, *violations(evidence)],
        left_out=left_out,
    )


async def _settled(scene: Scene) -> Settled:
    await scene.stack.heal()
    healed = max((each.ended for each in scene.struck), default=monotonic())
    return await settle(scene.stack.places, scene.apis, since=healed)


@asynccontextmanager
async def _staged(
    orders: Orders, folder: Path
) -> AsyncIterator[tuple[Scene, Collection[str]]]:
    """A scene, and the secrets that no log may tell."""
    ledger, chance = Ledger(), Random(f"drill {orders.seed}")
    async with (
        running_stack(folder, variables=_VARIABLES) as stack,
        receiving(ledger, seed=orders.seed) as receiver,
        httpx.AsyncClient(
            transport=Balancer(stack.places.api_urls, chance),
            base_url=stack.places.api_urls[0],
            timeout=Clients.TIMEOUT,
        ) as http,
        httpx.AsyncClient(timeout=Clients.TIMEOUT, trust_env=False) as store_http,
    ):
        keys = [await stack.create_key(tenant, [*Scope]) for tenant in TENANTS]
        clients = Clients(
            stack.places,
            ledger,
            seed=orders.seed,
            receiver_url=receiver.url,
            file_server_url=receiver.files_url,
            keys=keys,
        )
        receiver.secrets += await clients.subscribe()
        asker = Asker(http, ledger, chance)
        apis = {
            tenant: Api.with_key(key, asker)
            for tenant, key in zip(TENANTS, keys, strict=True)
        }
        scene = Scene(
            seed=orders.seed,
            max_unfinished=_MAX_UNFINISHED,
            stack=stack,
            ledger=ledger,
            clients=clients,
            receiver=receiver,
            store=Store(Asker(store_http, ledger, chance)),
            apis=apis,
        )
        yield scene, {*_secrets(stack, keys), *receiver.secrets}


def _secrets(stack: Stack, keys: Sequence[str]) -> Collection[str]:
    servers = stack.dependencies.servers
    databases = (servers.database_url, servers.admin_database_url)
    return {
        *(key.rpartition("_")[2] for key in keys),
        *(urlsplit(database).password or "" for database in databases),
        servers.s3.secret_access_key,
        servers.secret_key,
    } - {""}


async def _random_faults(scene: Scene, orders: Orders) -> None:
    """Jobs come while faults strike; when it is over, each was promised or refused."""
    began = monotonic()

    async def strike(fault: Fault) -> None:
        await asyncio.sleep(max(0.0, began + fault.at - monotonic()))
        await scene.strike(fault)

    planned = plan(
        orders.seed,
        faults=orders.faults,
        seconds=orders.seconds,
        parts=scene.stack.parts,
        impossible=scene.stack.impossible,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(
            scene.clients.submit(orders.jobs, over_seconds=orders.seconds)
        )
        for fault in planned:
            group.create_task(strike(fault))
