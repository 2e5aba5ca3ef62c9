"""What a child says to its parent: data, checked on arrival, and never a pickle.

A child that was taken over may say anything. Unpickling it would run its code.
"""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from photo.domain.errors import (
    ContentMismatch,
    CorruptImage,
    ImageTooLarge,
    PhotoError,
    RecognitionFailed,
    Unavailable,
)

T = TypeVar("T")
Sentence = Annotated[str, msgspec.Meta(max_length=400)]

_ERRORS: dict[str, type[PhotoError]] = {
    error.code: error
    for error in (
        ContentMismatch,
        CorruptImage,
        ImageTooLarge,
        RecognitionFailed,
        Unavailable,
    )
}


class ChildBroke(Exception):
    """Our own code failed in a child: a bug."""


class Ready(msgspec.Struct, frozen=True):
    """A child takes calls; `lacking` names the seals that its kernel does not know."""

    lacking: list[Sentence]


class Begun(msgspec.Struct, frozen=True):
    """A call has begun."""


class Done(msgspec.Struct, Generic[T], frozen=True, tag=True):
    result: T


class Refused(msgspec.Struct, frozen=True, tag=True):
    """An error of the domain."""

    code: Sentence
    detail: Sentence


class Broke(msgspec.Struct, frozen=True, tag=True):
    what: Sentence


def answer(work: Callable[..., Any], args: tuple[object, ...]) -> bytes:
    """Do the work, in a child, and say how it ended. Memory errors go through."""
    try:
        return msgspec.msgpack.encode(Done(work(*args)))
    except PhotoError as error:
        return msgspec.msgpack.encode(Refused(error.code, error.detail))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge of the child: its parent decides
        return msgspec.msgpack.encode(Broke(_where(error)))


def result_of(data: bytes, returns: type[T]) -> T:
    """The result, or the error that ended the work; or `msgspec.DecodeError`."""
    answers: Any = Done[returns] | Refused | Broke  # type: ignore[valid-type]  # known when it runs
    said: Done[T] | Refused | Broke = msgspec.msgpack.decode(data, type=answers)
    match said:
        case Done(result):
            return result
        case Refused(code, detail) if code in _ERRORS:
            raise _ERRORS[code](detail)
        case _:
            raise ChildBroke(said.what if isinstance(said, Broke) else said.code)


def _where(error: Exception) -> str:
    """A type and a line of code; the message may hold anything."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} at {at}"[-400:]
