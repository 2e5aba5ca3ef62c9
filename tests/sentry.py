"""A server that takes error reports as Sentry's does, by its envelope protocol."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """What it was sent, as it came and read."""

    def __init__(self) -> None:
        self.dsn = ""
        self.status = 200
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.raw: list[bytes] = []
        #: Answers nobody before it may.
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def items(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and content of all that was in the envelopes."""
        found = []
        for envelope in self.raw:
            _, *lines = envelope.splitlines()
            for header, content in zip(lines[::2], lines[1::2], strict=True):
                found.append((json.loads(header)["type"], json.loads(content)))
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        assert {kind for kind, _ in self.items} <= {"event"}
        return [content for _, content in self.items]


@contextmanager
def error_sink() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            sink.may_answer.wait(60)
            sink.paths.append(self.path)
            sink.keys.append(self.headers["X-Sentry-Auth"])
            sink.raw.append(body)
            self.send_response(sink.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            """Not at all."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.dsn = f"http://apublickey@127.0.0.1:{server.server_port}/42"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield sink
    finally:
        sink.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
