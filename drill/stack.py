"""The whole service on this machine, to be broken: every server is real."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from drill.breakable import Breakable
from drill.crash import Points
from drill.places import Places
from drill.proxy import FaultProxy
from drill.scratch import Scratch
from drill.servers import running_dependencies
from drill.service import Api, Worker, settings
from drill.shapes import Fault, Part, Struck
from drill.supervisor import Running
from photo.application.audit import operator
from photo.application.keys import CreateKey
from photo.domain.access import Scope, Tenant
from photo.entrypoints.live import live_container
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.service import PROCESSED, RAW, furnish, service_variables
from photo.entrypoints.settings import Settings

_QUEUE = "photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(Breakable):
    logs: Path

    @property
    def places(self) -> Places:
        servers = self.dependencies.servers
        address, _, _ = servers.admin_database_url.rpartition("/")
        _, _, database = servers.database_url.rpartition("/")
        return Places(
            api_urls=tuple(api.url for api in self.apis),
            metrics_urls=tuple(worker.metrics_url for worker in self.workers),
            database_url=f"{address.replace('+asyncpg', '')}/{database}",
            s3=servers.s3,
            temporal_target=servers.temporal_target,
            temporal_namespace=servers.temporal_namespace,
            task_queue=_QUEUE,
            raw_bucket=RAW,
            processed_bucket=PROCESSED,
            scratch=self.scratch.outside,
            logs=self.logs,
            clamd=Part.CLAMD in self.dependencies.kept,
        )

    async def create_key(self, tenant: str, scopes: Collection[Scope]) -> str:
        variables = service_variables(self.dependencies.servers, 0)
        async with live_container(Settings.from_env(variables)) as container:
            create_key = await container.get(CreateKey)
            _, secret = await create_key(
                operator(Tenant(tenant)), name="drill", scopes=frozenset(scopes)
            )
        return secret

    async def strike(self, fault: Fault) -> Struck:
        began = monotonic()
        met = await self.let(fault)
        return Struck(fault=fault, began=began, ended=monotonic(), met=met)


@asynccontextmanager
async def running_stack(
    folder: Path, *, apis: int = 2, workers: int = 2, variables: Mapping[str, str]
) -> AsyncIterator[Stack]:
    """All of it in an empty folder, with these settings besides; nothing survives.

    Whatever ends comes back. The API and the workers reach their dependencies through
    a proxy each, and so do clients the store of objects.
    """
    async with AsyncExitStack() as closing:
        children = await closing.enter_async_context(Running(folder))
        dependencies = await closing.enter_async_context(running_dependencies(children))
        await furnish(dependencies.servers, 0)
        proxies = {
            part: await closing.enter_async_context(FaultProxy(HOST, port))
            for part, port in dependencies.ports.items()
        }
        scratch = await Scratch.made(children, children.data_dir / "scratch")
        ports = {part: proxy.port for part, proxy in proxies.items()}
        env = {**settings(dependencies.servers, ports), **variables}
        crash = children.data_dir / "crash"
        stack = Stack(
            apis=[
                Api(number, children, env, crash / Part.API)
                for number in range(1, apis + 1)
            ],
            workers=[
                Worker(number, children, env, crash / Part.WORKER, scratch)
                for number in range(1, workers + 1)
            ],
            dependencies=dependencies,
            proxies=proxies,
            points={part: Points(crash / part) for part in (Part.API, Part.WORKER)},
            scratch=scratch,
            logs=children.logs,
        )
        async with _serving(stack):
            await stack.heal()
            yield stack


@asynccontextmanager
async def _serving(stack: Stack) -> AsyncIterator[None]:
    """All is started, and started again when it ends; in the end the service first."""
    members: list[Api | Worker] = [*stack.apis, *stack.workers]
    await asyncio.gather(*(member.start() for member in members))
    for kept in stack.kept:
        kept.keep()
    try:
        yield
    finally:
        await asyncio.gather(*(kept.let_go() for kept in stack.kept))
        await asyncio.gather(*(member.kept.process.stop() for member in members))
