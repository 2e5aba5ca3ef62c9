"""What cannot be told to those who watch, because they are away."""

from threading import Lock
from typing import Literal

import structlog

from photo.adapters.metrics.telemetry import LOST


class Outage:
    """Logged once as it begins and once when it is over, however much is lost.

    It is over when something is sent and nothing was lost since what was sent before.
    """

    def __init__(self, of: Literal["traces", "error_reports"]) -> None:
        self._log = structlog.get_logger(__name__, of=of)
        self._counted = LOST.labels(of)
        self._lock = Lock()
        self._lost = 0
        self._goes_on = False

    def lost(self, count: int = 1) -> None:
        self._counted.inc(count)
        with self._lock:
            if not self._lost:
                self._log.warning("telemetry_lost")
            self._lost += count
            self._goes_on = True

    def sent(self) -> None:
        with self._lock:
            if self._lost and not self._goes_on:
                self._log.info("telemetry_sent_again", lost=self._lost)
                self._lost = 0
            self._goes_on = False
