"""From which level on events are logged: everywhere, and where modules differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

import photo

Level = Literal["debug", "info", "warning", "error"]

_LEVELS = get_args(Level)
_OURS = "photo"
_PACKAGE = Path(photo.__file__).parent


class UnfitLevels(ValueError):
    """Levels that cannot be used; its text says what is wrong with which part."""


@dataclass(frozen=True, slots=True)
class LogLevels:
    rest: Level = "info"
    #: By the name of a module of ours, for all in it.
    modules: Mapping[str, Level] = field(default_factory=dict)

    def of(self, logger: str) -> Level:
        """What holds for a logger: its own level, or that of the nearest package."""
        name = logger
        while name:
            if name in self.modules:
                return self.modules[name]
            name = name.rpartition(".")[0]
        return self.rest


def parse_levels(text: str) -> LogLevels:
    """Read `info,photo.adapters.s3=debug`, or raise `UnfitLevels`."""
    if faults := [*_faults(text)]:
        raise UnfitLevels(" ".join(faults))
    parts = (part.rpartition("=") for part in _parts(text))
    levels = {module: cast("Level", level.lower()) for module, _, level in parts}
    return LogLevels(levels.pop("", "info"), levels)


def _parts(text: str) -> list[str]:
    return ["=".join(map(str.strip, part.split("="))) for part in text.split(",")]


def _faults(text: str) -> Iterator[str]:
    """What is wrong, by place: what stands there may have been meant for elsewhere."""
    seen = set()
    for place, part in enumerate(_parts(text), start=1):
        module, is_one, level = part.rpartition("=")
        if level.lower() not in _LEVELS:
            yield f"Part {place} is no level of {', '.join(_LEVELS)}."
        elif is_one and not _is_ours(module):
            yield f"Part {place} names no module such as photo.adapters.s3."
        elif module in seen:
            yield f"Part {place} is about what has a level already."
        seen.add(module)


def _is_ours(module: str) -> bool:
    """Others' loggers stay as they are: AWS's, asked for more, tells signatures."""
    first, *names = module.split(".")
    if first != _OURS or not all(name.isidentifier() for name in names):
        return False
    place = _PACKAGE.joinpath(*names)
    return place.is_dir() or place.with_suffix(".py").is_file()
