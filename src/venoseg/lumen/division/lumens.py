"""Several lumens of one vein in a station's plane, each with a contour of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from venoseg.lumen.geometry.contours import Shapes, centroids_mm, measure_shapes
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.volume import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Lumens:
    """All lumens of the stations that have more than one: k lumens.

    Attributes
    ----------
    stations
        (k,) number of the station each lies in, in ascending order; the largest of a station first.
    contours_mm
        (k, m, 2) outlines in (across, upward) mm from the station.
    area_interval_mm2, minimum_interval_mm
        (k, 2) ends of the 95 % intervals of area and least width; NaN where there is none.
    shapes
        Figures of the outlines.
    """

    stations: npt.NDArray[np.intp]
    contours_mm: FloatArray
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    shapes: Shapes

    @classmethod
    @cache
    def none(cls) -> Lumens:
        """Return no lumen."""
        contours = np.empty((0, CONTOUR_POINTS, 2))
        ends = np.empty((0, 2))
        return cls(np.empty(0, dtype=np.intp), contours, ends, ends, measure_shapes(contours))

    @classmethod
    def of_station(
        cls,
        station: int,
        contours_mm: FloatArray,
        area_interval_mm2: FloatArray,
        minimum_interval_mm: FloatArray,
    ) -> Lumens:
        """Return the lumens of one station, the largest first."""
        shapes = measure_shapes(contours_mm)
        order = np.argsort(-shapes.area_mm2, kind="stable")
        return cls(
            np.full(len(order), station),
            contours_mm[order],
            area_interval_mm2[order],
            minimum_interval_mm[order],
            shapes.part(order),
        )

    def without(self, stations: BoolArray) -> Lumens:
        """Return the lumens that do not lie in some of (n,) stations."""
        keep = ~stations[self.stations]
        return Lumens(
            self.stations[keep],
            self.contours_mm[keep],
            self.area_interval_mm2[keep],
            self.minimum_interval_mm[keep],
            self.shapes.part(keep),
        )

    def joined(self, other: Lumens) -> Lumens:
        """Return these lumens and those of other stations."""
        order = np.argsort(np.concatenate([self.stations, other.stations]), kind="stable")

        def both(one: npt.NDArray[np.generic], more: npt.NDArray[np.generic]) -> FloatArray:
            return np.concatenate([one, more])[order]

        figures = (
            both(getattr(self.shapes, f.name), getattr(other.shapes, f.name))
            for f in fields(Shapes)
        )
        return Lumens(
            np.concatenate([self.stations, other.stations])[order],
            both(self.contours_mm, other.contours_mm),
            both(self.area_interval_mm2, other.area_interval_mm2),
            both(self.minimum_interval_mm, other.minimum_interval_mm),
            Shapes(*figures),
        )

    def at(self, station: int) -> slice:
        """Return where the lumens of a station stand."""
        first, stop = np.searchsorted(self.stations, [station, station + 1])
        return slice(int(first), int(stop))

    @property
    def centers_mm(self) -> FloatArray:
        """(k, 2) centres of area in (across, upward) mm from the station."""
        return centroids_mm(self.contours_mm)
