"""Logs: JSON lines in production, readable lines elsewhere; configured once."""

import logging
import sys
from io import StringIO
from typing import TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from photo.domain.characters import visible

# Local variables may hold secrets and photos' text.
_TRACEBACK = ExceptionDictTransformer(show_locals=False)

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


class _Lines:
    """Writes each event as a line of its own, or lines that belong to one."""

    def __init__(self, name: str = "photo") -> None:
        self.name = name
        self._stream = sys.stderr

    def msg(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    debug = info = warning = error = exception = msg


def configure_logging(*, level: str, as_json: bool) -> None:
    """Send structlog's and the libraries' records to standard error, in one form."""
    render = _as_json() if as_json else _for_people()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_logger_name,
            _stamp,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
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
    logging.getLogger("photo").setLevel(level.upper())
    # Every failed attempt once more, with a traceback: the steps log it themselves.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)


def _as_json() -> list[Processor]:
    return [
        structlog.processors.ExceptionRenderer(_TRACEBACK),
        structlog.processors.JSONRenderer(),
    ]


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
