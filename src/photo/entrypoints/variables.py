"""Values of settings from environment variables, which are texts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

import msgspec

from photo.domain.media import LARGEST_FILE, ByteLimits
from photo.entrypoints.levels import LogLevels, UnfitLevels, parse_levels

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Days = Annotated[int, msgspec.Meta(ge=1, le=36500)]


def with_secret_files(
    names: Iterable[str], env: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """What is set, with `NAME_FILE` replaced by the content of the file as `NAME`."""
    given, faults = {}, []
    for variable in names:
        if path := env.get(f"{variable}_FILE"):
            try:
                given[variable] = _secret(Path(path))
            except (OSError, ValueError):
                faults.append(f"{variable}_FILE must name a readable, non-empty file.")
        elif env.get(variable):
            given[variable] = env[variable]
    return given, faults


def _secret(file: Path) -> str:
    if secret := file.read_text(encoding="utf-8").strip():
        return secret
    raise ValueError


def converted(
    cls: type[msgspec.Struct], given: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The fields that are set, and what is wrong with the others: never a value."""
    values: dict[str, Any] = {}
    faults = []
    for field in msgspec.structs.fields(cls):
        variable = field.encode_name.upper()
        if variable not in given:
            continue
        try:
            raw = _raw(given[variable], field.type)
            values[field.name] = msgspec.convert(raw, field.type, strict=False)
        except UnfitLevels as unfit:
            faults.append(f"{variable}: {unfit}")
        except (msgspec.ValidationError, ValueError):
            faults.append(f"{variable} must be {_described(field.type)}.")
    return values, faults


def parts_of(text: str) -> list[str]:
    """Of a comma list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _raw(text: str, kind: Any) -> Any:
    parts = parts_of(text)
    if kind is tuple or get_origin(kind) is tuple:
        return parts
    if kind is LogLevels:
        return parse_levels(text)
    if kind is ByteLimits:
        return {"exceptions": dict(part.split("=") for part in parts)}
    return text.lower() if kind is bool or get_origin(kind) is Literal else text


def _described(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(kind.__args__)
    return {
        ByteLimits: (
            "a comma list of TYPE=BYTES, such as image/tiff=100000000; "
            f"no file may be larger than {LARGEST_FILE}"
        ),
        Count: "a whole number from 1",
        Count | None: "a whole number from 1",
        Days | None: "a number of days from 1",
        Share: "a number from 0 to 1",
        Port: "a port number",
        Port | None: "a port number",
        bool: "true or false",
    }.get(kind, "text")
