"""The cross-section at the station looked at; a click leads there, its outline can be dragged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.interpolation import trilinear
from venoseg.lumen.drawn import DRAWN
from venoseg.lumen.profile import VesselProfile
from venoseg.reporting.words import reason_of, state_words
from venoseg.volume import FloatArray
from venoseg_napari.compass import Compass
from venoseg_napari.desk import Desk
from venoseg_napari.gray_view import GrayView, metal_picture
from venoseg_napari.handles import Handles, rounded
from venoseg_napari.outlines import drag_outline
from venoseg_napari.profile_plot import GREATEST, LEAST
from venoseg_napari.words import Words

_POINTS = 121
_HANDLES = 12
_BESIDE_MM = 10.0
_ANGLES = np.arange(0.0, 180.0, 1.0)
_OUTLINE = pg.mkPen("#ffe14d", width=1.5)
_OLD = pg.mkPen("#8a8a8a", width=1.5, style=Qt.PenStyle.DashLine)
STALE = "<span style='color:#d98c00'>being measured again ...</span>"


class Section(QWidget):
    """Gray values across the vein, the outline, its least and its greatest width."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        # What the gray values shown are of: curve, station and half of the picture's width.
        self._shown: tuple[object, int, float] | None = None
        # The outlines of a station's smaller lumens; only that of the largest can be dragged.
        self._others: list[FloatArray] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.words = Words(lines=4)
        self.widget = pg.GraphicsLayoutWidget()
        layout.addWidget(self.widget)
        layout.addWidget(self.words)
        self.view = _View(self)
        self.widget.addItem(self.view)
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.metal = pg.ImageItem(axisOrder="row-major")
        self.outline = pg.PlotDataItem(pen=_OUTLINE)
        self.least = pg.PlotDataItem(pen=pg.mkPen(LEAST, width=2))
        self.greatest = pg.PlotDataItem(pen=pg.mkPen(GREATEST, width=2))
        self.handles = Handles(self._moving, self._dropped)
        self.spot = pg.ScatterPlotItem(symbol="+", size=12, pen=pg.mkPen("#00c8ff"), brush=None)
        self._figure = (self.outline, self.least, self.greatest, self.handles)
        for item in (self.gray, self.metal, *self._figure, self.spot):
            self.view.addItem(item)
        self.compass = Compass(self.view)
        desk.station_changed.connect(self.draw)
        desk.cursor_changed.connect(self._draw_cursor)
        desk.voxels_changed.connect(self._voxels_changed)
        desk.figures_changed.connect(self._say)
        desk.plots_due.connect(self.draw)
        desk.display.limits_changed.connect(lambda: self.gray.setLevels(desk.display.limits))

    def draw(self) -> None:
        """Draw the section of the desk's station, and say its figures."""
        self._say()
        place = self._place()
        if place is None:
            for item in (self.gray, self.metal, *self._figure, self.spot):
                item.clear()
            self._shown = None
            return
        profile, number = place
        self._draw_image(profile, number)
        self._draw_cursor()
        if not profile.measured[number]:
            for item in self._figure:
                item.clear()
            return
        contour, *self._others = profile.outlines_mm(number)
        self._draw_outline(contour, stale=self.desk.is_stale(profile.vessel))
        self.handles.show(contour[:: max(1, len(contour) // _HANDLES)])

    def _say(self) -> None:
        """Say the figures, without waiting for the picture."""
        place = self._place()
        if place is None:
            self.words.setText("")
        elif self.desk.is_stale(place[0].vessel):
            self.words.setText(STALE)
        elif place[0].measured[place[1]]:
            self.words.setText(figures_of(*place))
        else:
            self.words.setText(unmeasured(*place))

    def look_at(self, across_mm: float, upward_mm: float) -> None:
        """Go to a place in the plane that is shown."""
        place = self._place()
        if place is not None:
            curve, number = place[0].branch.curve, place[1]
            self.desk.look_at(
                curve.points_lps_mm[number]
                + across_mm * curve.across[number]
                + upward_mm * curve.upward[number]
            )

    def _place(self) -> tuple[VesselProfile, int] | None:
        """Return the vein and the station that are shown."""
        profile, station = self.desk.profile(), self.desk.station
        if profile is None or station is None:
            return None
        return profile, min(station[1], len(profile.branch.curve) - 1)

    def _draw_cursor(self) -> None:
        """Mark the place looked at, as seen along the vein."""
        place = self._place()
        if place is None:
            return
        curve, number = place[0].branch.curve, place[1]
        away = self.desk.cursor_lps_mm - curve.points_lps_mm[number]
        self.spot.setData([away @ curve.across[number]], [away @ curve.upward[number]])

    def _voxels_changed(self, layer: str) -> None:
        place = self._place()
        if layer == "stent" and place is not None and self._shown is not None:
            self._draw_metal(self._points(*place))

    def _draw_image(self, profile: VesselProfile, number: int) -> None:
        session = self.desk.session
        assert session is not None
        curve = profile.branch.curve
        wall = np.abs(profile.contours_mm[profile.measured])
        half = float(np.ceil(np.nanmax(wall) if wall.size else 15.0)) + _BESIDE_MM
        shown = (curve, number, half)
        if self._shown == shown:
            return
        self._shown = shown
        points = self._points(profile, number)
        values = trilinear(
            session.image.voxels, np.moveaxis(session.image.grid.to_index(points), -1, 0)
        )
        self.gray.setImage(values, autoLevels=False)
        self.gray.setLevels(self.desk.display.limits)
        self._draw_metal(points)
        pixel = 2 * half / (_POINTS - 1)
        for item in (self.gray, self.metal):
            item.setRect(-half - pixel / 2, -half - pixel / 2, _POINTS * pixel, _POINTS * pixel)
        self.view.setRange(xRange=(-half, half), yRange=(-half, half), padding=0)
        self.compass.point(curve.across[number], curve.upward[number])

    def _points(self, profile: VesselProfile, number: int) -> FloatArray:
        """Return (rows, columns, 3) LPS places of the pixels."""
        assert self._shown is not None
        curve, half = profile.branch.curve, self._shown[2]
        offsets = np.linspace(-half, half, _POINTS)
        points: FloatArray = (
            curve.points_lps_mm[number]
            + offsets[:, None, None] * curve.upward[number]
            + offsets[None, :, None] * curve.across[number]
        )
        return points

    def _draw_metal(self, points: FloatArray) -> None:
        session = self.desk.session
        assert session is not None
        index = session.image.grid.to_index(points)
        self.metal.setImage(metal_picture(trilinear(session.stent, np.moveaxis(index, -1, 0))))

    def _draw_outline(self, contour: FloatArray, *, stale: bool = False) -> None:
        """Draw outlines and their widths; old ones in gray dashes, and without them."""
        lumens = [contour, *self._others]
        lines = joined(lumens)
        self.outline.setPen(_OLD if stale else _OUTLINE)
        self.outline.setData(lines[:, 0], lines[:, 1], connect="finite")
        least, greatest = zip(*map(widths, lumens), strict=True)
        both = min(least, key=_length), max(greatest, key=_length)
        for item, ends in zip((self.least, self.greatest), both, strict=True):
            item.setData(ends[:, 0], ends[:, 1])
            item.setVisible(not stale)

    def _moving(self, points: FloatArray) -> None:
        self._draw_outline(rounded(points))

    def _dropped(self, points: FloatArray) -> None:
        drag_outline(self.desk, rounded(points))


class _View(GrayView):
    """Goes where it is clicked; the wheel leads from station to station."""

    def __init__(self, section: Section) -> None:
        super().__init__(section.desk.display, lockAspect=True)
        self.setMouseEnabled(x=False, y=False)
        self._section = section

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            at = self.mapSceneToView(event.scenePos())
            self._section.look_at(at.x(), at.y())

    def wheelEvent(self, event: Any, _: Any = None) -> None:  # noqa: N802 - Qt's name
        """Go to the next station."""
        event.accept()
        self._section.desk.walk(-1 if event.delta() > 0 else 1)


def figures_of(profile: VesselProfile, number: int) -> str:
    """Say what was measured at a station."""
    shapes, stent = profile.shapes, profile.stent
    low, high = profile.minimum_interval_mm[number]
    interval = f" ({low:.1f} to {high:.1f})" if np.isfinite(low) else ""
    drawn = " drawn by hand" if DRAWN in profile.flags[number] else ""
    inside = ""
    if stent is not None and np.isfinite(stent.area_mm2[number]):
        inside = f", stent {stent.area_mm2[number]:.0f} mm²"
        if np.isfinite(stent.stenosis_percent[number]):
            inside += f", in-stent stenosis {stent.stenosis_percent[number]:.0f} %"
    return (
        f"at {profile.branch.curve.position_mm[number]:.0f} mm{drawn}: "
        f"<span style='color:{LEAST}'>min {shapes.minimum_mm[number]:.1f}</span>{interval} mm, "
        f"<span style='color:{GREATEST}'>max {shapes.maximum_mm[number]:.1f}</span> mm, "
        f"area {shapes.area_mm2[number]:.0f} mm²{inside}"
    )


def unmeasured(profile: VesselProfile, number: int) -> str:
    """Say why nothing was measured at a station."""
    shut = profile.shut[number] if profile.shut else None
    state = f" ({state_words(shut)})" if shut else ""
    where = f"at {profile.branch.curve.position_mm[number]:.0f} mm: not measured"
    return f"{where}{state}: {reason_of(profile.flags[number])}"


def joined(outlines: Iterable[FloatArray]) -> FloatArray:
    """Return (n, 2) closed outlines one after the other, with a gap between them."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for one in outlines for part in (one, one[:1], gap)])


def _length(ends: FloatArray) -> float:
    return float(np.linalg.norm(ends[1] - ends[0]))


def widths(contour: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends, (2, 2) each, of the least and the greatest width of an outline.

    A width is measured between two parallel lines that hold the outline; it is drawn across the
    outline's middle.
    """
    turned = np.deg2rad(_ANGLES)
    axes = np.column_stack([np.cos(turned), np.sin(turned)])
    reach = contour @ axes.T
    low, high = reach.min(axis=0), reach.max(axis=0)
    middle = contour.mean(axis=0)
    ends = []
    for number in (int((high - low).argmin()), int((high - low).argmax())):
        axis = axes[number]
        beside = middle - axis * (axis @ middle)
        ends.append(np.stack([beside + low[number] * axis, beside + high[number] * axis]))
    return ends[0], ends[1]
