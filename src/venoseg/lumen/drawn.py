"""Contours that a person drew, in place of those that were found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.errors import MeasurementError
from venoseg.lumen.geometry.contours import areas_mm2, resample_closed
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.volume import BoolArray, FloatArray

# The word by which a station's flags say that a person, not the program, decided on its edge.
DRAWN = "manual_contour"

# A drawing whose points lie farther than this from the station's plane belongs elsewhere.
_OFF_PLANE_MM = 2.0

_LEAST_POINTS = 4
_LEAST_AREA_MM2 = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What was drawn at n stations.

    Attributes
    ----------
    contours_mm
        (n, m, 2) in (across, upward) mm from the station; NaN where nothing was drawn.
    """

    contours_mm: FloatArray

    @classmethod
    def nothing(cls, count: int) -> Drawn:
        """Return stations at which nothing was drawn."""
        return cls(np.full((count, CONTOUR_POINTS, 2), np.nan))

    @property
    def stations(self) -> BoolArray:
        """(n,) True where something was drawn."""
        drawn: BoolArray = ~np.isnan(self.contours_mm[:, 0, 0])
        return drawn

    def with_contour(self, curve: Curve, station: int, outline_lps_mm: FloatArray | None) -> Drawn:
        """Return what was drawn, with another outline at a station; None takes it back.

        Raises
        ------
        MeasurementError
            When the outline holds no area or lies outside of the station's plane.
        """
        contours = self.contours_mm.copy()
        contours[station] = np.nan
        if outline_lps_mm is not None:
            contours[station] = _in_plane(curve, station, np.asarray(outline_lps_mm, dtype=float))
        return replace(self, contours_mm=contours)

    def replace(
        self,
        contours_mm: FloatArray,
        half_mm: FloatArray,
        from_image: BoolArray,
        flags: list[list[str]],
    ) -> None:
        """Put what was drawn in the place of what was found.

        A person's line has no interval: how well people draw is not known here.
        """
        where = self.stations
        contours_mm[where] = self.contours_mm[where]
        half_mm[where] = np.nan
        from_image[where] = False
        for n in np.flatnonzero(where):
            flags[n].append(DRAWN)


def _in_plane(curve: Curve, station: int, outline: FloatArray) -> FloatArray:
    where = f"position {curve.position_mm[station]:.1f} mm"
    if outline.ndim != 2 or outline.shape[1:] != (3,) or len(outline) < _LEAST_POINTS:
        raise MeasurementError(
            f"a drawn contour needs at least {_LEAST_POINTS} points in space",
            where=where,
            remedy="draw a closed line around the lumen",
        )
    offset = outline - curve.points_lps_mm[station]
    if not np.isfinite(offset).all() or np.abs(offset @ curve.tangents[station]).max() > (
        _OFF_PLANE_MM
    ):
        raise MeasurementError(
            "the drawn contour does not lie in the plane across the vein",
            where=where,
            remedy="draw it in the view across the vein at this station",
        )
    flat = np.column_stack([offset @ curve.across[station], offset @ curve.upward[station]])
    area = areas_mm2(flat[None])
    if not abs(area[0]) >= _LEAST_AREA_MM2:
        raise MeasurementError(
            "the drawn contour holds no area",
            where=where,
            remedy="draw a closed line around the lumen",
        )
    contour: FloatArray = resample_closed([flat], CONTOUR_POINTS)[0]
    return contour
