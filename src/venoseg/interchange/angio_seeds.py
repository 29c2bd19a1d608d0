"""Seeds on a radiograph: points in pixels that say which vein to measure, and from where to where.

``{"points": [{"role": "central_end", "column": 250, "row": 40}, ...]}``; roles are `central_end`,
`waypoint` and `peripheral_end`. Points may name a ``vessel``; those that do not belong together.
A named vein without ``central_end`` begins where it joins one of the veins that have both ends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from venoseg.anatomy import NAMES
from venoseg.angiography.venogram import UNNAMED, Way
from venoseg.errors import InputError

_ORDER = {"central_end": 0, "waypoint": 1, "peripheral_end": 2}


def read_angio_seeds(path: Path) -> tuple[Way, ...]:
    """Read seeds; waypoints keep the order in which they stand.

    Raises
    ------
    InputError
        When the file cannot be read, or its points do not say from where to where.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            "the seeds cannot be read", where=path.name, remedy="give a JSON file of points"
        ) from error
    points = content.get("points") if isinstance(content, dict) else None
    if not isinstance(points, list) or not points:
        raise InputError("the seeds hold no points", where=path.name)
    grouped: dict[str, list[tuple[int, float, float]]] = {}
    for number, point in enumerate(points, start=1):
        vessel, order, column, row = _point(point, f"{path.name}, point {number}")
        grouped.setdefault(vessel, []).append((order, column, row))
    ways = tuple(_way(vessel, found, path.name) for vessel, found in grouped.items())
    if all(way.joins for way in ways):
        raise InputError(f"{ways[0].vessel} needs one central_end", where=path.name)
    return ways


def _point(point: Any, where: str) -> tuple[str, int, float, float]:
    if not isinstance(point, dict) or point.get("role") not in _ORDER:
        raise InputError(
            "a point needs a role", where=where, remedy=f"write one of {', '.join(_ORDER)}"
        )
    vessel = point.get("vessel", UNNAMED)
    if vessel != UNNAMED and vessel not in NAMES:
        raise InputError(
            "the vessel is not known", where=where, remedy=f"one of {', '.join(NAMES)}"
        )
    numbers = [point.get(axis) for axis in ("column", "row")]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise InputError("a point needs the numbers column and row", where=where)
    column, row = (float(n) for n in numbers if n is not None)
    if not np.isfinite([column, row]).all():
        raise InputError("a point needs finite numbers", where=where)
    return str(vessel), _ORDER[point["role"]], column, row


def _way(vessel: str, points: list[tuple[int, float, float]], where: str) -> Way:
    roles = [order for order, _, _ in points]
    joins = roles.count(0) == 0 and vessel != UNNAMED
    if (roles.count(0) != 1 and not joins) or roles.count(2) != 1:
        raise InputError(f"{vessel} needs one central_end and one peripheral_end", where=where)
    ordered = sorted(points, key=lambda point: point[0])
    return Way(vessel, np.array([[column, row] for _, column, row in ordered]), joins)
