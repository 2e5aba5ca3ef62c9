"""What `photo top` shows at a time."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from photo.domain.characters import visible
from photo.domain.job import Status, Step
from photo.entrypoints.scraped import Between, Scrape

_PERCENTILES = (0.5, 0.95, 0.99)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_QUEUED = (Status.QUEUED, "")
#: Jobs and deliveries are counted every 5 seconds.
_COUNTED, _STALE_SECONDS = "photo_snapshot_age_seconds", 15
#: Probes are not what clients ask for.
_ROUTES = ("route", "/v1/")
#: As many as there is room for.
_QUEUES = 4


def frame(window: Between, silent: Mapping[str, str]) -> RenderableType:
    """Of what was told; `silent` has a sentence for each process that told nothing.

    It fits into a terminal of 80 by 24.
    """
    return Group(
        _heading(window, silent),
        Text(),
        _beside(_work(window), Group(_rates(window), _waits(window))),
        Text(),
        _beside(_dependencies(window.after), _errors(window)),
    )


def _beside(left: RenderableType, right: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row(left, right)
    return grid


def _heading(window: Between, silent: Mapping[str, str]) -> Text:
    count = len(window.after.processes)
    heading = Text("Photo API", style="bold")
    heading.append(
        f"  {count} {'process' if count == 1 else 'processes'},"
        f" the last {window.seconds:.0f} s",
        style="not bold",
    )
    if age := _stale(window.after):
        heading.append(
            f"\nJobs and webhooks were not counted for {_age(age)}: see the database.",
            style="red",
        )
    for sentence in silent.values():
        heading.append(f"\n{visible(sentence)}", style="red")
    return heading


def _work(window: Between) -> Table:
    """What there is to do and how old it is; what was done, and how long it took."""
    percentiles = (f"p{q * 100:.0f}" for q in _PERCENTILES)
    counted = window.after.youngest(_COUNTED, _STALE_SECONDS)
    now, style = ("then", "red") if _stale(counted) else ("now", "")
    table = _table("Work", now, "oldest", "done", *percentiles)
    counts = counted.greatest("photo_jobs_unfinished", "status", "step")
    ages = counted.greatest("photo_jobs_oldest_age_seconds", "status", "step")

    def waiting(group: tuple[str, str]) -> tuple[Text, Text]:
        count = counts.get(group)
        age = _age(ages.get(group, 0)) if count else ""
        return Text(_number(count), style), Text(age, style)

    table.add_row("queued", *waiting(_QUEUED))
    for step in Step:
        done = _done(window, "photo_step_duration_seconds", ("step", step))
        table.add_row(step, *waiting((Status.RUNNING, step)), *done)
    receivers = _done(window, "photo_webhook_attempt_duration_seconds")
    pending, late = _deliveries(counted)
    table.add_row("webhooks", Text(pending, style), Text(late, style), *receivers)
    for name, metric, *by in (
        ("to the text", "photo_job_duration_seconds", ("status", Status.SUCCEEDED)),
        ("a page", "photo_recognize_seconds"),
    ):
        table.add_row(name, "", "", *_done(window, metric, *by))
    requests = _done(window.where(*_ROUTES), "photo_http_request_duration_seconds")
    table.add_row("requests", "", "", *requests)
    return table


def _stale(now: Scrape) -> float:
    """For how long nobody has counted, if that is too long."""
    youngest = now.youngest(_COUNTED, _STALE_SECONDS).greatest(_COUNTED).get((), 0)
    return youngest if youngest > _STALE_SECONDS else 0


def _waits(window: Between) -> Table:
    """For a worker. What waits here was counted under the step before it."""
    table = _table("Waits in", "p95")
    waits = window.quantiles(0.95, "photo_step_wait_seconds", "queue")
    longest = sorted(waits.items(), key=lambda wait: -wait[1])[:_QUEUES]
    family = min((queue for (queue,) in waits), key=len, default="")
    for (queue,), seconds in longest:
        name = visible(queue.removeprefix(f"{family}-"))
        table.add_row(Text(name), _duration(seconds))
    return table


def _deliveries(now: Scrape) -> tuple[str, str]:
    pending = now.greatest("photo_webhook_deliveries_pending").get(())
    overdue = now.greatest("photo_webhook_deliveries_overdue_seconds").get((), 0)
    return _number(pending), f"{_age(overdue)} late" if overdue else ""


def _done(window: Between, metric: str, *where: tuple[str, str]) -> Iterator[str]:
    """How often in the window, and percentiles of how long."""
    by, group = [name for name, _ in where], tuple(value for _, value in where)
    yield _number(window.increases(f"{metric}_count", *by).get(group))
    for q in _PERCENTILES:
        found = window.quantiles(q, metric, *by).get(group)
        yield "" if found is None else _duration(found)


def _rates(window: Between) -> Table:
    table = _table("A minute", "")
    ended = window.rates("photo_jobs_ended_total", "status")
    for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED):
        table.add_row(status, _a_minute(ended.get((status,))))
    for name, metric in {
        "uploads": "photo_uploads_arrived_total",
        "repairs": "photo_repairs_total",
        "webhooks": "photo_webhook_deliveries_total",
    }.items():
        table.add_row(name, _a_minute(window.rates(metric).get(())))
    requests = window.where(*_ROUTES)
    statuses = requests.rates("photo_http_requests_total", "status")
    table.add_row("requests", _a_minute(sum(statuses.values()) if statuses else None))
    broken = sum(rate for (status,), rate in statuses.items() if status[0] == "5")
    table.add_row("5xx of these", _a_minute(broken if statuses else None))
    return table


def _dependencies(now: Scrape) -> Table:
    table = _table("Needs", "")
    circuits = now.total("photo_circuit_open", "dependency")
    for (name,), ups in sorted(now.values("photo_dependency_up", "dependency").items()):
        down = ups.count(0)
        state = Text("ok", style="green")
        if down:
            state = Text(f"fails for {down} of {len(ups)}", style="red")
        elif circuits.get((name,)):
            state = Text("left alone", style="yellow")
        table.add_row(Text(visible(name)), state)
    return table


def _errors(window: Between) -> Table:
    """What jobs failed with: those of this window first."""
    table = _table("Failed with", "now", "in all")
    lately = window.increases("photo_jobs_ended_total", "status", "code")
    in_all = window.after.total("photo_jobs_ended_total", "status", "code")
    failed = [
        (lately.get(group, 0), count, group[1])
        for group, count in in_all.items()
        if group[0] == Status.FAILED and count
    ]
    for recent, count, code in sorted(failed, reverse=True):
        style = "red" if recent else ""
        table.add_row(Text(visible(code), style), _number(recent), _number(count))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(title, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True, header_style="dim")
    return table


def _number(count: float | None) -> str:
    return "-" if count is None else f"{count:,.0f}"


def _a_minute(rate: float | None) -> str:
    return "-" if rate is None else f"{rate * _MINUTE:,.1f}"


def _age(seconds: float) -> str:
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < _MINUTE else _age(seconds)
