"""What has been spent, shared by all processes through Redis or Valkey."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from photo.application.ports import Budget, Charge, RateLimiter, Standing
from photo.domain.errors import Unavailable

_SILENCE = "TimeoutError"
#: Opening a connection takes longer than a request waits: it goes on meanwhile.
_SOCKET_SECONDS = 2
_BATCH = 200

# Charges one after the other: to all of its keys, or to none. Under a key is the
# microsecond, by the server's own clock, at which the whole quota is there again.
_SPEND = """
local seconds, micros = unpack(redis.call('TIME'))
local now = seconds * 1000000 + micros
local first, answers = 0, {}
for _, budgets in ipairs(cjson.decode(ARGV[1])) do
  local answer = {1}
  for i, budget in ipairs(budgets) do
    local whole_at = tonumber(redis.call('GET', KEYS[first + i]) or now)
    answer[i + 1] = math.max(whole_at - now, 0)
    if answer[i + 1] + budget[1] > budget[2] then
      answer[1] = 0
    end
  end
  if answer[1] == 1 then
    for i, budget in ipairs(budgets) do
      local spent = answer[i + 1] + budget[1]
      local whole_at = string.format('%.0f', now + spent)
      redis.call('SET', KEYS[first + i], whole_at, 'PX', math.ceil(spent / 1000))
      answer[i + 1] = spent
    end
  end
  first = first + #budgets
  answers[#answers + 1] = answer
end
return answers
"""


@dataclass(frozen=True, slots=True)
class _Request:
    budgets: Sequence[Budget]
    cost: int
    charge: asyncio.Future[Charge]


class RedisRateLimiter(RateLimiter):
    """One connection; what comes in while an answer is awaited goes out together."""

    def __init__(self, client: Redis, *, silence_seconds: float) -> None:
        self._client = client
        self._half_a_silence = silence_seconds / 2
        self._waiting: list[_Request] = []
        self._sent: Sequence[_Request] = ()
        self._silent = False
        self._sending: asyncio.Task[None] | None = None

    async def spend(self, budgets: Sequence[Budget], cost: int) -> Charge:
        """Raises `Unavailable` if the server is away, or silent for too long."""
        if self._silent:
            raise _unavailable(_SILENCE)
        charge: asyncio.Future[Charge] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(budgets, cost, charge))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await charge

    async def aclose(self) -> None:
        if self._sending:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        await self._client.aclose()

    async def _send_all(self) -> None:
        later, half = asyncio.get_running_loop().call_later, self._half_a_silence
        while batch := self._next_batch():
            self._sent = batch
            # In two steps: a process that was busy sees in between what has arrived.
            patience = later(half, later, half, self._give_up, batch)
            await self._send(batch)
            patience.cancel()
            self._sent, self._silent = (), False
        self._sending = None

    def _next_batch(self) -> Sequence[_Request]:
        wanted = [each for each in self._waiting if not each.charge.done()]
        self._waiting = wanted[_BATCH:]
        return wanted[:_BATCH]

    def _give_up(self, batch: Sequence[_Request]) -> None:
        if self._sent is batch:
            self._silent = True
            self._refuse_all(_SILENCE)

    def _refuse_all(self, reason: str) -> None:
        for each in (*self._sent, *self._waiting):
            if not each.charge.done():
                each.charge.set_exception(_unavailable(reason))

    async def _send(self, batch: Sequence[_Request]) -> None:
        try:
            answers = await self._ask(batch)
        except (OSError, RedisError) as error:
            self._refuse_all(type(error).__name__)
            return
        for each, (accepted, *spent) in zip(batch, answers, strict=True):
            limits = [budget.limit for budget in each.budgets]
            if not each.charge.done():
                standings = [*map(Standing, limits, spent)]
                each.charge.set_result(Charge(bool(accepted), standings))

    async def _ask(self, batch: Sequence[_Request]) -> Any:
        keys = [
            f"photo:spent:{budget.limit.name}:{budget.owner}"
            for each in batch
            for budget in each.budgets
        ]
        prices = [
            [(limit.price(each.cost), limit.whole) for limit, _ in each.budgets]
            for each in batch
        ]
        return await self._client.eval(_SPEND, len(keys), *keys, json.dumps(prices))


def _unavailable(reason: str) -> Unavailable:
    return Unavailable("The shared rate limits cannot be reached.", reason=reason)


@asynccontextmanager
async def redis_rate_limiter(
    url: str, *, silence_seconds: float = 0.05
) -> AsyncIterator[RedisRateLimiter]:
    """Nothing is connected before it is asked for. Valkey speaks Redis' language."""
    client = Redis.from_url(
        re.sub("^valkey", "redis", url),
        max_connections=1,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=_SOCKET_SECONDS,
        socket_timeout=_SOCKET_SECONDS,
    )
    limiter = RedisRateLimiter(client, silence_seconds=silence_seconds)
    try:
        yield limiter
    finally:
        await limiter.aclose()
