"""Circuit breakers for workers, whose many steps would storm what has just come back.

The API has none: its callers are people, and `/readyz` must find out.
"""

from dishka import Provider, Scope, decorate

from photo.adapters.circuits.breaker import Breaker
from photo.adapters.circuits.guarded import GuardedScanner, GuardedStore
from photo.adapters.metrics.gauges import ProcessMetrics
from photo.application.ports import Buckets, Scanner, Stopwatch


class Circuits(Provider):
    scope = Scope.APP

    @decorate
    def scanner(
        self, scanner: Scanner | None, elapsed: Stopwatch, process: ProcessMetrics
    ) -> Scanner | None:
        return scanner and GuardedScanner(
            scanner, _watched(Breaker("scanner", elapsed), process)
        )

    @decorate
    def buckets(
        self, buckets: Buckets, elapsed: Stopwatch, process: ProcessMetrics
    ) -> Buckets:
        raw = _watched(Breaker("raw_bucket", elapsed), process)
        processed = _watched(Breaker("processed_bucket", elapsed), process)
        return Buckets(
            raw=GuardedStore(buckets.raw, raw),
            processed=GuardedStore(buckets.processed, processed),
        )


def _watched(breaker: Breaker, process: ProcessMetrics) -> Breaker:
    process.watch_circuit(breaker.dependency, breaker.is_open)
    return breaker
