"""`photo top`: a frame of what real adapters count, and what it says of bad URLs."""

import re
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from photo.entrypoints.cli import main
from photo.entrypoints.cli.frame import frame
from photo.entrypoints.scraped import Between, Scrape, parsed
from tests.counting import AProcess, work


def shown(window: Between, silent: dict[str, str] | None = None) -> list[str]:
    console = Console(width=80, file=StringIO())
    with console.capture() as capture:
        console.print(frame(window, silent or {}))
    return capture.get().splitlines()


def has(lines: list[str], *words: str) -> bool:
    """Whether some line has these words after one another."""
    return any(" ".join(words) in " ".join(line.split()) for line in lines)


@pytest.fixture
def busy() -> list[str]:
    process = AProcess()
    before = process.scrape(0)
    work(process)
    return shown(Between(before, process.scrape(30)))


def test_jobs_are_shown_by_step_with_the_oldest(busy: list[str]) -> None:
    assert has(busy, "queued", "1,234", "42 s")
    assert has(busy, "recognize", "2", "5 min")
    assert has(busy, "webhooks", "7", "2 h late")


def test_rates_are_those_between_the_two_looks(busy: list[str]) -> None:
    assert has(busy, "succeeded", "2.0")
    assert has(busy, "requests", "4.0")
    assert has(busy, "5xx of these", "2.0")
    assert has(busy, "repairs", "2.0")


def test_latencies_are_shown_as_percentiles(busy: list[str]) -> None:
    assert has(busy, "to the text", "1", "3.5 s", "4.0 s", "4.0 s")
    assert has(busy, "verify", "0", "2", "3.0 s")
    assert has(busy, "requests", "2", "8 ms")


def test_all_of_it_fits_into_a_small_terminal(busy: list[str]) -> None:
    assert len(busy) <= 24
    assert not [line for line in busy if "…" in line]


def test_errors_are_shown_by_code(busy: list[str]) -> None:
    assert has(busy, "internal", "1", "1")
    assert not has(busy, "corrupt_image")


def test_dependencies_are_shown_with_what_ails_them(busy: list[str]) -> None:
    assert has(busy, "database", "ok")
    assert has(busy, "scanner", "fails for 1 of 1")
    assert has(busy, "raw_bucket", "left alone")


def test_where_nothing_is_counted_a_frame_is_drawn_all_the_same() -> None:
    empty = Scrape(0, {})
    lines = shown(Between(empty, empty), {"http://b": "http://b is away."})
    assert has(lines, "Photo API 0 processes")
    assert has(lines, "http://b is away.")


def test_probes_are_no_requests() -> None:
    process = AProcess()
    before = process.scrape(0)
    process.requests.begun()
    process.requests.ended("GET", "/v1/jobs", 200, 0.007)
    for _ in range(99):
        process.requests.begun()
        process.requests.ended("GET", "/readyz", 503, 2)
    lines = shown(Between(before, process.scrape(60)))
    assert has(lines, "requests", "1", "8 ms")
    assert has(lines, "requests", "1.0")
    assert has(lines, "5xx of these", "0.0")


def test_waits_are_shown_by_queue_and_the_longest_first() -> None:
    process = AProcess()
    before = process.scrape(0)
    for queue, seconds in (("", 0.2), ("-images", 40), ("-scans", 3)):
        process.measures.waited(f"photo{queue}", seconds)
    lines = shown(Between(before, process.scrape(30)))
    waits = re.findall(r"(images|scans|photo) +[\d.]+ m?s", "\n".join(lines))
    assert waits == ["images", "scans", "photo"]


def blind_since(seconds: float, process: AProcess) -> AProcess:
    """It has counted nothing for so long."""
    process.seconds += seconds
    return process


def test_counts_that_are_old_are_told_as_such() -> None:
    process = AProcess()
    work(process)
    blind_since(120, process)
    lines = shown(Between(process.scrape(0), process.scrape(1)))
    assert has(lines, "not counted for 2 min")
    assert has(lines, "Work", "then")
    assert has(lines, "queued", "1,234")


def test_counts_of_seconds_are_those_of_now() -> None:
    process = AProcess()
    blind_since(6, process)
    lines = shown(Between(process.scrape(0), process.scrape(1)))
    assert not has(lines, "not counted")
    assert has(lines, "Work", "now")


def test_a_process_that_counts_no_more_is_not_believed_while_another_counts() -> None:
    blind, seeing = AProcess(), AProcess()
    work(blind)
    blind_since(120, blind)
    told = {"http://a": parsed(blind.text()), "http://b": parsed(seeing.text())}
    now = Scrape(0, told)
    lines = shown(Between(now, now))
    assert has(lines, "queued", "0")
    assert not has(lines, "1,234")
    assert not has(lines, "not counted")


def test_nothing_that_a_process_says_is_obeyed_by_the_terminal() -> None:
    text = 'photo_dependency_up{dependency="\x1b[2J[red]x"} 1\n'
    evil = Scrape(0, {"http://a": parsed(text)})
    lines = shown(Between(evil, evil))
    assert has(lines, r"\x1b[2J[red]x")
    assert "\x1b[2J" not in "".join(lines)


@contextmanager
def answering(body: str, status: int = 200) -> Iterator[str]:
    """A server that answers everything with this; its URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["top", "--once", "--interval=0.1", *arguments])


def test_once_prints_a_frame_of_several_processes() -> None:
    process = AProcess()
    work(process)
    with answering(process.text()) as one, answering(AProcess().text()) as other:
        result = run(one, other)
    assert result.exit_code == 0, result.output
    assert "2 processes" in result.stdout
    assert "1,234" in result.stdout


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("{", 200, "answered something else than metrics."),
        ("", 404, "answered 404: is it a metrics URL?"),
    ],
)
def test_what_is_no_metrics_url_is_told_of(body: str, status: int, told: str) -> None:
    with answering(body, status) as url:
        result = run(url)
    assert result.exit_code == 1
    assert f"{url} {told}" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/metrics", "http://[", "a/b"])
def test_a_url_that_does_not_answer_is_told_of(url: str) -> None:
    result = run(url)
    assert result.exit_code == 1
    assert f"{url} cannot be read: " in result.stderr


def test_one_that_does_not_answer_is_told_of_beside_the_others() -> None:
    with answering(AProcess().text()) as url:
        result = run(url, "http://127.0.0.1:1/metrics")
    assert result.exit_code == 1
    assert "1 process," in result.stdout
    assert "http://127.0.0.1:1/metrics cannot be read: " in result.stdout


@pytest.fixture
def no_port(tmp_path: Path) -> Iterator[CliRunner]:
    """No settings, and a folder of its own."""
    runner = CliRunner(env={"METRICS_PORT": None, "METRICS_PORT_FILE": None})
    with chdir(tmp_path):
        yield runner


def test_without_a_url_the_local_stack_of_this_folder_is_shown(
    no_port: CliRunner,
) -> None:
    with answering(AProcess().text()) as url:
        port = urlsplit(url).port
        folder = Path(".photo")
        folder.mkdir()
        (folder / "metrics.json").write_text(f'{{"api":{port},"worker-1":{port}}}')
        result = no_port.invoke(main, ["top", "--once", "--interval=0.1"])
    assert result.exit_code == 0, result.output
    assert "1 process," in result.stdout


def test_without_a_url_a_port_or_a_stack_the_usage_is_told(no_port: CliRunner) -> None:
    result = no_port.invoke(main, ["top"])
    assert result.exit_code == 2
    assert "or run `photo up` in this folder first" in result.stderr
