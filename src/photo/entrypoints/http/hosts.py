"""The names that the service answers to."""

import re
from collections.abc import Collection
from functools import lru_cache

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]+)?")
_ANY = "*"
#: Clients choose what they send: only so much of it is remembered.
_REMEMBERED = 1024


class Hosts:
    """Without a port a name is allowed on every port, with one on that alone."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)
        self._any = not allowed or _ANY in allowed
        self.knows = lru_cache(_REMEMBERED)(self._knows)

    def _knows(self, host: bytes) -> bool:
        """Whether a Host header is well formed and names this service."""
        sent = host.decode("latin-1").lower()
        found = _HOST.fullmatch(sent)
        if found is None:
            return False
        return self._any or not self._allowed.isdisjoint((sent, found[1], found[2]))
