"""Is it well? What users feel, on one page."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.panels import (
    TO_V1,
    board,
    fresh,
    lines,
    number,
    percentiles,
    quantile,
    rate,
    states,
)

# The watchdog, of no severity, always does.
_FIRING = 'ALERTS{alertname=~"Photo.+",alertstate="firing",severity!="none"}'


def overview() -> Dashboard:
    page = board(
        "Photo API: overview",
        "photo-overview",
        "What users feel. Figures are red where an alert would page.",
    )
    _now(page)
    _requests(page.with_row(Row("Requests")))
    _texts(page.with_row(Row("Texts")))
    _needs(page.with_row(Row("What it needs")))
    return page


def _now(page: Dashboard) -> None:
    page.with_panel(
        number(
            "Alerts",
            f"count({_FIRING}) or vector(0)",
            "That fire now. Each has a runbook in docs/runbooks.",
            bad_from=1,
        )
    ).with_panel(
        number(
            "Errors, an hour",
            "photo:api_errors:ratio_rate1h",
            "Share of the requests to /v1 that were answered 5xx. Promised: 0.1 %.",
            unit="percentunit",
            bad_from=0.0144,
            nothing="no traffic",
        )
    ).with_panel(
        number(
            "Late texts, an hour",
            "photo:late_texts:ratio_rate1h",
            "Share of the texts that took more than a minute. Promised: 1 %.",
            unit="percentunit",
            bad_from=0.144,
            nothing="no traffic",
        )
    ).with_panel(
        number(
            "Unfinished jobs",
            f"sum(max by (status, step) ({fresh('photo_jobs_unfinished')}))",
            "Accepted, and not ended.",
            nothing="not counted",
        )
    ).with_panel(
        number(
            "Oldest job",
            f"max({fresh('photo_jobs_oldest_age_seconds')})",
            "How long ago the oldest unfinished job was accepted.",
            unit="s",
            bad_from=900,
            nothing="not counted",
        )
    ).with_panel(
        number(
            "Workers",
            'sum(up{job="photo-worker"}) or vector(0)',
            "Processes that answer Prometheus.",
            good_from=1,
        )
    )


def _requests(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Requests",
            {"{{status}}": rate(f"photo_http_requests_total{TO_V1}", "status")},
            "To /v1, by the answer's status. `none`: the client went before it.",
            unit="reqps",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Share of errors",
            {
                "5 min": "photo:api_errors:ratio_rate5m",
                "1 h": "photo:api_errors:ratio_rate1h",
                "6 h": "photo:api_errors:ratio_rate6h",
            },
            "Of the requests to /v1, those answered 5xx. Promised: 0.1 %.",
            unit="percentunit",
        )
    ).with_panel(
        lines(
            "Share of slow answers",
            {
                "5 min": "photo:slow_answers:ratio_rate5m",
                "1 h": "photo:slow_answers:ratio_rate1h",
                "6 h": "photo:slow_answers:ratio_rate6h",
            },
            "Of the requests to /v1, those answered after a second of our own time. "
            "Promised: 1 %.",
            unit="percentunit",
        )
    ).with_panel(
        lines(
            "Time to answer",
            percentiles("photo_http_request_duration_seconds", TO_V1),
            "Of requests to /v1 until an answer began, without what the caller took or "
            "asked to wait.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Slowest routes",
            {
                "{{method}} {{route}}": "topk(5, "
                + quantile(
                    0.95, "photo_http_request_duration_seconds", "method, route", TO_V1
                )
                + ")"
            },
            "Of those to /v1, by the time within which 95 % of their answers began.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Under way",
            {"{{instance}}": "sum by (instance) (photo_http_requests_in_flight)"},
            "Requests that are being answered, streams included.",
        )
    )


def _texts(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Uploads",
            {
                "granted": rate("photo_uploads_granted_total"),
                "arrived": rate("photo_uploads_arrived_total"),
                "expired": rate("photo_uploads_expired_total"),
            },
            "Granted to clients; found when their job came; forgotten unused.",
            unit="ops",
        )
    ).with_panel(
        lines(
            "Jobs that ended",
            {"{{status}}": rate("photo_jobs_ended_total", "status")},
            "By how they ended.",
            unit="ops",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Jobs that failed",
            {"{{code}}": rate('photo_jobs_ended_total{status="failed"}', "code")},
            "By their code: `internal`, `timed_out` and `dependency_unavailable` are "
            "ours, `recognition_failed` may be, the others are their photos'.",
            unit="ops",
        )
    ).with_panel(
        lines(
            "Time to text",
            percentiles("photo_job_duration_seconds", '{status="succeeded"}'),
            "From the acceptance of a job to its text. Promised: a minute for 99 %.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Share of late texts",
            {
                "5 min": "photo:late_texts:ratio_rate5m",
                "1 h": "photo:late_texts:ratio_rate1h",
                "6 h": "photo:late_texts:ratio_rate6h",
            },
            "Of the texts, those that took more than a minute. Promised: 1 %.",
            unit="percentunit",
        )
    )


def _needs(page: Dashboard) -> None:
    page.with_panel(
        states(
            "Dependencies",
            {
                "{{job}} {{dependency}}": "min by (job, dependency) "
                "(photo_dependency_up)"
            },
            "Down where a process gets no answer.",
            good=(1, "up"),
            bad=(0, "down"),
        )
    ).with_panel(
        lines(
            "Connections to Postgres",
            {
                "{{instance}} {{pool}}": 'photo_database_connections{state="busy"} / '
                "on (job, instance, pool) group_left () photo_database_connections_max"
            },
            "Share of those that a process may have which is in use.",
            unit="percentunit",
        )
    ).with_panel(
        lines(
            "Releases",
            {"{{job}} {{version}}": "count by (job, version) (photo_build_info)"},
            "Processes by what they run. Two releases are mixed while it is replaced.",
            stacked=True,
        )
    )
