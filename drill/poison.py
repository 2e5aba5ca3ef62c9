"""Photos that kill the child which reads them.

Decoders have such bugs, but not for long. What is done with a marked photo, by a real
child in its box, is to read from address 0.
"""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from dishka import Provider, Scope, decorate

from photo.adapters.imaging import ImagingPool

#: At the end of the file.
POISON = b"\n(poison of the drill)"


class Poison(Provider):
    scope = Scope.APP

    @decorate
    def pool(self, inner: ImagingPool) -> ImagingPool:
        return cast(ImagingPool, _Pool(inner))


class _Pool:
    def __init__(self, inner: ImagingPool) -> None:
        self._inner = inner

    async def run(
        self,
        returns: Any,
        work: Callable[..., Any],
        file: Path,
        *args: Any,
        **named: Any,
    ) -> Any:
        if _is_poison(file):
            work = die
        return await self._inner.run(returns, work, file, *args, **named)


def _is_poison(file: Path) -> bool:
    return file.read_bytes().endswith(POISON)


def die(*_: object) -> None:
    ctypes.string_at(0)
