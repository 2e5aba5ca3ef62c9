"""Rows and values: every column is named as the field that it holds."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def to_row(value: "DataclassInstance") -> dict[str, Any]:
    """The columns of a value; what is nested in it becomes JSON."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def from_row(row: Mapping[Any, Any], kind: type[T]) -> T:
    return msgspec.convert(row, kind)
