"""The diameters along a vein, with the interval, the expected calibre and occluded stretches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt

from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.stenosis import expected_normal
from venoseg.segmentation import OccludedCourse

AREA, LEAST, GREATEST = "#2f7ed8", "#d9534f", "#5cb85c"
LEGEND = (
    f"<span style='color:{GREATEST}'>max</span> "
    f"<span style='color:{AREA}'>from area</span> "
    f"<span style='color:{LEAST}'>min</span> diameter"
)
_GRAY = "#8a8a8a"
_UNSEEN = (0, 0, 0, 0)
_OCCLUDED = (200, 60, 60, 50)


class ProfilePlot:
    """A plot whose items stay, so that new figures cost no more than their points."""

    def __init__(self) -> None:
        self.plot = pg.PlotItem()
        self.plot.setLabel("left", "mm")
        self.plot.setLabel("bottom", "mm from the central end")
        # Not `pen=None`: a line without a pen has no path that could be filled.
        self.ends = [pg.PlotDataItem(pen=_UNSEEN, connect="finite") for _ in range(2)]
        self.interval = pg.FillBetweenItem(*self.ends, brush=(*pg.mkColor(LEAST).getRgb()[:3], 60))
        self.expected = pg.InfiniteLine(
            0.0,
            angle=0,
            pen=pg.mkPen("#999999", style=Qt.PenStyle.DotLine),
            label="expected",
            labelOpts={"position": 0.9, "color": "#bbbbbb"},
        )
        self.lines = {color: pg.PlotDataItem(connect="finite") for color in (LEAST, GREATEST, AREA)}
        self.mark = pg.InfiniteLine(angle=90, pen=pg.mkPen("#00c8ff"))
        for item in (*self.ends, self.interval, self.expected, *self.lines.values(), self.mark):
            self.plot.addItem(item)
        self._occluded: list[pg.LinearRegionItem] = []
        self._shown: tuple[VesselProfile | None, bool] = (None, False)
        self.clear()

    def clear(self) -> None:
        """Show no vein."""
        self._shown = (None, False)
        for item in (*self.ends, *self.lines.values()):
            item.clear()
        self.interval.hide()
        self.expected.hide()
        self._mark_occluded([])

    def draw(
        self, profile: VesselProfile, occluded: Sequence[OccludedCourse], *, stale: bool
    ) -> None:
        """Draw a vein; in gray dashes and without the interval when its figures are old."""
        if self._shown[0] is not profile:
            self._draw_figures(profile)
        if self._shown != (profile, stale):
            style = Qt.PenStyle.DashLine if stale else Qt.PenStyle.SolidLine
            for color, line in self.lines.items():
                line.setPen(pg.mkPen(_GRAY if stale else color, width=2, style=style))
            self.interval.setVisible(not stale)
        self._shown = (profile, stale)
        self._mark_occluded(
            [ends_mm(profile, course) for course in occluded if course.vessel == profile.vessel]
        )

    def _draw_figures(self, profile: VesselProfile) -> None:
        position, shapes = profile.branch.curve.position_mm, profile.shapes
        for color, values in (
            (LEAST, shapes.minimum_mm),
            (GREATEST, shapes.maximum_mm),
            (AREA, shapes.equivalent_mm),
        ):
            self.lines[color].setData(position, values)
        for n, end in enumerate(self.ends):
            end.setData(position, profile.minimum_interval_mm[:, n])
        reference = expected_normal(profile.vessel)
        self.expected.setVisible(reference is not None)
        if reference is not None:
            self.expected.setPos(2.0 * float(np.sqrt(reference.area_mm2 / np.pi)))
        top = np.nanmax(np.append(shapes.maximum_mm, 5.0))
        self.plot.setYRange(0, float(top) * 1.25, padding=0)

    def _mark_occluded(self, stretches: Sequence[tuple[float, float]]) -> None:
        if [region.getRegion() for region in self._occluded] == list(stretches):
            return
        for region in self._occluded:
            self.plot.removeItem(region)
        self._occluded = [
            pg.LinearRegionItem(ends, movable=False, brush=_OCCLUDED) for ends in stretches
        ]
        for region in self._occluded:
            self.plot.addItem(region)


def ends_mm(profile: VesselProfile, course: OccludedCourse) -> tuple[float, float]:
    """Return where along its vein an occluded stretch begins and ends."""
    curve = profile.branch.curve
    first, last = (
        float(curve.position_mm[int(np.linalg.norm(curve.points_lps_mm - end, axis=1).argmin())])
        for end in course.points_lps_mm[[0, -1]]
    )
    return min(first, last), max(first, last)
