"""Seed points: where a vein begins, ends, or passes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from venoseg.anatomy import BY_NAME
from venoseg.errors import InputError
from venoseg.interchange.vein_names import name_from_text
from venoseg.segmentation import ROLES, Role, Seed

_REMEDY = (
    'write {"points": [{"vessel": "ivc", "role": "central_end", "lps_mm": [x, y, z]}]} or save '
    "the points as markups in 3D Slicer"
)


def read_seeds(path: str | Path) -> tuple[Seed, ...]:
    """Read seed points from venoseg's JSON or a markups file of 3D Slicer (``.mrk.json``).

    In a markups file the vein and the role stand in the label of each point, the vein may stand in
    the list's name instead: ``ivc central_end``, ``left iliac vein peripheral end``. A point
    without a role is a waypoint. Both coordinate systems of Slicer, LPS and RAS, are understood.

    Raises
    ------
    InputError
        When the file is not such JSON, holds no point, or names an unknown vein or role.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("no such seed file", where=path.name) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError("cannot be read as JSON", where=path.name, remedy=_REMEDY) from error
    try:
        seeds = _markups(content) if "markups" in content else _own(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(error.what, where=path.name, remedy=error.remedy) from error
        raise InputError("is not a file of seed points", where=path.name, remedy=_REMEDY) from error
    if not seeds:
        raise InputError("holds no seed point", where=path.name, remedy=_REMEDY)
    return seeds


def _own(content: Any) -> tuple[Seed, ...]:
    return tuple(
        Seed(_vessel(point["vessel"]), _role(point["role"]), _position(point["lps_mm"]))
        for point in content["points"]
    )


def _markups(content: Any) -> tuple[Seed, ...]:
    seeds = []
    for markup in content["markups"]:
        sign = _sign(markup.get("coordinateSystem", "LPS"))
        for point in markup["controlPoints"]:
            if point.get("positionStatus", "defined") != "defined":
                continue
            x, y, z = _position(point["position"])
            words, role = _split_role(str(point.get("label", "")))
            vessel = name_from_text(words) or name_from_text(str(markup.get("name", "")))
            if vessel is None:
                raise InputError(
                    f"the point '{point.get('label', '')}' names no vein",
                    remedy="label the points for example 'ivc central_end'",
                )
            seeds.append(Seed(_vessel(vessel), role, (sign * x, sign * y, z)))
    return tuple(seeds)


def _sign(system: Any) -> float:
    """Return the factor of x and y that brings Slicer's coordinates to LPS."""
    # Slicer before version 5 wrote numbers: 0 for RAS, 1 for LPS.
    if system in ("LPS", "1", 1):
        return 1.0
    if system in ("RAS", "0", 0):
        return -1.0
    raise InputError(f"unknown coordinate system {system}", remedy="save the markups as LPS or RAS")


def _split_role(label: str) -> tuple[str, Role]:
    plain = label.strip().lower().replace("-", "_").replace(" ", "_")
    for role in ROLES:
        if role in plain:
            return plain.replace(role, ""), role
    return plain, "waypoint"


def _vessel(name: Any) -> str:
    if name not in BY_NAME:
        raise InputError(f"'{name}' is not a vein", remedy=f"use one of {', '.join(BY_NAME)}")
    return str(name)


def _role(text: Any) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise InputError(f"'{text}' is not a role", remedy=f"use one of {', '.join(ROLES)}")


def _position(values: Sequence[Any]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    if not all(map(math.isfinite, (x, y, z))):
        raise InputError("a position is not finite", remedy="give x, y, z in LPS mm")
    return x, y, z
