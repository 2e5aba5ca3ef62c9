"""A port of its own for those who watch a process: its metrics, and whatever else."""

import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from io import StringIO
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog

from photo.adapters.metrics.exposition import CONTENT_TYPE, Exposition
from photo.entrypoints.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)


class Page(NamedTuple):
    body: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK


#: By path. Called in a thread for each request, while the event loop goes on, or hangs.
Pages = Mapping[str, Callable[[], Page]]

_TEXT = "text/plain; charset=utf-8"
_NOT_FOUND = Page(b"Not found\n", _TEXT, HTTPStatus.NOT_FOUND)
_BROKE = Page(b"Something broke here.\n", _TEXT, HTTPStatus.INTERNAL_SERVER_ERROR)

#: After so long at most it is noticed that serving is to end, by who waits for it.
_POLL_SECONDS = 0.05


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without asking for the machine's name, which a silent resolver holds up."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, *_: object) -> None:
        """Bugs do not come so far: only what clients do."""
        log.debug("metrics_client_lost", reason=type(sys.exception()).__name__)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    #: Seconds that a client may keep silent.
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Nobody wants a line for each scrape."""

    def get_stderr(self) -> StringIO:
        """Where wsgiref writes tracebacks of clients that are gone: for nobody."""
        return StringIO()


@contextmanager
def serving_metrics(
    exposition: Exposition, settings: Settings, pages: Pages | None = None
) -> Iterator[None]:
    """Answer Prometheus on a port of its own, if there is to be one."""
    if settings.metrics_port is None:
        yield
        return
    known = {"/metrics": lambda: metrics_page(exposition), **(pages or {})}
    kind = _Server6 if ":" in settings.host else _Server
    try:
        server = make_server(
            settings.host, settings.metrics_port, _app(known), kind, _Handler
        )
    except OSError as error:
        log.error("metrics_port_unusable", reason=error.strerror)  # noqa: TRY400 # the reason says it all
        sys.exit(1)
    log.info("metrics_served", host=settings.host, port=server.server_port)
    thread = Thread(
        target=server.serve_forever,
        args=(_POLL_SECONDS,),
        name="metrics",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics_page(exposition: Exposition) -> Page:
    return Page(exposition.text(), CONTENT_TYPE)


def _app(
    pages: Pages,
) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    def answer(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        page = _made(pages, environ["PATH_INFO"])
        status = f"{page.status.value} {page.status.phrase}"
        start_response(
            status,
            [
                ("Content-Type", page.content_type),
                ("Content-Length", str(len(page.body))),
            ],
        )
        return [page.body]

    return answer


def _made(pages: Pages, path: str) -> Page:
    make = pages.get(path)
    if make is None:
        return _NOT_FOUND
    try:
        return make()
    except Exception:  # the edge of the thread
        log.exception("page_broke", path=path)
        return _BROKE
