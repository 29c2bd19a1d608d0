"""The straightened image of a vein; its outline can be dragged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt

from venoseg.centerline.curve import Curve
from venoseg.centerline.straighten import straighten
from venoseg.lumen.profile import VesselProfile
from venoseg.segmentation.edits import LabelArray
from venoseg.volume import FloatArray, Grid, Volume
from venoseg_napari.compass import Letter
from venoseg_napari.directions import direction
from venoseg_napari.display import Display
from venoseg_napari.gray_view import GrayView, metal_picture
from venoseg_napari.outlines import Push, pushed_stations

_PIXEL_MM = 0.5
_BESIDE_MM = 8.0
_MOST_MM = 30.0
# An edge is grasped when the mouse is this near to it on the screen ...
_GRASP_PX = 7.0
# ... and may come this near to the other edge.
_APART_MM = 1.0
_EDGE, _HELD = pg.mkPen("#ffe14d", width=1.5), pg.mkPen("#ffffff", width=2)
_OLD = pg.mkPen("#8a8a8a", width=1.5, style=Qt.PenStyle.DashLine)


class Straight:
    """The image along a vein, the edges of its lumen, and the place looked at.

    Parameters
    ----------
    display
        How gray values are shown.
    dropped
        Called with the push that a drag of an edge ends in.
    """

    def __init__(self, display: Display, dropped: Callable[[Push], None]) -> None:
        self._display, self._dropped = display, dropped
        self._curve: Curve | None = None
        self._offsets_mm: FloatArray = np.zeros(1)
        self.profile: VesselProfile | None = None
        self.view = _EdgeView(self, display)
        self.plot = pg.PlotItem(viewBox=self.view)
        self.plot.hideAxis("bottom")
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.edges = [pg.PlotDataItem(pen=_EDGE, connect="finite") for _ in range(2)]
        self.mark = pg.InfiniteLine(angle=90, pen=pg.mkPen("#00c8ff"))
        self.metal = pg.ImageItem(axisOrder="row-major")
        for item in (self.gray, self.metal, *self.edges, self.mark):
            self.plot.addItem(item)
        # Where the upper and the lower side of the picture lie in the patient.
        self.sides = [Letter() for _ in range(2)]
        for side, at in zip(self.sides, (0.0, 1.0), strict=True):
            side.setParentItem(self.view)
            side.anchor((0.0, at), (0.0, at), offset=(2, 0))
        self.edges_mm: FloatArray = np.zeros((0, 2))
        self._push: Push | None = None
        self._stale = False
        display.limits_changed.connect(lambda: self.gray.setLevels(display.limits))

    def clear(self) -> None:
        """Show no vein."""
        self.profile = self._curve = self._push = None
        for side in self.sides:
            side.setText("")
        self.gray.clear()
        self.metal.clear()
        for edge in self.edges:
            edge.clear()

    def draw(
        self, profile: VesselProfile, image: Volume, stent: LabelArray, *, stale: bool
    ) -> None:
        """Draw a vein; the image only when it is another one, old edges in gray dashes."""
        curve = profile.branch.curve
        if self._curve is not curve:
            self._draw_image(profile, image)
            self._curve = curve
            self.draw_metal(image.grid, stent)
        if (self.profile, self._stale) != (profile, stale):
            self.profile, self._stale = profile, stale
            self.edges_mm = crossings_mm(profile.contours_mm)
            self._push = None
            self._draw_edges(self.edges_mm)

    def _draw_image(self, profile: VesselProfile, image: Volume) -> None:
        curve = profile.branch.curve
        half = _half_mm(profile)
        count = round(half / _PIXEL_MM)
        self._offsets_mm = _PIXEL_MM * np.arange(-count, count + 1, dtype=np.float64)
        values = straighten(image.voxels, image.grid, curve, curve.across, self._offsets_mm)
        self.gray.setImage(np.nan_to_num(values, nan=-1024.0), autoLevels=False)
        self.gray.setLevels(self._display.limits)
        self._place(self.gray, curve)
        self.plot.setXRange(0, curve.length_mm, padding=0.01)
        self.plot.setYRange(-half, half, padding=0)
        for side, vector in zip(self.sides, (curve.across[0], -curve.across[0]), strict=True):
            # Setting a text lays the whole view out anew.
            if side.text != direction(vector):
                side.setText(direction(vector))

    def draw_metal(self, grid: Grid, stent: LabelArray) -> None:
        """Mark where the stents are."""
        curve, offsets = self._curve, self._offsets_mm
        if curve is None:
            return
        share = straighten(stent, grid, curve, curve.across, offsets)
        self.metal.setImage(metal_picture(share))
        self._place(self.metal, curve)

    def _place(self, item: pg.ImageItem, curve: Curve) -> None:
        """Let the centre of every pixel lie where it was sampled."""
        step, half = float(curve.position_mm[1]), float(self._offsets_mm[-1]) + 0.5 * _PIXEL_MM
        item.setRect(-step / 2, -half, len(curve) * step, 2 * half)

    def _draw_edges(self, crossings: FloatArray, held: int | None = None) -> None:
        if self.profile is None:
            return
        position = self.profile.branch.curve.position_mm
        for side, edge in enumerate(self.edges):
            edge.setData(position, crossings[:, side])
            edge.setPen(_HELD if side == held else _OLD if self._stale else _EDGE)

    # Dragging

    def grasp(self, place: QPointF) -> bool:
        """Take hold of an edge at a place in (mm along, mm across); tell whether one is near."""
        self._push = None
        if self.profile is None:
            return False
        station = int(np.abs(self.profile.branch.curve.position_mm - place.x()).argmin())
        gaps = np.abs(self.edges_mm[station] - place.y()) / self.view.viewPixelSize()[1]
        if not (gaps <= _GRASP_PX).any():
            return False
        self._push = Push(self.profile.vessel, station, int(np.nanargmin(gaps)), 0.0)
        return True

    def pull(self, place: QPointF, *, last: bool) -> None:
        """Draw the edge in hand to a place; when it is let go, hand the push over."""
        push, profile = self._push, self.profile
        if push is None or profile is None:
            return
        low, high = self.edges_mm[push.station]
        to = max(place.y(), low + _APART_MM) if push.side else min(place.y(), high - _APART_MM)
        self._push = push = Push(push.vessel, push.station, push.side, to - (low, high)[push.side])
        shown = self.edges_mm.copy()
        for station, shift_mm in pushed_stations(profile, push):
            shown[station, push.side] += shift_mm
        self._draw_edges(shown, held=push.side)
        if last:
            self._push = None
            self._draw_edges(shown)
            self._dropped(push)


class _EdgeView(GrayView):
    """Moves an edge that is grasped; else the picture."""

    def __init__(self, straight: Straight, display: Display) -> None:
        super().__init__(display)
        self._straight = straight
        self._held = False

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Drag an edge, or the picture."""
        if event.button() == Qt.MouseButton.LeftButton and event.isStart():
            start = self.mapSceneToView(event.buttonDownScenePos())
            self._held = self._straight.grasp(start)
        if not self._held:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        last = bool(event.isFinish())
        self._held = not last
        self._straight.pull(self.mapSceneToView(event.scenePos()), last=last)


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
