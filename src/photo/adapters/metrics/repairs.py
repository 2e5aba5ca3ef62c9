"""Repairs as a counter, and a line in the log for each."""

import structlog
from prometheus_client import CollectorRegistry, Counter

from photo.application.ports import Repair, RepairLog

log = structlog.get_logger(__name__)


class PrometheusRepairLog(RepairLog):
    def __init__(self, registry: CollectorRegistry) -> None:
        repairs = Counter(
            "photo_repairs",
            "What disagreed (rows, workflows, objects), by what was done about it.",
            ["kind"],
            registry=registry,
        )
        # All are there from the start, so that the first repair is an increase.
        self._repairs = {repair: repairs.labels(repair) for repair in Repair}

    def note(self, repair: Repair, *, count: int = 1, **about: object) -> None:
        self._repairs[repair].inc(count)
        if repair is Repair.RESULT_DAMAGED:
            log.error("result_damaged", **about)
        elif repair is Repair.ARTIFACT_WITHOUT_ROW:
            log.error("artifacts_without_rows", count=count)
        else:
            log.info("repaired", kind=str(repair), count=count, **about)
