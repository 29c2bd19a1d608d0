"""The picture of a venogram: the frame, what was marked in it, and edges that can be moved."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.angiography.correction import DrawnEdge, shifts_px
from venoseg.angiography.projection import Projection
from venoseg.angiography.run import Image
from venoseg.volume import FloatArray

Hand = Literal["look", "line", "points", "edge"]
Point = tuple[float, float]

_EDGE, _HELD, _POINT, _LINE = "#ffe14d", "#ffffff", "#00c8ff", "#d98c00"
# An edge is grasped when the mouse is this near to it on the screen.
_GRASP_PX = 9.0

# The picture is drawn from the corner of its first pixel, whose centre is at 0.
_CORNER = 0.5


class VenogramPicture(QWidget):
    """Shows a frame and tells what the mouse does in it; places are (column, row) of pixels.

    ``clicked`` is emitted with a place, ``line_drawn`` with the ends of a line and whether it is
    finished, ``edge_moved`` with a `DrawnEdge`.
    """

    clicked = Signal(float, float)
    line_drawn = Signal(object, object, bool)
    edge_moved = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.hand: Hand = "look"
        self.view = _View(self)
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.addItem(self.view)
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.edges = [pg.PlotDataItem(pen=pg.mkPen(_EDGE, width=1.5)) for _ in range(2)]
        self.across = pg.PlotDataItem(pen=pg.mkPen(_POINT, width=3))
        self.line = pg.PlotDataItem(pen=pg.mkPen(_LINE, width=2))
        self.points = pg.ScatterPlotItem(pen=pg.mkPen(_POINT, width=2), brush=None, size=12)
        for item in (self.gray, *self.edges, self.across, self.line, self.points):
            self.view.addItem(item)
        self._projection: Projection | None = None
        self._drawn: DrawnEdge | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)

    def show_frame(self, picture: Image, levels: tuple[float, float]) -> None:
        """Show a frame; contrast medium is dark, as on a light box."""
        self.gray.setImage(-picture, autoLevels=False)
        self.gray.setLevels((-levels[1], -levels[0]))

    def fit(self) -> None:
        """Show the whole frame."""
        self.view.autoRange(padding=0)

    def clear(self) -> None:
        """Show nothing."""
        self.gray.clear()
        self.show_marks([], None)
        self.show_vein(None)

    def show_marks(self, points: list[Point], line: tuple[Point, Point] | None) -> None:
        """Show clicked points and the line on the object to calibrate with."""
        at = np.array(points).reshape(-1, 2) + _CORNER
        self.points.setData(at[:, 0], at[:, 1])
        ends = np.array(line or []).reshape(-1, 2) + _CORNER
        self.line.setData(ends[:, 0], ends[:, 1])

    def show_vein(self, projection: Projection | None) -> None:
        """Show the edges of a vein; None: no vein."""
        self._projection, self._drawn = projection, None
        if projection is None:
            for item in (*self.edges, self.across):
                item.clear()
            return
        for side in range(2):
            self._draw_edge(side, projection.edges.edges_px[:, side], _EDGE)

    def show_width(self, station: int) -> None:
        """Mark the place of the vein that is looked at."""
        if self._projection is not None:
            ends = self._projection.edges.contours_px()[station] + _CORNER
            self.across.setData(ends[:, 0], ends[:, 1])

    def _draw_edge(self, side: int, offsets_px: FloatArray, color: str) -> None:
        projection = self._projection
        assert projection is not None
        line = projection.edges.course.at(offsets_px[:, None])[:, 0] + _CORNER
        line[~_open(projection)] = np.nan
        self.edges[side].setPen(pg.mkPen(color, width=1.5))
        self.edges[side].setData(line[:, 0], line[:, 1], connect="finite")

    # Moving an edge

    def grasp(self, place: Point) -> bool:
        """Take hold of the edge at a place; tell whether there is one."""
        self._drawn = None
        projection = self._projection
        if projection is None:
            return False
        contours = projection.edges.contours_px()
        contours[~_open(projection)] = np.nan
        apart = np.linalg.norm(contours - place, axis=2) / self.view.viewPixelSize()[0]
        if not (apart <= _GRASP_PX).any():
            return False
        station, side = (int(n) for n in np.unravel_index(np.nanargmin(apart), apart.shape))
        to_px = float(projection.edges.edges_px[station, side])
        self._drawn = DrawnEdge(0, station, side, to_px)
        return True

    def pull(self, place: Point, *, last: bool) -> None:
        """Draw the edge in hand to a place; when it is let go, tell where it belongs."""
        drawn, projection = self._drawn, self._projection
        if drawn is None or projection is None:
            return
        course = projection.edges.course
        away = np.subtract(place, course.points_px[drawn.station])
        to_px = float(away @ course.normals[drawn.station])
        self._drawn = drawn = DrawnEdge(drawn.vein, drawn.station, drawn.side, to_px)
        moved = projection.edges.edges_px[:, drawn.side] + shifts_px(projection, drawn)
        self._draw_edge(drawn.side, moved, _EDGE if last else _HELD)
        if last:
            self._drawn = None
            self.edge_moved.emit(drawn)


class _View(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """Hands the mouse to what is in the hand; else it moves the picture."""

    def __init__(self, picture: VenogramPicture) -> None:
        super().__init__(enableMenu=False, lockAspect=True, invertY=True)
        self._picture = picture
        self._held = False

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Tell where."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._picture.clicked.emit(*self._place(event.scenePos()))
            event.accept()

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Draw the line, or move an edge."""
        hand = self._picture.hand
        if event.button() == Qt.MouseButton.LeftButton and hand == "line":
            event.accept()
            ends = self._place(event.buttonDownScenePos()), self._place(event.scenePos())
            self._picture.line_drawn.emit(*ends, event.isFinish())
            return
        if event.button() == Qt.MouseButton.LeftButton and hand == "edge" and event.isStart():
            self._held = self._picture.grasp(self._place(event.buttonDownScenePos()))
        if not self._held:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        last = bool(event.isFinish())
        self._held = not last
        self._picture.pull(self._place(event.scenePos()), last=last)

    def _place(self, scene: QPointF) -> Point:
        at = self.mapSceneToView(scene)
        return at.x() - _CORNER, at.y() - _CORNER


def _open(projection: Projection) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return (n,) where the vein has edges."""
    width = projection.diameter_px
    return np.isfinite(width) & (width > 0)
