"""The ports of the service with crash points around what they store and set going."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from dishka import Provider, Scope, decorate

from drill.crash import Points
from photo.application.ports import (
    Buckets,
    Courier,
    DeliveryRepository,
    Erasures,
    IdempotencyKeys,
    InfectedFiles,
    JobRepository,
    TextIndex,
    Transactions,
    UploadRepository,
    WebhookSender,
    WorkflowEngine,
)
from photo.domain.job import Job, JobId

T = TypeVar("T")

#: What a transaction is called that takes one of these steps.
_COMMITS = {
    "job-row": "commit:accept",
    "ending-row": "commit:end",
    "erasure-row": "commit:erasure",
    "attempt-row": "commit:attempt",
}

_commits: ContextVar[set[str] | None] = ContextVar("commits", default=None)


class CrashPoints(Provider):
    scope = Scope.APP

    def __init__(self, points: Points) -> None:
        super().__init__()
        self._points = points

    @decorate
    def transactions(self, inner: Transactions) -> Transactions:
        return _Transactions(inner, self._points)

    @decorate
    def jobs(self, inner: JobRepository) -> JobRepository:
        return cast(JobRepository, _Jobs(inner, self._points, {"add": "job-row"}))

    @decorate
    def uploads(self, inner: UploadRepository) -> UploadRepository:
        return self._around(inner, add="upload-row")

    @decorate
    def deliveries(self, inner: DeliveryRepository) -> DeliveryRepository:
        return self._around(inner, add="delivery-row", update="attempt-row")

    @decorate
    def idempotency(self, inner: IdempotencyKeys) -> IdempotencyKeys:
        return self._around(inner, keep="idempotency-answer")

    @decorate
    def infected(self, inner: InfectedFiles) -> InfectedFiles:
        return self._around(inner, add="infected-file")

    @decorate
    def texts(self, inner: TextIndex) -> TextIndex:
        return self._around(inner, add="text-index")

    @decorate
    def erasures(self, inner: Erasures) -> Erasures:
        return self._around(inner, erase="erasure-row", complete="erased-objects")

    @decorate
    def engine(self, inner: WorkflowEngine) -> WorkflowEngine:
        return self._around(inner, start="workflow-start", cancel="workflow-cancel")

    @decorate
    def courier(self, inner: Courier) -> Courier:
        return self._around(inner, start="courier-start")

    @decorate
    def sender(self, inner: WebhookSender) -> WebhookSender:
        return self._around(inner, send="webhook-send")

    @decorate
    def buckets(self, inner: Buckets) -> Buckets:
        return Buckets(
            raw=self._around(inner.raw, write="raw-write", delete="raw-delete"),
            processed=self._around(inner.processed, write=_artifact),
        )

    def _around(self, inner: T, **steps: "str | Name") -> T:
        return cast(T, _Around(inner, self._points, steps))


#: What a call with these arguments is called.
Name = Callable[..., str]


def _artifact(key: str, *_: object, **__: object) -> str:
    return "artifact:" + key.rpartition("/")[2]


class _Around:
    """Another object, with points before and after some of its methods."""

    def __init__(
        self, inner: Any, points: Points, steps: dict[str, str | Name]
    ) -> None:
        self._inner = inner
        self._points = points
        self._steps = steps

    def __getattr__(self, method: str) -> Any:
        if (step := self._steps.get(method)) is None:
            return getattr(self._inner, method)

        async def stepping(*args: Any, **named: Any) -> Any:
            name = step if isinstance(step, str) else step(*args, **named)
            with self._step(name):
                return await getattr(self._inner, method)(*args, **named)

        return stepping

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._points.come_by(f"before:{name}")
        yield
        self._took(name)

    def _took(self, name: str) -> None:
        self._points.come_by(f"after:{name}")
        if (commits := _commits.get()) is not None and name in _COMMITS:
            commits.add(_COMMITS[name])


class _Jobs(_Around):
    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        """Which step an update is shows only when the row is held."""
        step: str | None = None

        def changed(before: Job) -> Job:
            nonlocal step
            after = change(before)
            if step := _step_between(before, after):
                self._points.come_by(f"before:{step}")
            return after

        job: Job = await self._inner.update(job_id, changed)
        if step:
            self._took(step)
        return job


def _step_between(before: Job, after: Job) -> str | None:
    if after.ended and not before.ended:
        return "ending-row"
    if after.step and after.step != before.step:
        return f"step:{after.step}"
    return None


class _Transactions(Transactions):
    """With points before and after the commits of transactions, by what they store."""

    def __init__(self, inner: Transactions, points: Points) -> None:
        self._inner = inner
        self._points = points

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        if _commits.get() is not None:
            async with self._inner.begin():
                yield
            return
        commits: set[str] = set()

        async def committed() -> None:
            _commits.set(None)  # what is begun from here on is no part of it
            for commit in sorted(commits):
                self._points.come_by(f"after:{commit}")

        token = _commits.set(commits)
        try:
            async with self._inner.begin():
                await self._inner.then(committed)
                yield
                for commit in sorted(commits):
                    self._points.come_by(f"before:{commit}")
        finally:
            _commits.reset(token)

    async def then(self, act: Callable[[], Awaitable[object]]) -> None:
        await self._inner.then(act)
