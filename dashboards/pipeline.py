"""Where is it stuck? The way of photos through the workers."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import (
    board,
    fresh,
    lines,
    percentiles,
    quantile,
    rate,
    states,
)
from dashboards.processes import processes


def pipeline() -> Dashboard:
    page = board(
        "Photo API: pipeline",
        "photo-pipeline",
        "The way of photos through the workers: what waits, what fails, what is slow.",
    )
    _waiting(page.with_row(Row("Waiting")))
    _steps(page.with_row(Row("Steps")))
    _temporal(page.with_row(Row("Temporal")))
    _photos(page.with_row(Row("Photos")))
    _afterwards(page.with_row(Row("Webhooks and repairs")))
    processes(page.with_row(Row("Processes")))
    return page


def _waiting(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Unfinished jobs",
            {
                "{{status}} {{step}}": "max by (status, step) "
                f"({fresh('photo_jobs_unfinished')})",
            },
            "By the step that they are in; what waits for the next one counts under "
            "the last.",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Oldest job",
            {
                "{{status}} {{step}}": "max by (status, step) "
                f"({fresh('photo_jobs_oldest_age_seconds')})",
            },
            "How long ago the oldest in a step was accepted.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Waiting for a worker",
            {"{{queue}}": quantile(0.95, "photo_step_wait_seconds", "queue")},
            "For 95 % of the steps at most so long, by queue. It grows where workers "
            "are too few.",
            unit="s",
        )
    )


def _steps(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Time in a step",
            {"{{step}}": quantile(0.95, "photo_step_duration_seconds", "step")},
            "For 95 % of the jobs at most so long, attempts and waiting included.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Attempts that failed",
            {
                "{{step}} {{outcome}}": rate(
                    'photo_step_attempts_total{outcome!="done"}', "step, outcome"
                )
            },
            "`unavailable`: a dependency; `refused`: the photo; `broke`: a bug; "
            "`crashed`: the photo killed a process; `handed_back`: a worker stopped.",
            unit="ops",
        )
    ).with_panel(
        lines(
            "Child processes",
            {"{{state}}": "sum by (state) (photo_imaging_processes)"},
            "That decode and read. All busy: more workers would help.",
            stacked=True,
        )
    ).with_panel(
        states(
            "Circuits",
            {"{{dependency}}": "max by (dependency) (photo_circuit_open)"},
            "Open while a worker leaves a dependency alone.",
            good=(0, "closed"),
            bad=(1, "open"),
        )
    )


def _temporal(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Free places for work",
            {
                "{{task_queue}} {{worker_type}}": "sum by (task_queue, worker_type) "
                "(temporal_worker_task_slots_available)"
            },
            "None left where a queue waits for workers.",
        )
    ).with_panel(
        lines(
            "Calls",
            {
                "{{operation}}": quantile(
                    0.95, "temporal_request_latency_seconds", "operation"
                )
            },
            "For 95 % of them at most so long, by what was called. Polls are not among "
            "them.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Calls that failed",
            {
                "{{operation}} {{status_code}}": rate(
                    "temporal_request_failure_total", "operation, status_code"
                )
            },
            "Tried again by the SDK, but for those that no repetition mends.",
            unit="ops",
        )
    )


def _photos(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Bytes that arrived",
            {"bytes": rate("photo_upload_bytes_total")},
            "By uploads to the bucket.",
            unit="Bps",
        )
    ).with_panel(
        lines(
            "Verdicts",
            {"{{verdict}}": rate("photo_scans_total", "verdict")},
            "Of the virus scanner. `unavailable`: it gave none.",
            unit="ops",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Scanning",
            percentiles("photo_scan_duration_seconds"),
            "From a photo's first byte to its verdict.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Reading a page",
            percentiles("photo_recognize_seconds"),
            "The recogniser alone.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Sureness",
            {
                "a tenth below": quantile(0.1, "photo_recognize_confidence"),
                "half below": quantile(0.5, "photo_recognize_confidence"),
            },
            "How sure the recogniser is of its lines. A fall means other photos, or a "
            "fault in what is done before.",
            unit="percentunit",
        )
    )


def _afterwards(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Attempts at webhooks",
            {"{{outcome}}": rate("photo_webhook_deliveries_total", "outcome")},
            "By what came of the delivery.",
            unit="ops",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Receivers",
            percentiles("photo_webhook_attempt_duration_seconds"),
            "Until they answered, or were given up after 15 s.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Webhooks to be sent",
            {"pending": f"max({fresh('photo_webhook_deliveries_pending')})"},
            "Receivers that are away are asked again for a day.",
        )
    ).with_panel(
        lines(
            "Webhooks too late",
            {"overdue": f"max({fresh('photo_webhook_deliveries_overdue_seconds')})"},
            "For how long the most urgent attempt has been due.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Repairs, an hour",
            {"{{kind}}": "sum by (kind) (increase(photo_repairs_total[1h]))"},
            "What disagreed. `result_damaged` and `artifact_without_row` are damage.",
        )
    )
