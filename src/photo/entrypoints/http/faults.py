"""What msgspec found wrong with a value, as a JSON pointer and a sentence."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import msgspec
from msgspec import Raw, Struct
from msgspec.inspect import (
    EnumType,
    FrozenSetType,
    ListType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from photo.domain.characters import visible
from photo.domain.errors import ValidationFailed
from photo.entrypoints.http.bodies import FORMS

_PLACE = re.compile(r" - at (?:`key` in )?`\$(.*)`$", re.DOTALL)
_ENTRY = re.compile(r" - at (?:`key` in `\$\.(\w+)`|`\$\.(\w+)\[\.\.\.\]`)$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.+)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex (.+)")
_CHOICE = re.compile(r"Invalid (?:enum )?value (.+)", re.DOTALL)
# msgspec shows a pattern as Python would.
_FORMS = {repr(pattern): words for pattern, words in FORMS.items()}
_TYPES = {"int": "integer", "str": "string", "float": "number", "bool": "boolean"}
#: How much of what the caller sent is shown again.
_SHOWN = 100
#: Among how many entries of a map the one at fault is looked for.
_SEARCHED = 100


class Fault(Struct, frozen=True):
    pointer: str
    detail: str


def fault_of(message: str, kind: object, *, at: str = "", body: bytes = b"") -> Fault:
    """Translate a message of msgspec about a value of a type that lies at a pointer.

    With the JSON that it was decoded from, an entry of a map is named, too.
    """
    place = _PLACE.search(message)
    what = _PLACE.sub("", message)
    within = _pointer(place[1]) if place else ""
    pointer = at + within + _entry_at_fault(message, kind, body)
    if missing := _MISSING.fullmatch(what):
        return Fault(f"{pointer}/{missing[1]}", f"The field {missing[1]} is required.")
    if unknown := _UNKNOWN.fullmatch(what):
        name = unknown[1][:_SHOWN]
        return Fault(f"{pointer}/{_escaped(name)}", f"There is no field {name!r} here.")
    path = visible(".".join(map(_unescaped, pointer.split("/")[1:])))
    subject = f"{path}: " if path else ""
    if choice := _CHOICE.fullmatch(what):
        accepted = ", ".join(_choices(kind, within))
        what = f"{visible(choice[1][:_SHOWN])} is not one of {accepted}."
    else:
        what = _sentence(what)
    return Fault(pointer, subject + what)


def invalid(
    error: msgspec.ValidationError, kind: object, *, at: str = "", body: bytes = b""
) -> ValidationFailed:
    """The refusal of a value of a type that lies at a pointer."""
    fault = fault_of(str(error), kind, at=at, body=body)
    return ValidationFailed(fault.detail, pointer=fault.pointer)


def unknown_parameter(name: str) -> ValidationFailed:
    shown = name[:_SHOWN]
    return ValidationFailed(
        f"There is no parameter {shown!r} here.", pointer=f"/{_escaped(shown)}"
    )


def missing_parameter(name: str) -> ValidationFailed:
    return ValidationFailed(f"The parameter {name} is required.", pointer=f"/{name}")


def unfit_parameter(name: str, what: str) -> ValidationFailed:
    shown = name[:_SHOWN]
    return ValidationFailed(f"{visible(shown)}: {what}", pointer=f"/{_escaped(shown)}")


def _sentence(what: str) -> str:
    if pattern := _PATTERN.fullmatch(what):
        return f"Expected {_FORMS[pattern[1]]}."
    for python, json in _TYPES.items():
        what = re.sub(rf"\b{python}\b", json, what)
    return what.replace("`", "").replace(" | ", " or ") + "."


def _pointer(path: str) -> str:
    """`.source.items[0]` is `/source/items/0`; `[...]` is some member, unnamed."""
    steps = _STEP.findall(path.replace("[...]", ""))
    return "".join(f"/{name or index}" for name, index in steps)


def _entry_at_fault(message: str, kind: object, body: bytes) -> str:
    """The last step of the pointer to what msgspec calls `$.map[...]`, if it does.

    It is the entry that alone gets the same message.
    """
    if not body or not (place := _ENTRY.search(message)):
        return ""
    name = place[1] or place[2]
    with suppress(msgspec.DecodeError, RecursionError):
        fields = msgspec.json.decode(body, type=dict[str, Raw])
        entries = msgspec.json.decode(fields[name], type=dict[str, Raw])
        for key, value in islice(entries.items(), _SEARCHED):
            alone = msgspec.json.encode({name: {key: value}})
            if _refusal(alone, kind) == message:
                return f"/{_escaped(key[:_SHOWN])}"
    return ""


def _refusal(body: bytes, kind: object) -> str | None:
    try:
        msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _choices(kind: object, pointer: str) -> list[str]:
    """What may stand at a pointer: an enum's values, or the tags of a union."""
    types = [*_members(type_info(kind))]
    for step in pointer.split("/")[1:]:
        if step.isdigit():
            # What is in a list or set counts as a type of the whole.
            continue
        structs = [each for each in types if isinstance(each, StructType)]
        if tags := [str(each.tag) for each in structs if each.tag_field == step]:
            return tags
        fields = [field for each in structs for field in each.fields]
        types = [
            member
            for field in fields
            if field.encode_name == step
            for member in _members(field.type)
        ]
    enums = [each.cls for each in types if isinstance(each, EnumType)]
    return [str(member.value) for enum in enums for member in enum]


def _members(kind: Type) -> Iterator[Type]:
    """The types of a union, and what a list or set of them has in it."""
    for each in kind.types if isinstance(kind, UnionType) else (kind,):
        yield each
        if isinstance(each, FrozenSetType | ListType):
            yield from _members(each.item_type)


def _escaped(name: str) -> str:
    """RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
