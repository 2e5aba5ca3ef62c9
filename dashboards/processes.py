"""What the processes themselves need, and whether they can be seen."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.panels import lines


def processes(page: Dashboard) -> None:
    of = "{{job}} {{instance}}"
    page.with_panel(
        lines(
            "Processors",
            {of: 'rate(process_cpu_seconds_total{job=~"photo-.+"}[$__rate_interval])'},
            "In use, without child processes.",
        )
    ).with_panel(
        lines(
            "Memory",
            {of: 'process_resident_memory_bytes{job=~"photo-.+"}'},
            "Without child processes.",
            unit="bytes",
        )
    ).with_panel(
        lines(
            "Open files",
            {of: 'process_open_fds{job=~"photo-.+"}'},
            "Connections included. Three quarters of `ulimit -n` are the API's bound.",
        )
    ).with_panel(
        lines(
            "Room for photos",
            {"{{instance}}": "photo_scratch_free_bytes"},
            "Free where photos are worked on (`TMPDIR`).",
            unit="bytes",
        )
    ).with_panel(
        lines(
            "Age of the counts",
            {
                of: "photo_snapshot_age_seconds",
                f"{of} dependencies": "photo_dependency_asked_age_seconds",
            },
            "How old what is said of jobs and deliveries is, and of dependencies.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Lost to those who watch, an hour",
            {
                "{{job}} {{of}}": "sum by (job, of) "
                "(increase(photo_telemetry_lost_total[1h]))"
            },
            "Spans and reports of bugs that could not be sent.",
        )
    )
