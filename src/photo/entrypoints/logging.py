"""Logs: JSON lines in production, readable lines elsewhere; configured once."""

import logging
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from photo.domain.characters import visible
from photo.entrypoints.levels import LogLevels

# Local variables may hold secrets and photos' text, and so may what errors say.
_TRACEBACK = ExceptionDictTransformer(show_locals=False)
_SAYS = ("exc_value", "exc_notes", "syntax_error")

#: They quote what they do not understand, secrets too, and tell of every failed attempt
#: at length: we log what comes of it ourselves.
_QUIET = {
    "opentelemetry": logging.ERROR,
    "opentelemetry.exporter": logging.CRITICAL,
    "temporalio.activity": logging.ERROR,
    "urllib3": logging.ERROR,
}

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


class _Lines:
    """Writes each event as a line of its own, or lines that belong to one."""

    def __init__(self, name: str = "photo") -> None:
        self.name = name
        self._stream = sys.stderr

    def msg(self, line: str) -> None:
        # What the line is about has happened, whether or not it can be told.
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = exception = msg


def configure_logging(
    levels: LogLevels, *, as_json: bool, seen_by: Sequence[Processor] = ()
) -> None:
    """Send structlog's and the libraries' records to standard error, in one form.

    `seen_by` are shown every event before it is written.
    """
    render = [*seen_by, *(_as_json() if as_json else _for_people())]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_logger_name,
            _stamp,
            *render,
        ],
        wrapper_class=_filtering(levels),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                _first_line_of_asyncio,
                _stamp,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, level in {"photo": levels.rest, **levels.modules}.items():
        logging.getLogger(name).setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
    threading.excepthook = _tell_of_thread


def _tell_of_thread(died: threading.ExceptHookArgs) -> None:
    if died.exc_type is not SystemExit:
        log = structlog.get_logger(__name__)
        log.error("thread_broke", exc_info=died.exc_value)


def _filtering(levels: LogLevels) -> Any:
    """A class of loggers, as structlog sees it: each has the level of its module."""

    def make(
        logger: _Lines, processors: Sequence[Processor], context: dict[str, Any]
    ) -> Any:
        kind: Any = structlog.make_filtering_bound_logger(levels.of(logger.name))
        return kind(logger, processors, context)

    return make


def _as_json() -> list[Processor]:
    return [
        structlog.processors.ExceptionRenderer(_types_and_places),
        structlog.processors.JSONRenderer(),
    ]


def _types_and_places(exc_info: ExcInfo) -> list[dict[str, Any]]:
    return _silenced(_TRACEBACK(exc_info))


def _silenced(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: [*map(_silenced, value)] if name == "exceptions" else value
            for name, value in stack.items()
            if name not in _SAYS
        }
        for stack in stacks
    ]


def _first_line_of_asyncio(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The others show the task, and with it what its exception says."""
    if event["logger"] == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _for_people() -> list[Processor]:
    return [
        _write_out,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=_indented_traceback
        ),
    ]


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _write_out(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep each event on its line, and let nothing pass that a terminal would obey."""
    return {
        visible(name): visible(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _indented_traceback(to: TextIO, error: ExcInfo) -> None:
    """Set a traceback off: only an event begins at the left."""
    told = StringIO()
    structlog.dev.plain_traceback(told, error)
    to.write("\n    ".join(map(visible, told.getvalue().split("\n"))))
