"""The words that stand beside the pointer when it moves along a profile."""

from __future__ import annotations

from dataclasses import dataclass

from venoseg.lumen import VesselProfile
from venoseg.lumen.tables.least import least_area
from venoseg.reporting.stretches import step_mm
from venoseg.reporting.words import (
    NOT_MEASURED,
    area_range,
    area_words,
    flag_words,
    length_range,
    length_words,
    reason_of,
)


@dataclass(frozen=True, slots=True)
class Readout:
    """One line of words for every station.

    Attributes
    ----------
    first_mm, step_mm
        Position of the first station and distance of the stations.
    start
        The station to begin with: that of the smallest area, or the first.
    lines
        What is known there.
    """

    first_mm: float
    step_mm: float
    start: int
    lines: tuple[str, ...]


def readout_of(profile: VesselProfile) -> Readout:
    """Return the words of every station of a vein."""
    position = profile.branch.curve.position_mm
    lines = tuple(_line(profile, n) for n in range(len(position)))
    start = least_area(profile).station if profile.measured.any() else 0
    return Readout(float(position[0]), step_mm(profile), start, lines)


def _line(profile: VesselProfile, n: int) -> str:
    where = f"{profile.branch.curve.position_mm[n]:.0f} mm: "
    if not profile.measured[n]:
        return f"{where}{NOT_MEASURED}, {reason_of(profile.flags[n])}"
    shapes = profile.shapes
    line = (
        f"{where}area {area_words(shapes.area_mm2[n])} "
        f"({area_range(*profile.area_interval_mm2[n])}), "
        f"minimum diameter {length_words(shapes.minimum_mm[n])} "
        f"({length_range(*profile.minimum_interval_mm[n])}), "
        f"maximum {length_words(shapes.maximum_mm[n])}"
    )
    return "; ".join([line, *map(flag_words, profile.flags[n])])
