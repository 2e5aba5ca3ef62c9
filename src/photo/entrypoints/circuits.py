"""Circuit breakers for workers, whose many steps would storm what has just come back.

The API has none: its callers are people, and `/readyz` must find out.
"""

from functools import partial

from dishka import Provider, Scope, decorate

from photo.adapters.circuits.breaker import Breaker
from photo.adapters.circuits.guarded import GuardedScanner, GuardedStore
from photo.application.ports import Buckets, Scanner, Stopwatch


class Circuits(Provider):
    scope = Scope.APP

    @decorate
    def scanner(self, scanner: Scanner | None, elapsed: Stopwatch) -> Scanner | None:
        return scanner and GuardedScanner(scanner, Breaker("scanner", elapsed))

    @decorate
    def buckets(self, buckets: Buckets, elapsed: Stopwatch) -> Buckets:
        breaker = partial(Breaker, elapsed=elapsed)
        return Buckets(
            raw=GuardedStore(buckets.raw, breaker("raw_bucket")),
            processed=GuardedStore(buckets.processed, breaker("processed_bucket")),
        )
