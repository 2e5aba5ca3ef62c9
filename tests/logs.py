"""The log as processes have it, for a while."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from photo.entrypoints.levels import LogLevels
from photo.entrypoints.logging import configure_logging


@contextmanager
def as_before() -> Iterator[None]:
    """Whatever is configured meanwhile."""
    root, ours = logging.getLogger(), logging.getLogger("photo")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        structlog.reset_defaults()


@contextmanager
def logged_as_json() -> Iterator[None]:
    with as_before():
        configure_logging(LogLevels(), as_json=True)
        yield
