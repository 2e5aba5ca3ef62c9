"""Many files at once against one service, and what all of that did to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from time import perf_counter

from hostile.cases import Case, good_cases
from hostile.leftovers import Holdings, leftovers
from hostile.oracle import Evidence, faults
from hostile.sending import Outcome, send
from hostile.service import Target
from hostile.worker import DIED, WorkerLog, WorkerMemory, is_alive, watch
from photo.entrypoints.client import PhotoClient

_WARM_UP = 6
#: Ends the names of files that are sent a second time, alone.
_AGAIN = " (again)"


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    outcome: Outcome
    evidence: Evidence
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    results: list[Result]
    #: Of the service as a whole.
    faults: list[str]
    seconds: float
    memory: WorkerMemory
    #: How children ended that were at work.
    crashes: Mapping[str, int]

    @property
    def clean(self) -> bool:
        return not self.faults and not any(result.faults for result in self.results)


async def attack(target: Target, cases: Iterable[Case], *, at_once: int) -> Run:
    """Send everything, then see whether anything is left and a good photo is read."""
    async with PhotoClient.connect(target.url, target.key) as client:
        await _send_all(client, islice(good_cases(), _WARM_UP), at_once=_WARM_UP)
        before = Holdings.of(target)
        log, memory = WorkerLog(target.log), WorkerMemory(target.worker)
        async with _watched(log, memory):
            since = perf_counter()
            sent = await _send_all(client, cases, at_once=at_once)
            seconds = perf_counter() - since
            left = await leftovers(target, before, _job_ids(sent))
            log.read()
            last = replace(next(good_cases()), name="good-at-the-end")
            suspects = [
                replace(case, name=f"{case.name}{_AGAIN}")
                for case, outcome in sent
                if _lost_its_child(outcome, log)
            ]
            sent += await _send_all(client, [*suspects, last], at_once=1)
    if not is_alive(target.worker):
        left.append("The worker is not the same process any more.")
    results = [_judged(target, log, *each) for each in sent]
    left += _victims(results)
    for job_id in {*log.faults} - _job_ids(sent):
        left += {*log.faults[job_id]}
    return Run(results, left, seconds, memory, log.crashes)


async def _send_all(
    client: PhotoClient, cases: Iterable[Case], *, at_once: int
) -> list[tuple[Case, Outcome]]:
    queue = iter(cases)
    shares = [_send_each(client, queue) for _ in range(at_once)]
    return [*chain.from_iterable(await asyncio.gather(*shares))]


async def _send_each(
    client: PhotoClient, queue: Iterator[Case]
) -> list[tuple[Case, Outcome]]:
    return [(case, await send(client, case)) for case in queue]


def _lost_its_child(outcome: Outcome, log: WorkerLog) -> bool:
    return outcome.job is not None and log.crashed.get(outcome.job["id"]) == DIED


def _victims(results: Iterable[Result]) -> list[str]:
    """Files that were sent again because their child had died, and then it did not."""
    return [
        f"{result.case.name}: The child that died had another reason than this file."
        for result in results
        if result.case.name.endswith(_AGAIN) and not result.evidence.crash
    ]


def _job_ids(sent: Iterable[tuple[Case, Outcome]]) -> set[str]:
    return {outcome.job["id"] for _, outcome in sent if outcome.job}


@asynccontextmanager
async def _watched(log: WorkerLog, memory: WorkerMemory) -> AsyncIterator[None]:
    watching = asyncio.create_task(watch(log, memory))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        log.read()


def _judged(target: Target, log: WorkerLog, case: Case, outcome: Outcome) -> Result:
    evidence = Evidence.of(outcome, log)
    found = faults(case.attempt, outcome, evidence, scanning=target.scanning)
    logged = log.faults.get(outcome.job["id"], []) if outcome.job else []
    return Result(case, outcome, evidence, tuple(dict.fromkeys([*found, *logged])))
