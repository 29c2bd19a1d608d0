"""Seed points: where a vein begins, ends, or passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["central_end", "peripheral_end", "waypoint"]

ROLES: tuple[Role, ...] = ("central_end", "peripheral_end", "waypoint")


@dataclass(frozen=True, slots=True)
class Seed:
    """One seed point.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`.
    role
        ``central_end``, ``peripheral_end`` or ``waypoint``.
    lps_mm
        (x, y, z) in patient millimetres.
    """

    vessel: str
    role: Role
    lps_mm: tuple[float, float, float]
