"""The calibre along a vein, with intervals, the reference, stents and occluded stretches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt

from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.references import ReferenceLine
from venoseg.segmentation import OccludedCourse
from venoseg.volume import BoolArray, FloatArray

AREA, LEAST, GREATEST = "#2f7ed8", "#d9534f", "#5cb85c"
_GRAY = "#8a8a8a"
_UNSEEN = (0, 0, 0, 0)
_OCCLUDED, _STENTED = (200, 60, 60, 50), (80, 220, 255, 28)
# From, to, colour.
Band = tuple[float, float, tuple[int, int, int, int]]

_LOWEST_TOP = {False: 5.0, True: 20.0}


class ProfilePlot:
    """A plot whose items stay, so that new figures cost no more than their points.

    Attributes
    ----------
    areas
        Whether areas are shown in place of diameters.
    """

    def __init__(self) -> None:
        self.areas = False
        self.plot = pg.PlotItem()
        self.plot.setLabel("bottom", "mm from the central end")
        # Not `pen=None`: a line without a pen has no path that could be filled.
        self.ends = [pg.PlotDataItem(pen=_UNSEEN, connect="finite") for _ in range(2)]
        self.interval = pg.FillBetweenItem(*self.ends)
        self.reference = pg.PlotDataItem(
            pen=pg.mkPen("#bbbbbb", style=Qt.PenStyle.DotLine), connect="finite"
        )
        self._referred = False
        self.lines = {color: pg.PlotDataItem(connect="finite") for color in (LEAST, GREATEST, AREA)}
        self.mark = pg.InfiniteLine(angle=90, pen=pg.mkPen("#00c8ff"))
        for item in (*self.ends, self.interval, self.reference, *self.lines.values(), self.mark):
            self.plot.addItem(item)
        self._bands: list[pg.LinearRegionItem] = []
        self._banded: list[Band] = []
        self._shown: tuple[VesselProfile | None, bool] = (None, False)
        self.clear()

    @property
    def legend(self) -> str:
        """What the colours and the dotted line are."""
        reference = " &nbsp; &middot;&middot;&middot; reference" if self._referred else ""
        if self.areas:
            return f"<span style='color:{AREA}'>area</span>{reference}"
        return (
            f"<span style='color:{GREATEST}'>max</span> "
            f"<span style='color:{AREA}'>from area</span> "
            f"<span style='color:{LEAST}'>min</span>{reference}"
        )

    def toggle_areas(self) -> None:
        """Show areas in place of diameters, or the other way round."""
        self.areas = not self.areas
        self._shown = (None, False)

    def clear(self) -> None:
        """Show no vein."""
        self._shown = (None, False)
        for item in (*self.ends, *self.lines.values(), self.reference):
            item.clear()
        self.interval.hide()
        self._referred = False
        self._draw_bands([])

    def draw(
        self,
        profile: VesselProfile,
        reference: ReferenceLine | None,
        occluded: Sequence[OccludedCourse],
        *,
        stale: bool,
    ) -> None:
        """Draw a vein; in gray dashes and without the interval when its figures are old."""
        if self._shown[0] is not profile:
            self._draw_figures(profile)
            self._draw_reference(profile, reference)
        if self._shown != (profile, stale):
            style = Qt.PenStyle.DashLine if stale else Qt.PenStyle.SolidLine
            for color, line in self.lines.items():
                line.setPen(pg.mkPen(_GRAY if stale else color, width=2, style=style))
            self.interval.setVisible(not stale)
        self._shown = (profile, stale)
        marked = [
            ends_mm(profile, course) for course in occluded if course.vessel == profile.vessel
        ]
        shut = [*marked, *shut_mm(profile, marked)]
        bands: list[Band] = [(*ends, _OCCLUDED) for ends in shut]
        bands += [(*ends, _STENTED) for ends in stented_mm(profile)]
        self._draw_bands(bands)

    def _draw_figures(self, profile: VesselProfile) -> None:
        position, shapes = profile.branch.curve.position_mm, profile.shapes
        values = {LEAST: shapes.minimum_mm, GREATEST: shapes.maximum_mm, AREA: shapes.equivalent_mm}
        interval, color = profile.minimum_interval_mm, LEAST
        if self.areas:
            values = {AREA: shapes.area_mm2}
            interval, color = profile.area_interval_mm2, AREA
        for name, line in self.lines.items():
            line.setData(position, values[name]) if name in values else line.clear()
        for n, end in enumerate(self.ends):
            end.setData(position, interval[:, n])
        self.interval.setBrush((*pg.mkColor(color).getRgb()[:3], 60))
        self.plot.setLabel("left", "mm²" if self.areas else "mm")
        top = max(_finite_top(list(values.values())), _LOWEST_TOP[self.areas])
        self.plot.setYRange(0, 1.25 * top, padding=0)

    def _draw_reference(self, profile: VesselProfile, reference: ReferenceLine | None) -> None:
        """Draw what stenoses are measured against."""
        if reference is None or not np.isfinite(reference.areas_mm2).any():
            self.reference.clear()
            self._referred = False
            return
        areas, position = reference.areas_mm2, profile.branch.curve.position_mm
        values = areas if self.areas else 2.0 * np.sqrt(areas / np.pi)
        self.reference.setData(position, values)
        self._referred = True

    def _draw_bands(self, bands: list[Band]) -> None:
        """Shade stretches."""
        if self._banded == bands:
            return
        for region in self._bands:
            self.plot.removeItem(region)
        self._banded = bands
        self._bands = [
            pg.LinearRegionItem((first, last), movable=False, brush=colour, pen=_UNSEEN)
            for first, last, colour in bands
        ]
        for region in self._bands:
            region.setZValue(-10)
            self.plot.addItem(region)

    def shaded(self) -> list[tuple[float, float]]:
        """Return where the shaded stretches begin and end, in mm."""
        return [(first, last) for first, last, _ in self._banded]


def ends_mm(profile: VesselProfile, course: OccludedCourse) -> tuple[float, float]:
    """Return where along its vein an occluded stretch begins and ends."""
    curve = profile.branch.curve
    first, last = (
        float(curve.position_mm[int(np.linalg.norm(curve.points_lps_mm - end, axis=1).argmin())])
        for end in course.points_lps_mm[[0, -1]]
    )
    return min(first, last), max(first, last)


def shut_mm(
    profile: VesselProfile, marked: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return where a vein was found to be shut, beside the stretches marked so."""
    if not profile.shut:
        return []
    position = profile.branch.curve.position_mm
    shut = np.array([state in ("occluded", "bridged") for state in profile.shut])
    for first, last in marked:
        shut &= (position < first) | (position > last)
    return [(float(position[a]), float(position[b])) for a, b in _runs(shut)]


def stented_mm(profile: VesselProfile) -> list[tuple[float, float]]:
    """Return where the stents in a vein begin and end."""
    if profile.stent is None:
        return []
    position = profile.branch.curve.position_mm
    return [(float(position[a]), float(position[b])) for a, b in _runs(profile.stent.covered)]


def _runs(where: BoolArray) -> list[tuple[int, int]]:
    """Return first and last index of every stretch that is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def _finite_top(values: Sequence[FloatArray]) -> float:
    whole = np.concatenate(values)
    return float(np.nanmax(whole)) if np.isfinite(whole).any() else 0.0
