"""`photo read` on URLs, against a service on loopback that may be hostile."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from photo.domain.formats import Format
from photo.entrypoints.cli import main
from tests.makers import photo_bytes

PHOTO = str(Path(sys.executable).with_name("photo"))
TEXT = "Hello\nphoto\t1 €\f2"
#: Clears the screen, sets the title, answers back, turns the text around.
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b6n\x1b[31mb\u202ec\u2028d\re\x08f\nghi"
SHOWN = r"a\x1b[2J\x1b]0;owned\x07\x9b6n\x1b[31mb\u202ec\u2028d\re\x08fghi"


class Service(ThreadingHTTPServer):
    """Answers every job at once: with a text, or as the file's name asks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.text = TEXT
        self.sent: list[dict[str, Any]] = []
        self.forms: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(body)
        if path == "/v1/uploads":
            return {"id": "upl_1", "url": f"{self.url}/bucket", "fields": {"key": "k"}}
        job: dict[str, Any] = {"id": "job_1", "status": "succeeded", "error": None}
        if "gone" in body["source"].get("url", ""):
            error = {"code": "url_unreachable", "detail": f"It is away. {HOSTILE}"}
            job |= {"status": "failed", "error": error}
        return job


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        made = {} if self.path == "/bucket" else json.loads(body)
        answer = made and self.server.answer(self.path, made)
        self._send(json.dumps(answer), "application/json")

    def do_GET(self) -> None:
        form = self.headers["Accept"]
        self.server.forms.append(form)
        text = self.server.text
        as_json = json.dumps({"text": text, "pages": []}, ensure_ascii=False)
        self._send(as_json if form == "application/json" else text, form)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, text: str, form: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{form}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with the service known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOTO_API_URL", service.url)
    monkeypatch.setenv("PHOTO_API_KEY", "pk_1_secret")
    return tmp_path


def read(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `photo read` in pipes."""
    ended = CliRunner().invoke(main, ["read", *arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def read_bytes(*arguments: str) -> tuple[int, bytes]:
    ended = CliRunner().invoke(main, ["read", *arguments])
    return ended.exit_code, ended.stdout_bytes


def read_on_a_terminal(*arguments: str) -> str:
    """What a terminal gets from `photo read`."""
    terminal, end = pty.openpty()
    written = b""
    command = [PHOTO, "read", *arguments]
    with subprocess.Popen(command, stdout=end, stderr=subprocess.DEVNULL):
        os.close(end)
        while chunk := _chunk(terminal):
            written += chunk
    os.close(terminal)
    return written.decode()


def _chunk(terminal: int) -> bytes:
    """More; Linux ends a terminal that nobody has open with an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def test_a_url_is_read_by_the_service(service: Service) -> None:
    url = "https://photos.test/a%20b.jpg?token=c4n4ry#top"
    assert read(url) == (0, f"{TEXT}\n", "")
    assert service.sent == [{"source": {"type": "url", "url": url}}]


@pytest.mark.parametrize("scheme", ["http", "https", "HTTPS"])
def test_urls_and_files_may_be_mixed(service: Service, home: Path, scheme: str) -> None:
    (home / "a.jpg").write_bytes(photo_bytes())
    code, out, err = read(f"{scheme}://photos.test/b.jpg", "a.jpg", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [line["source"] for line in lines] == [
        f"{scheme.lower()}://photos.test/b.jpg",
        "a.jpg",
    ]
    assert {line["text"] for line in lines} == {TEXT}


def test_a_url_that_failed_is_named_without_its_secrets(home: Path) -> None:
    gone = "https://me:c4n4ry@photos.test:444/gone.jpg?token=c4n4ry#c4n4ry"
    code, out, err = read(gone, "https://photos.test/b.jpg")
    assert (code, out) == (1, f"{TEXT}\n")
    [line] = err.splitlines()
    named = "photo: https://photos.test:444/gone.jpg: url_unreachable: It is away. "
    assert line.startswith(named)
    assert line.isprintable()

    code, out, err = read(gone, "--json", "--output", "out")
    failed = json.loads(out)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "url_unreachable")
    assert "c4n4ry" not in out + err
    assert not (home / "out").exists()


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/a.jpg?x=/b.png", "a.jpg.txt"),
        ("/a/b/", "b.txt"),
        ("", "photo.txt"),
        ("/..", "photo.txt"),
        ("/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd.txt"),
        ("/..%5C..%5Cboot.ini", "boot.ini.txt"),
        ("/a%0d%0a%1b%5b2J%00.jpg", "a[2J.jpg.txt"),
        ("/photo%E2%80%AEgpj.exe", "photogpj.exe.txt"),
        ("/%ff.jpg", "\ufffd.jpg.txt"),
        ("/.ssh", "ssh.txt"),
        ("/" + "%F0%9F%93%B7" * 100 + ".jpg", "📷" * 62 + ".jp.txt"),
        ("/" + "x" * 300, "x" * 251 + ".txt"),
    ],
)
def test_the_text_of_a_url_is_written_into_the_folder(
    home: Path, path: str, file: str
) -> None:
    output = home / "1" / "out"
    url = f"https://photos.test{path}"
    assert read(url, "--output", str(output)) == (0, "", "")
    written = [each for each in home.rglob("*") if each.is_file()]
    assert written == [output / file]
    assert written[0].read_text(encoding="utf-8") == TEXT


def test_urls_that_would_be_written_to_one_file_are_refused(service: Service) -> None:
    urls = [f"https://{host}.test/1.jpg?key=c4n4ry" for host in ("a", "b")]
    code, out, err = read(*urls, "--output", "out")
    assert (code, out) == (2, "")
    told = " ".join(err.split())
    assert "https://a.test/1.jpg and https://b.test/1.jpg would be" in told
    assert "c4n4ry" not in told
    assert service.sent == []


def test_a_url_that_is_none_is_a_usage_error() -> None:
    code, out, err = read("https://[c4n4ry/a.jpg")
    assert (code, out) == (2, "")
    assert "malformed" in err
    assert "c4n4ry" not in err


def test_a_pipe_gets_the_text_untouched(service: Service) -> None:
    service.text = HOSTILE
    code, out, _ = read("https://photos.test/a.jpg")
    assert (code, out) == (0, f"{HOSTILE}\n")


@pytest.mark.parametrize("options", [[], ["--json"], ["--format", "json"]])
def test_a_terminal_gets_nothing_that_it_would_obey(
    service: Service, options: list[str]
) -> None:
    service.text = HOSTILE
    urls = ["https://photos.test/a\x1b[2J.jpg", "https://photos.test/gone.jpg"]
    written = read_on_a_terminal(*urls, *options)
    for ours in ("\x1b[2m", "\x1b[0m", "\r\n"):
        written = written.replace(ours, "")
    assert written.isprintable()
    assert r"\x9b6n" in written
    if not options:
        assert written == rf"── https://photos.test/a\x1b[2J.jpg{SHOWN}"


def test_a_file_may_be_called_anything(service: Service, home: Path) -> None:
    name = os.fsdecode(b"a\n\x1b[2J\xe2\x80\xae\xff.jpg")
    (home / name).write_bytes(photo_bytes())
    code, out, err = read(name, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["source"] == r"a\n\x1b[2J\u202e\udcff.jpg"
    assert service.sent[0]["filename"] == "a[2J.jpg"
    code, out, err = read(f"{name}.png")
    assert (code, out) == (2, "")
    assert r"\x1b[2J" in err


@pytest.mark.parametrize("form", [Format.HOCR, Format.ALTO, Format.TEXTRACT])
def test_every_format_is_printed(service: Service, form: Format) -> None:
    service.text = f"<{form}>"
    code, out, err = read("https://photos.test/a.jpg", "--format", form.value)
    assert (code, out, err) == (0, f"<{form}>\n", "")
    assert service.forms == [form.media_type]


def test_a_pipe_gets_a_pdf_as_it_is(service: Service) -> None:
    service.text = "%PDF-1.7\n\x00\x1b[2J"
    code, out = read_bytes("https://photos.test/a.jpg", "--format", "pdf")
    assert (code, out) == (0, service.text.encode())


@pytest.mark.parametrize("form", Format)
def test_every_format_is_written_into_the_folder(
    service: Service, home: Path, form: Format
) -> None:
    (home / "b.jpg").write_bytes(photo_bytes())
    urls = ["https://photos.test/a.jpg", "b.jpg"]
    assert read(*urls, "--format", form.value, "--output", "out") == (0, "", "")
    assert {path.name for path in (home / "out").iterdir()} == {
        f"a.jpg.{form.extension}",
        f"b.jpg.{form.extension}",
    }
    assert "Hello" in (home / "out" / f"a.jpg.{form.extension}").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["https://photos.test/a.jpg", "https://photos.test/b.jpg", "--format", "pdf"],
        ["https://photos.test/a.jpg", "--format", "pdf", "--json"],
        ["https://photos.test/a.jpg", "--format", "hocr", "--json"],
    ],
)
def test_what_cannot_be_printed_needs_a_folder(
    service: Service, home: Path, arguments: list[str]
) -> None:
    code, out, err = read(*arguments)
    assert (code, out) == (2, "")
    assert "--output" in err
    assert service.sent == []
    code, out, _ = read(*arguments, "--output", "out")
    assert code == 0
    assert [json.loads(line)["text"] for line in out.splitlines()] == (
        [None] if "--json" in arguments else []
    )


def test_a_terminal_gets_no_pdf(service: Service) -> None:
    assert read_on_a_terminal("https://photos.test/a.jpg", "--format", "pdf") == ""
    assert service.sent == []
