"""A child process: it bounds itself, loads what it needs, and answers calls.

Requests are pickles from its parent. Answers are data with their length before them.
"""

import os
import pickle
import sys
from typing import Any, BinaryIO

import msgspec

from photo.adapters.imaging.answers import Begun, Ready, answer
from photo.adapters.imaging.box import bound, cpu_at_most, seal

#: The exit code of a child that could not have the memory it wanted.
EXIT_OUT_OF_MEMORY = 77


def main() -> None:
    requests = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    start = _next(requests)
    if start is None:
        return
    parent, limits, load, scratch = start
    bound(parent, limits)
    load()
    _fall_silent()
    _say(answers, msgspec.msgpack.encode(Ready(seal(scratch))))
    while call := _next(requests):
        work, args, cpu_seconds = call
        _say(answers, msgspec.msgpack.encode(Begun()))
        try:
            with cpu_at_most(cpu_seconds):
                said = answer(work, args)
            _say(answers, said)
        except MemoryError:
            # After a failed allocation nothing in here is to be trusted.
            os._exit(EXIT_OUT_OF_MEMORY)


def load_models() -> None:
    """And everything else that takes time, or reads files which are hidden later."""
    from PIL import AvifImagePlugin  # noqa: PLC0415 - heavy

    from photo.adapters.imaging import (  # noqa: PLC0415 - heavy
        decode,  # noqa: F401
        headers,  # noqa: F401
        lines,  # noqa: F401
        upright,  # noqa: F401
    )
    from photo.adapters.imaging.ocr import models  # noqa: PLC0415 - heavy

    models()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _next(requests: BinaryIO) -> Any:
    """What the parent asks for, or None: it has gone, perhaps in mid-sentence."""
    try:
        return pickle.load(requests)  # noqa: S301 - its parent's
    except (EOFError, pickle.UnpicklingError):
        return None


def _fall_silent() -> None:
    """Decoders write about photos; nobody is to read it."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _say(answers: BinaryIO, data: bytes) -> None:
    answers.write(len(data).to_bytes(4, "big") + data)
    answers.flush()
