"""Calls to the Temporal server: never long, and their errors are ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.service import RPCError

from photo.domain.errors import Unavailable

# A request is waiting: better no answer than a late one.
RPC_TIMEOUT = timedelta(seconds=2)

# Connecting, which the first call may have to do, knows no limit of its own.
_CALL_LIMIT = 2 * RPC_TIMEOUT


@asynccontextmanager
async def translated(within: timedelta = _CALL_LIMIT) -> AsyncIterator[None]:
    """Let no error of the SDK out; one that cannot connect is a bare RuntimeError."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except RPCError as error:
        raise _unavailable(error.status.name) from error
    except (RuntimeError, TimeoutError) as error:
        raise _unavailable(type(error).__name__) from error


def _unavailable(reason: str) -> Unavailable:
    return Unavailable("The workflow engine cannot be reached.", reason=reason)
