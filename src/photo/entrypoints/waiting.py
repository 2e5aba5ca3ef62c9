"""What a process waits for, and what it refuses to start with."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import structlog
from dishka import AsyncContainer

from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.s3.buckets import is_public, is_unencrypted, is_unversioned
from photo.adapters.s3.clients import S3Clients
from photo.domain.errors import Unavailable
from photo.entrypoints.settings import Settings

T = TypeVar("T")
IsAtFault = Callable[[S3Clients, str], Awaitable[bool]]

log = structlog.get_logger(__name__)

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 10.0


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Wait for a dependency that is down at the start: not a reason to die."""
    pause = _FIRST_SECONDS
    while True:
        try:
            return await ask()
        except Unavailable as error:
            log.warning(
                "waiting_for_dependency", detail=error.detail, reason=error.reason
            )
        # Not all processes at once.
        await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 # no secret
        pause = min(pause * 2, _LONGEST_SECONDS)


async def refuse_unsafe_buckets(container: AsyncContainer, settings: Settings) -> None:
    """Do not start before both buckets are known to be as they must be.

    Private in production; encrypted and versioned where that is required.
    """
    if not (demands := [*_demands(settings)]):
        return
    clients = await container.get(S3Clients)
    faults = [
        {"bucket": bucket, "event": fault}
        for bucket in (settings.s3_bucket_raw, settings.s3_bucket_processed)
        for fault, is_at_fault in demands
        if await patiently(partial(is_at_fault, clients, bucket))
    ]
    for fault in faults:
        log.error(**fault)
    if faults:
        sys.exit(1)


def _demands(settings: Settings) -> Iterator[tuple[str, IsAtFault]]:
    """What no bucket may be, and how it is found out."""
    if settings.environment == "production":
        yield "bucket_is_public", is_public
    if settings.s3_require_encryption:
        yield "bucket_is_not_encrypted", is_unencrypted
    if settings.s3_require_versioning:
        yield "bucket_is_not_versioned", is_unversioned


async def refuse_role_above_policies(
    container: AsyncContainer, settings: Settings
) -> None:
    """In production, do not serve with a role that sees every tenant's rows."""
    if settings.environment != "production":
        return
    check = await container.get(PostgresCheck)
    if await patiently(check.is_above_policies):
        log.error("database_role_is_above_row_level_security")
        sys.exit(1)
