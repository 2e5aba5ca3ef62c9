"""What a process counts, and who can read it."""

import socket
import struct
import threading
from collections.abc import Callable
from threading import Thread
from time import perf_counter, sleep

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from photo.adapters.metrics.exposition import Exposition, merged
from photo.adapters.metrics.repairs import PrometheusRepairLog
from photo.application.ports import Repair
from photo.entrypoints.metrics_server import Page, _Handler, serving_metrics
from photo.entrypoints.settings import Settings

SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)

Output = pytest.CaptureFixture[str]

NOTHING = Exposition(CollectorRegistry())


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
    with capture_logs() as logs, serving_metrics(Exposition(registry), settings(0)):
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
    with capture_logs() as logs, serving_metrics(NOTHING, SETTINGS):
        assert logs == []


def test_a_taken_port_ends_the_process_with_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        port = taken.getsockname()[1]
        with (
            pytest.raises(SystemExit) as ending,
            serving_metrics(NOTHING, settings(port)),
        ):
            pytest.fail("The port is taken.")
    assert ending.value.code == 1
    assert logs[0]["event"] == "metrics_port_unusable"
    assert logs[0]["reason"] == "Address already in use"


def test_nothing_else_is_served_but_what_was_given() -> None:
    pages = {"/healthz": lambda: Page(b"{}", "application/json")}
    with capture_logs() as logs, serving_metrics(NOTHING, settings(0), pages):
        url = f"http://127.0.0.1:{logs[0]['port']}"
        health = httpx.get(f"{url}/healthz")
        nothing = httpx.get(f"{url}/")
    assert (health.status_code, health.text) == (200, "{}")
    assert health.headers["Content-Type"] == "application/json"
    assert nothing.status_code == 404


def test_no_machines_name_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_: str = "") -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(socket, "getfqdn", ask)
    with capture_logs() as logs, serving_metrics(NOTHING, settings(0)):
        answer = httpx.get(f"http://127.0.0.1:{logs[0]['port']}/metrics")
    assert answer.status_code == 200


def test_the_end_of_serving_is_not_waited_for() -> None:
    since = perf_counter()
    for _ in range(5):
        with serving_metrics(NOTHING, settings(0)):
            pass
    assert perf_counter() - since < 1.5


def test_a_page_that_breaks_is_told_of_and_answered(capsys: Output) -> None:
    def broken() -> Page:
        raise ZeroDivisionError

    pages = {"/healthz": broken}
    with capture_logs() as logs, serving_metrics(NOTHING, settings(0), pages):
        answer = httpx.get(f"http://127.0.0.1:{logs[0]['port']}/healthz")
    assert answer.status_code == 500
    assert logs[1:] == [
        {"event": "page_broke", "log_level": "error"}
        | {"path": "/healthz", "exc_info": True}
    ]
    assert capsys.readouterr().err == ""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_client_that_is_gone_before_it_asks_leaves_no_traceback(
    capsys: Output,
) -> None:
    with capture_logs() as logs, serving_metrics(NOTHING, settings(0)):
        address = ("127.0.0.1", logs[0]["port"])
        with socket.create_connection(address) as client:
            client.sendall(b"GET /metrics HT")
            reset(client)
        until(lambda: len(logs) > 1)
    assert logs[1:] == [
        {"event": "metrics_client_lost", "log_level": "debug"}
        | {"reason": "ConnectionResetError"}
    ]
    assert capsys.readouterr().err == ""


def test_a_client_that_keeps_silent_leaves_no_traceback(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Handler, "timeout", 0.05)
    with (
        capture_logs() as logs,
        serving_metrics(NOTHING, settings(0)),
        socket.create_connection(("127.0.0.1", logs[0]["port"])),
    ):
        until(lambda: len(logs) > 1)
    assert [log.get("reason") for log in logs[1:]] == ["TimeoutError"]
    assert capsys.readouterr().err == ""


def test_a_client_that_takes_no_answer_leaves_no_traceback(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Handler, "timeout", 0.05)
    pages = {"/large": lambda: Page(bytes(50_000_000), "text/plain")}
    with capture_logs() as logs, serving_metrics(NOTHING, settings(0), pages):
        before = threading.active_count()
        with socket.create_connection(("127.0.0.1", logs[0]["port"])) as client:
            client.sendall(b"GET /large HTTP/1.0\r\n\r\n")
            client.recv(1)
            until(lambda: threading.active_count() == before)
    assert capsys.readouterr().err == ""


def until(happened: Callable[[], bool]) -> None:
    patience = perf_counter() + 60
    while not happened():
        assert perf_counter() < patience
        sleep(0.005)


def test_what_the_sdk_shows_follows() -> None:
    sdk = CollectorRegistry()
    Counter("temporal_request", "Requests.", registry=sdk).inc(7)
    own = CollectorRegistry()
    PrometheusRepairLog(own)
    with capture_logs() as logs, serving_metrics(Exposition(sdk), settings(0)):
        address = f"127.0.0.1:{logs[0]['port']}"
        text = Exposition(own, address).text().decode()
    names = [family.name for family in text_string_to_metric_families(text)]
    assert names[0] == "photo_repairs"
    assert "temporal_request" in names


def test_without_a_client_of_temporals_there_are_only_our_own() -> None:
    registry = CollectorRegistry()
    PrometheusRepairLog(registry)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with capture_logs() as logs:
        assert Exposition(registry, address).text() == Exposition(registry).text()
    assert logs == []


def test_an_sdk_that_says_nothing_sensible_costs_only_its_own_metrics() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd, capture_logs() as logs:
        address = f"127.0.0.1:{odd.getsockname()[1]}"

        def answer() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"what?\r\n\r\n")

        answering = Thread(target=answer)
        answering.start()
        assert Exposition(CollectorRegistry(), address).text() == b""
        answering.join()
    assert [entry["event"] for entry in logs] == ["sdk_metrics_unreadable"]


def test_of_a_metric_it_is_said_once_what_it_is() -> None:
    one = "# HELP a What it is.\n# TYPE a counter\na 1\n"
    other = (
        '# HELP a Another word.\n# TYPE a counter\na{b="c"} 2\n# TYPE d gauge\nd 3\n'
    )
    assert "".join(merged(one, other)) == (
        '# HELP a What it is.\n# TYPE a counter\na 1\na{b="c"} 2\n# TYPE d gauge\nd 3\n'
    )
