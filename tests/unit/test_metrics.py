"""What a worker counts, and who can read it."""

import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from photo.adapters.metrics.repairs import PrometheusRepairLog
from photo.application.ports import Repair
from photo.entrypoints.metrics import serving_metrics
from photo.entrypoints.settings import Settings

SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)


def settings(port: int | None) -> Settings:
    return type(SETTINGS)(
        **{
            name: getattr(SETTINGS, name)
            for name in SETTINGS.__struct_fields__
            if name != "metrics_port"
        },
        metrics_port=port,
    )


def counted(registry: CollectorRegistry) -> dict[str, float | None]:
    return {
        str(repair): registry.get_sample_value(
            "photo_repairs_total", {"kind": str(repair)}
        )
        for repair in Repair
    }


def test_every_kind_of_repair_is_there_before_the_first() -> None:
    registry = CollectorRegistry()
    PrometheusRepairLog(registry)
    assert counted(registry) == {str(repair): 0 for repair in Repair}


def test_a_repair_is_counted_and_logged() -> None:
    registry = CollectorRegistry()
    repairs = PrometheusRepairLog(registry)
    with capture_logs() as logs:
        repairs.note(Repair.JOB_STARTED, job_id="job_1")
        repairs.note(Repair.PHOTO_DELETED, count=37)
    found = {kind: count for kind, count in counted(registry).items() if count}
    assert found == {"job_started": 1, "photo_deleted": 37}
    assert logs == [
        {"event": "repaired", "log_level": "info"}
        | {"kind": "job_started", "count": 1, "job_id": "job_1"},
        {"event": "repaired", "log_level": "info"}
        | {"kind": "photo_deleted", "count": 37},
    ]


def test_files_that_nothing_explains_are_one_error() -> None:
    registry = CollectorRegistry()
    with capture_logs() as logs:
        PrometheusRepairLog(registry).note(Repair.ARTIFACT_WITHOUT_ROW, count=37)
    assert counted(registry)["artifact_without_row"] == 37
    assert logs == [
        {"event": "artifacts_without_rows", "log_level": "error", "count": 37}
    ]


def test_what_is_beyond_repair_is_an_error() -> None:
    with capture_logs() as logs:
        PrometheusRepairLog(CollectorRegistry()).note(
            Repair.RESULT_DAMAGED, job_id="job_1", files=["text.json"]
        )
    assert logs == [
        {"event": "result_damaged", "log_level": "error"}
        | {"job_id": "job_1", "files": ["text.json"]}
    ]


def test_metrics_are_served_on_their_port_meanwhile() -> None:
    registry = CollectorRegistry()
    repairs = PrometheusRepairLog(registry)
    with capture_logs() as logs, serving_metrics(registry, settings(0)):
        url = f"http://127.0.0.1:{logs[0]['port']}/metrics"
        repairs.note(Repair.JOB_STARTED)
        families = text_string_to_metric_families(httpx.get(url, timeout=60).text)
        (family,) = (each for each in families if each.name == "photo_repairs")
    samples = {
        sample.labels["kind"]: sample.value
        for sample in family.samples
        if sample.name == "photo_repairs_total"
    }
    assert samples["job_started"] == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_no_port_is_opened_that_nobody_asked_for() -> None:
    with capture_logs() as logs, serving_metrics(CollectorRegistry(), SETTINGS):
        assert logs == []


def test_a_taken_port_ends_the_process_with_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        port = taken.getsockname()[1]
        with (
            pytest.raises(SystemExit) as ending,
            serving_metrics(CollectorRegistry(), settings(port)),
        ):
            pytest.fail("The port is taken.")
    assert ending.value.code == 1
    assert logs[0]["event"] == "metrics_port_unusable"
    assert logs[0]["reason"] == "Address already in use"
