"""Values of a manifest, each checked; what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from venoseg.anatomy import BY_NAME
from venoseg.errors import InputError

_Part = TypeVar("_Part")


def each(
    content: Mapping[str, Any],
    key: str,
    where: str,
    read: Callable[[Mapping[str, Any], str], _Part],
) -> list[_Part]:
    """Return what a function reads from every table of a list."""
    listed = content.get(key, [])
    if not isinstance(listed, list):
        raise InputError(f"{key} is no list", where=where, remedy=f"write [[{key}]]")
    return [
        read(as_table(one, key, where), f"{where}, {key[:-1]} {n}")
        for n, one in enumerate(listed, start=1)
    ]


def needed(content: Mapping[str, Any], key: str, where: str) -> Any:
    """Return the value of a key that must be there."""
    if key not in content:
        raise InputError(f"'{key}' is missing", where=where, remedy=f"write {key} = ...")
    return content[key]


def as_table(value: object, name: str, where: str) -> Mapping[str, Any]:
    """Return a table."""
    if not isinstance(value, dict):
        raise InputError(f"{name} is no table", where=where, remedy="write key = value lines")
    return value


def as_text(value: object, name: str, where: str, *, empty: bool = False) -> str:
    """Return a text without spaces around it."""
    if not isinstance(value, str) or not (value.strip() or empty):
        raise InputError(f"{name} needs a text", where=where)
    return value.strip()


def as_bool(value: object, name: str, where: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} needs true or false", where=where)
    return value


def as_day(value: object, where: str) -> int:
    """Return a whole number of days."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("day needs a whole number of days", where=where)
    return value


def size_of(one: Mapping[str, Any], name: str, most: float, where: str) -> float | None:
    """Return a size in mm that may be missing."""
    value = one.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise InputError(f"{name} needs a number between 0 and {most:g}", where=where)
    return float(value)


def as_vein(value: object, where: str) -> str:
    """Return the name of a vein."""
    if value not in BY_NAME:
        raise InputError(
            f"'{str(value)[:40]}' is not a vein", where=where, remedy=f"use {', '.join(BY_NAME)}"
        )
    return str(value)


def optional_file(one: Mapping[str, Any], key: str, folder: Path, where: str) -> Path | None:
    """Return a path beside the manifest that may be missing."""
    value = one.get(key)
    return None if value is None else existing(as_text(value, key, where), folder, where)


def existing(text: str, folder: Path, where: str) -> Path:
    """Return a path that stands relative to the manifest."""
    path = folder / text
    if not path.exists():
        raise InputError(f"there is no '{text[:80]}' beside the manifest", where=where)
    return path


def as_place(value: object, name: str, where: str) -> tuple[float, float, float]:
    """Return a place in LPS mm."""
    numbers = value if isinstance(value, list) else []
    told = [float(n) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(numbers) != 3 or len(told) != 3 or not all(abs(mm) < 1e5 for mm in told):
        raise InputError(
            f"the landmark {name[:40]} needs three numbers",
            where=where,
            remedy="write its place in the image as [x, y, z], LPS mm",
        )
    return told[0], told[1], told[2]
