"""Records whose fields are arrays with a value for each of n stations, or such records again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def part_of(record: T, keep: slice) -> T:
    """Return some stations of a record."""

    def kept(value: Any) -> Any:
        return part_of(value, keep) if is_dataclass(value) else value[keep]

    return _made(record, [kept(value) for value in _values(record)])


def with_stations(record: T, stations: slice, part: T) -> T:
    """Return a record with other ``stations``, those of ``part``; the first one stays as it is."""

    def renewed(value: Any, new: Any) -> Any:
        if is_dataclass(value):
            return with_stations(value, stations, new)
        array = np.copy(value)
        array[stations] = new
        return array

    pairs = zip(_values(record), _values(part), strict=True)
    return _made(record, [renewed(value, new) for value, new in pairs])


def _values(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in fields(record)]


def _made(record: T, values: list[Any]) -> T:
    return type(record)(*values)
