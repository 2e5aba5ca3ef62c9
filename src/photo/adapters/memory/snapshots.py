"""What is under way, counted row by row."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from photo.adapters.memory.repositories import MemoryJobRepository
from photo.adapters.memory.webhooks import MemoryDeliveryRepository
from photo.application.ports import Owed, Snapshot, Snapshots, Underway
from photo.domain.job import Job, Status, Step


class MemorySnapshots(Snapshots):
    def __init__(
        self, jobs: MemoryJobRepository, deliveries: MemoryDeliveryRepository
    ) -> None:
        self._jobs = jobs
        self._deliveries = deliveries

    async def take(self, *, at_most: int) -> Snapshot:
        oldest = sorted(self._jobs.under_way(), key=lambda job: job.created_at)
        by_status = sorted(oldest, key=lambda job: job.status)
        jobs = [
            group
            for _, of_status in groupby(by_status, key=lambda job: job.status)
            for group in _grouped([*of_status][:at_most])
        ]
        due = sorted(self._deliveries.due())[:at_most]
        return Snapshot(jobs, Owed(len(due), due[0] if due else None))


def _grouped(jobs: Sequence[Job]) -> Sequence[Underway]:
    since: dict[tuple[Status, Step | None], list[datetime]] = defaultdict(list)
    for job in jobs:
        since[job.status, job.step].append(job.created_at)
    return [Underway(*kind, len(all_), min(all_)) for kind, all_ in since.items()]
