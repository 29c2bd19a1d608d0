"""Along a vein: the straightened image above its profile, on one axis of millimetres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg.centerline.straighten import straighten
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.stenosis import expected_normal
from venoseg.volume import FloatArray
from venoseg_napari.desk import Desk
from venoseg_napari.directions import direction

_PIXEL_MM = 0.5
_BESIDE_MM = 8.0
_MOST_MM = 30.0

AREA, LEAST, GREATEST = "#2f7ed8", "#d9534f", "#5cb85c"
_GRAY = "#8a8a8a"


class Along(QWidget):
    """The vein that is looked at from its central end, with the place looked at."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._limits = (-100.0, 300.0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.widget = pg.GraphicsLayoutWidget()
        layout.addWidget(self.widget)
        self.title = pg.LabelItem("", justify="left")
        self.widget.addItem(self.title, row=0, col=0)
        self.straight = self.widget.addPlot(row=1, col=0)
        self.profile = self.widget.addPlot(row=2, col=0)
        self.profile.setXLink(self.straight)
        self.widget.ci.layout.setRowStretchFactor(2, 2)
        self.widget.ci.layout.setRowStretchFactor(1, 2)
        legend = (
            f"<span style='color:{GREATEST}'>max</span> "
            f"<span style='color:{AREA}'>from area</span> "
            f"<span style='color:{LEAST}'>min</span> diameter"
        )
        self.legend = pg.LabelItem(legend)
        self.legend.setParentItem(self.profile.vb)
        self.legend.anchor((1, 0), (1, 0), offset=(-4, -4))
        self.straight.hideAxis("bottom")
        self.profile.setLabel("left", "mm")
        self.profile.setLabel("bottom", "mm from the central end")
        for plot in (self.straight, self.profile):
            plot.getAxis("left").setWidth(38)
            plot.setMouseEnabled(x=True, y=False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.straight.addItem(self.gray)
        self.marks = [pg.InfiniteLine(angle=90, pen=pg.mkPen("#00c8ff")) for _ in range(2)]
        self.marks[0].setZValue(10)
        self.straight.addItem(self.marks[0])
        self.profile.addItem(self.marks[1])
        self._drawn: list[tuple[pg.PlotItem, Any]] = []
        self.sides = ""
        self._shown: tuple[object, str] = (None, "")
        self.widget.scene().sigMouseClicked.connect(self._clicked)
        desk.station_changed.connect(self._follow)
        desk.figures_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)

    def show_window(self, limits: tuple[float, float]) -> None:
        """Show gray values between two limits."""
        self._limits = limits
        self.gray.setLevels(limits)

    def _follow(self) -> None:
        vessel = self.desk.station[0] if self.desk.station else ""
        if vessel != self._shown[1]:
            self.draw()
            return
        profile = self.desk.profile()
        if profile is not None and self.desk.station is not None:
            at = float(profile.branch.curve.position_mm[self.desk.station[1]])
            for mark in self.marks:
                mark.setPos(at)

    def draw(self) -> None:
        """Draw the vein anew; in gray dashes while its figures are being measured again."""
        for plot, item in self._drawn:
            plot.removeItem(item)
        self._drawn = []
        profile = self.desk.profile()
        if profile is None:
            self._shown = (None, "")
            self.gray.clear()
            words = self.desk.figures.problem or (
                "measuring ..." if self.desk.session else "no case is open"
            )
            self.title.setText(words)
            return
        stale = self.desk.is_stale(profile.vessel)
        title = BY_NAME[profile.vessel].title
        note = "  <span style='color:#d98c00'>being measured again ...</span>" if stale else ""
        if self._shown != (profile.branch.curve, profile.vessel):
            self._draw_straight(profile)
        self._shown = (profile.branch.curve, profile.vessel)
        self.title.setText(f"<b>{title}</b>{self.sides}{note}")
        self._draw_edges(profile)
        self._draw_profile(profile, stale=stale)
        self._follow()

    def _draw_straight(self, profile: VesselProfile) -> None:
        session = self.desk.session
        assert session is not None
        curve = profile.branch.curve
        half = _half_mm(profile)
        offsets = np.arange(-half, half + _PIXEL_MM / 2, _PIXEL_MM)
        values = straighten(session.image.voxels, session.image.grid, curve, curve.across, offsets)
        self.gray.setImage(np.nan_to_num(values, nan=-1024.0), autoLevels=False)
        self.gray.setLevels(self._limits)
        step = float(curve.position_mm[1])
        self.gray.setRect(-step / 2, -half, len(curve) * step, 2 * half)
        self.straight.setXRange(0, curve.length_mm, padding=0.01)
        self.straight.setYRange(-half, half, padding=0)
        top, bottom = direction(curve.across[0]), direction(-curve.across[0])
        self.sides = f", {bottom} (below) to {top} (above)"

    def _draw_edges(self, profile: VesselProfile) -> None:
        position = profile.branch.curve.position_mm
        for edge in crossings_mm(profile.contours_mm).T:
            self._plot(self.straight, position, edge, pen=pg.mkPen("#ffe14d", width=1.5))
        for course in self.desk.session.notes.occluded if self.desk.session else ():
            if course.vessel == profile.vessel:
                ends = [
                    float(
                        position[
                            int(
                                np.linalg.norm(
                                    profile.branch.curve.points_lps_mm - p, axis=1
                                ).argmin()
                            )
                        ]
                    )
                    for p in course.points_lps_mm[[0, -1]]
                ]
                region = pg.LinearRegionItem(ends, movable=False, brush=(200, 60, 60, 50))
                self._add(self.profile, region)

    def _draw_profile(self, profile: VesselProfile, *, stale: bool) -> None:
        position, shapes = profile.branch.curve.position_mm, profile.shapes
        line = Qt.PenStyle.DashLine if stale else Qt.PenStyle.SolidLine
        for values, color, interval in (
            (shapes.minimum_mm, LEAST, profile.minimum_interval_mm),
            (shapes.maximum_mm, GREATEST, None),
            (shapes.equivalent_mm, AREA, None),
        ):
            shade = _GRAY if stale else color
            self._plot(self.profile, position, values, pen=pg.mkPen(shade, width=2, style=line))
            if interval is not None and not stale:
                low, high = (
                    pg.PlotDataItem(position, interval[:, n], pen=None, connect="finite")
                    for n in (0, 1)
                )
                fill = pg.FillBetweenItem(low, high, brush=(*pg.mkColor(color).getRgb()[:3], 60))
                for item in (low, high, fill):
                    self._add(self.profile, item)
        reference = expected_normal(profile.vessel)
        if reference is not None:
            expected = 2.0 * float(np.sqrt(reference.area_mm2 / np.pi))
            pen = pg.mkPen("#999999", style=Qt.PenStyle.DotLine)
            line_item = pg.InfiniteLine(
                expected,
                angle=0,
                pen=pen,
                label="expected",
                labelOpts={"position": 0.12, "color": "#bbbbbb"},
            )
            self._add(self.profile, line_item)
        top = np.nanmax(np.append(shapes.maximum_mm, 5.0))
        self.profile.setYRange(0, float(top) * 1.1, padding=0)

    def _plot(self, plot: pg.PlotItem, x: FloatArray, y: FloatArray, pen: Any) -> None:
        self._add(plot, pg.PlotDataItem(x, y, pen=pen, connect="finite"))

    def _add(self, plot: pg.PlotItem, item: Any) -> None:
        plot.addItem(item)
        self._drawn.append((plot, item))

    def _clicked(self, event: Any) -> None:
        profile = self.desk.profile()
        if profile is None:
            return
        for plot in (self.straight, self.profile):
            if plot.vb.sceneBoundingRect().contains(event.scenePos()):
                at = plot.vb.mapSceneToView(event.scenePos()).x()
                self.desk.go_to(
                    profile.vessel, int(np.abs(profile.branch.curve.position_mm - at).argmin())
                )


def crossings_mm(contours_mm: FloatArray) -> FloatArray:
    """Return (n, 2) where closed contours cross the line across, lowest and highest; NaN if not."""
    along, beside = contours_mm[..., 0], contours_mm[..., 1]
    next_along, next_beside = np.roll(along, -1, axis=1), np.roll(beside, -1, axis=1)
    crosses = ((beside < 0) != (next_beside < 0)) & ~np.isnan(beside)
    share = beside / np.where(crosses, beside - next_beside, 1.0)
    at = along + share * (next_along - along)
    low = np.where(crosses, at, np.inf).min(axis=1)
    high = np.where(crosses, at, -np.inf).max(axis=1)
    found = crosses.any(axis=1)
    return np.where(found[:, None], np.stack([low, high], axis=-1), np.nan)


def _half_mm(profile: VesselProfile) -> float:
    wall = np.abs(profile.contours_mm[profile.measured])
    reach = float(np.nanmax(wall)) if wall.size else profile.branch.half_width_mm
    return min(reach + _BESIDE_MM, _MOST_MM)
