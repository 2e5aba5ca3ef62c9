"""Use cases: how much callers may ask for in a minute."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from photo.application.ports import Budget, Charge, Limit, RateLimiter, Stopwatch
from photo.application.recent import Recent
from photo.domain.access import Principal
from photo.domain.errors import RateLimited

#: Whoever has an IPv6 address has all of these.
_IPV6_NETWORK_BITS = 64
_REMEMBERED_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    key: Limit
    tenant: Limit
    address: Limit

    @classmethod
    def per_minute(cls, *, key: int, tenant: int, address: int) -> "RateLimits":
        return cls(
            key=Limit("key", key),
            tenant=Limit("tenant", tenant),
            address=Limit("address", address),
        )


@dataclass(frozen=True, slots=True)
class ChargeCaller:
    """Charge a request to its key and its tenant: to both, or to neither."""

    limiter: RateLimiter
    limits: RateLimits

    async def __call__(self, caller: Principal, cost: int) -> Charge:
        tenant = caller.tenant
        budgets = (
            Budget(self.limits.key, f"{tenant}:{caller.credential}"),
            Budget(self.limits.tenant, tenant),
        )
        return await self.limiter.spend(budgets, cost)


@dataclass(frozen=True, slots=True)
class ChargeStranger:
    """Charge requests without a valid credential to the address they came from.

    An address that has spent its quota is refused before anything is looked up, a
    valid credential or not, until it may try again.
    """

    limiter: RateLimiter
    limits: RateLimits
    stopwatch: Stopwatch
    _spent: Recent[str, float] = field(init=False)

    def __post_init__(self) -> None:
        window = self.limits.address.window_seconds
        spent = Recent[str, float](
            self.stopwatch, seconds=window, most=_REMEMBERED_ADDRESSES
        )
        object.__setattr__(self, "_spent", spent)

    def refuse_spent(self, address: str) -> None:
        """Raise `RateLimited` if the address is known to have spent its quota."""
        until = self._spent.get(_payer(address))
        if until is not None and until > self.stopwatch():
            raise _too_many_failures(timedelta(seconds=until - self.stopwatch()))

    async def __call__(self, address: str) -> None:
        """Charge one request, or raise `RateLimited`."""
        payer = _payer(address)
        budget = Budget(self.limits.address, payer)
        accepted, (standing,) = await self.limiter.spend([budget], 1)
        if not accepted:
            wait = standing.until(1)
            self._spent.put(payer, self.stopwatch() + wait.total_seconds())
            raise _too_many_failures(wait)


def over_limit(charge: Charge, cost: int) -> RateLimited:
    """Why a charge was not accepted, and when it would be."""
    standing = max(charge.standings, key=lambda standing: standing.until(cost))
    limit, wait = standing.limit, standing.until(cost)
    return RateLimited(
        f"This {limit.name} has spent the {limit.quota} units that it may spend in "
        f"{limit.window_seconds} s; this request costs {cost}. {_again(wait)}",
        retry_after=wait,
    )


def _too_many_failures(wait: timedelta) -> RateLimited:
    return RateLimited(
        "Too many requests without a valid credential came from this address. "
        f"{_again(wait)}",
        retry_after=wait,
    )


def _again(wait: timedelta) -> str:
    return f"Try again in {ceil(wait.total_seconds())} s."


@lru_cache(maxsize=_REMEMBERED_ADDRESSES)
def _payer(address: str) -> str:
    """The address, or the whole network of an IPv6 address."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    shift = known.max_prefixlen - _IPV6_NETWORK_BITS
    return str(IPv6Address(int(known) >> shift << shift))
