"""On whose behalf the present task acts: a second line behind the filter of a query.

A database that keeps tenants apart by itself shows a task the rows of this tenant and
no others, whatever is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from photo.domain.access import Tenant

#: No tenant can be called this.
EVERYONE: Final = Tenant("*")
NOBODY: Final = Tenant("")

_acting_for: ContextVar[Tenant] = ContextVar("acting_for")


def act_for(tenant: Tenant) -> None:
    """From now on, for the rest of this task."""
    _acting_for.set(tenant)


@contextmanager
def acting_for(tenant: Tenant) -> Iterator[None]:
    before = _acting_for.set(tenant)
    try:
        yield
    finally:
        _acting_for.reset(before)


def acts_for(default: Tenant) -> Tenant:
    """Whom the task acts for; the default if it has not said."""
    return _acting_for.get(default)
