"""The figures of a vein's stations at one visit, as the comparison of visits needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from venoseg.followup.verdict import Figure
from venoseg.followup.visit import CtVisit
from venoseg.tables import Row
from venoseg.volume import FloatArray

# Figures of a station, each with the columns of its interval.
STATION_FIGURES = {
    "lumen_area_mm2": ("lumen_area_low_mm2", "lumen_area_high_mm2"),
    "minimum_diameter_mm": ("minimum_diameter_low_mm", "minimum_diameter_high_mm"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Stations:
    """All n stations of one vein at one visit.

    Attributes
    ----------
    rows
        Of the table of cross-sections, from the vein's central end.
    common_half_mm
        (n,) the part of the half width of a diameter's interval that another visit shares.
    """

    rows: Sequence[Row]
    common_half_mm: FloatArray

    @classmethod
    def of(cls, visit: CtVisit, vessel: str) -> Stations:
        """Return the stations of a vein; none where the visit does not show it."""
        profiles = [p for p in visit.found.profiles if p.vessel == vessel]
        common = profiles[0].common_half_mm if profiles else np.zeros(0)
        return cls(visit.stations(vessel), common)

    @property
    def step_mm(self) -> float:
        """Distance of the stations."""
        return number(self.rows[1], "position_mm") - number(self.rows[0], "position_mm")

    def at(self, position_mm: float) -> int:
        """Return the station next to a position."""
        return min(round(position_mm / self.step_mm), len(self.rows) - 1)

    def figure(self, n: int, quantity: str) -> Figure | None:
        """Return a figure of a station, 0 where the vein is shut; None where not measured."""
        row = self.rows[n]
        if row["state"] == "occluded":
            return Figure(0.0, 0.0, 0.0)
        value = row[quantity]
        if value is None:
            return None
        low, high = (row[name] for name in STATION_FIGURES[quantity])
        return Figure(
            float(value),
            None if low is None else float(low),
            None if high is None else float(high),
            self._common(n, quantity),
        )

    def value(self, n: int, quantity: str) -> float:
        """Return the value of `figure`; NaN where not measured."""
        found = self.figure(n, quantity)
        return float("nan") if found is None else found.value

    def varied(self, quantity: str) -> Varied:
        """Return how a figure varies along the vein."""
        values = [self.value(n, quantity) for n in range(len(self.rows))]
        return Varied(np.array(values), self.step_mm)

    def _common(self, n: int, quantity: str) -> float:
        half_mm = float(self.common_half_mm[n])
        if not quantity.endswith("_mm2"):
            return half_mm
        # An area grows by its circle's rim times half of what the diameter grows by.
        return half_mm * float(np.sqrt(np.pi * number(self.rows[n], "lumen_area_mm2")))


@dataclass(frozen=True, slots=True, eq=False)
class Varied:
    """A figure along a vein, to tell how much it varies about a station."""

    values: FloatArray
    step_mm: float

    def within(self, n: int, apart_mm: float) -> float:
        """Return how much the figure varies within a distance of a station."""
        reach = max(1, int(np.ceil(apart_mm / self.step_mm)))
        near = self.values[max(0, n - reach) : n + reach + 1]
        if not np.isfinite(near).any() or not np.isfinite(self.values[n]):
            return 0.0
        most = float(np.nanmax(np.abs(near - self.values[n])))
        return most * min(1.0, apart_mm / (reach * self.step_mm))


def number(row: Row, name: str) -> float:
    """Return a number of a row; NaN where it has none."""
    value = row[name]
    return float("nan") if value is None else float(value)
