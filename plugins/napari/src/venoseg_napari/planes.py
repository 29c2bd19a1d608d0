"""The coronal and the sagittal slice through the cursor, drawn on like the axial one."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtWidgets import QGraphicsEllipseItem, QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg.review import LABEL_NAMES
from venoseg.volume import FloatArray
from venoseg_napari.canvas import SEED_COLOURS
from venoseg_napari.compass import Compass
from venoseg_napari.desk import Desk
from venoseg_napari.gray_view import GrayView
from venoseg_napari.operations import Stroke, click
from venoseg_napari.tool import STROKES

# Of the veins, when they are filled and when they are outlined.
_OPACITY = {"filled": 115, "outlined": 240}
# Stents are shown as a further label.
_STENT = 255
# An end or a waypoint is seen this far from its slice.
_SEED_MM = 3.0
_STENT_COLOUR = (235, 235, 235, 130)

_LINE = pg.mkPen("#00c8ff", width=1)


class Plane(QWidget):
    """One slice, across display axis 1 (coronal) or 2 (sagittal).

    Rows run to the feet; columns to the patient's left, or to the back.
    """

    def __init__(self, desk: Desk, axis: Literal[1, 2]) -> None:
        super().__init__()
        self.desk, self.axis = desk, axis
        self.other = 3 - axis
        self._shown: tuple[object, int] = (None, -1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.view = _View(self)
        self.widget = pg.GraphicsLayoutWidget()
        self.widget.setBackground("black")
        self.widget.addItem(self.view)
        layout.addWidget(self.widget)
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.colours = pg.ImageItem(axisOrder="row-major")
        self.seeds = pg.ScatterPlotItem(size=9, pen=None)
        # How large the brush is; seen while it is in the hand and over this view.
        self.brush = QGraphicsEllipseItem()
        self.brush.setPen(pg.mkPen("w", width=1))
        self.brush.hide()
        self.across = pg.InfiniteLine(angle=0, pen=_LINE)
        self.down = pg.InfiniteLine(angle=90, pen=_LINE)
        for item in (self.gray, self.colours, self.across, self.down, self.seeds):
            self.view.addItem(item)
        self.view.addItem(self.brush, ignoreBounds=True)
        self.compass = Compass(self.view)
        self.scale = pg.ScaleBar(size=50, suffix="", offset=(-20, -18))
        self.scale.text.setText("50 mm")
        self.scale.setParentItem(self.view)
        self.scale.anchor((1, 1), (1, 1), offset=(-20, -18))
        desk.case_opened.connect(self._open)
        desk.cursor_changed.connect(self.draw)
        desk.voxels_changed.connect(lambda _: self._draw_labels())
        desk.notes_changed.connect(self._draw_seeds)
        desk.display.limits_changed.connect(lambda: self.gray.setLevels(desk.display.limits))
        desk.display.labels_changed.connect(self._show_labels)
        desk.tool_changed.connect(self._hide_brush)
        self.widget.scene().sigMouseMoved.connect(self._move_brush)
        self._show_labels()

    def to_lps(self, point: QPointF) -> FloatArray:
        """Map a place in the view, in mm from the first voxel, to LPS."""
        turn = self.desk.turn
        assert turn is not None
        index = turn.grid.to_index(self.desk.cursor_lps_mm)
        index[0] = point.y() / turn.grid.spacing_mm[0]
        index[self.other] = point.x() / turn.grid.spacing_mm[self.other]
        return turn.grid.to_lps(index)

    def _open(self) -> None:
        turn = self.desk.turn
        assert turn is not None
        height, width = (
            turn.grid.shape[a] * float(turn.grid.spacing_mm[a]) for a in (0, self.other)
        )
        self.view.setAspectLocked(True)
        self.view.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)
        signs = turn.grid.directions
        self.compass.point(signs[:, self.other], -signs[:, 0])
        self.draw()

    def draw(self) -> None:
        """Draw the slice of the cursor."""
        session, turn = self.desk.session, self.desk.turn
        if session is None or turn is None:
            return
        shown = (session, self._number())
        if shown != self._shown:
            self._shown = shown
            self.gray.setImage(self._slice(session.image.voxels), autoLevels=False)
            self.gray.setLevels(self.desk.display.limits)
            self._place(self.gray)
            self._draw_labels()
            self._draw_seeds()
        index = turn.grid.to_index(self.desk.cursor_lps_mm) * turn.grid.spacing_mm
        self.across.setPos(float(index[0]))
        self.down.setPos(float(index[self.other]))

    def _draw_labels(self) -> None:
        session = self.desk.session
        if session is None:
            return
        values = self._slice(session.labels)
        if self.desk.display.labels == "outlined":
            values = outlined(values)
        values[self._slice(session.stent) > 0] = _STENT
        self.colours.setImage(values, levels=(0, 255))
        self._place(self.colours)

    def _draw_seeds(self) -> None:
        """Show the ends and waypoints that lie in this slice or the next ones."""
        session, turn = self.desk.session, self.desk.turn
        if session is None or turn is None:
            return
        spots = []
        for seed in session.notes.seeds:
            index = turn.grid.to_index(np.array(seed.lps_mm))
            at = index * turn.grid.spacing_mm
            if abs(index[self.axis] - self._number()) * turn.grid.spacing_mm[self.axis] < _SEED_MM:
                place = (float(at[self.other]), float(at[0]))
                spots.append({"pos": place, "brush": SEED_COLOURS[seed.role]})
        self.seeds.setData(spots)

    def _show_labels(self) -> None:
        style = self.desk.display.labels
        self.colours.setVisible(style != "hidden")
        if style != "hidden":
            self.colours.setLookupTable(colour_table(_OPACITY[style]))
            self._draw_labels()

    def step(self, slices: int) -> None:
        """Move the cursor by some slices across this view."""
        turn = self.desk.turn
        if turn is None:
            return
        index = turn.grid.to_index(self.desk.cursor_lps_mm)
        last = turn.grid.shape[self.axis] - 1
        index[self.axis] = np.clip(np.rint(index[self.axis]) + slices, 0, last)
        self.desk.look_at(turn.grid.to_lps(index))

    def leaveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show no brush where the mouse is not."""
        self.brush.hide()
        super().leaveEvent(event)

    def _hide_brush(self) -> None:
        self.brush.hide()

    def _move_brush(self, scene: QPointF) -> None:
        """Show the brush where the mouse is."""
        tool = self.desk.tool
        if tool.kind not in STROKES or self.desk.session is None:
            return
        at, radius = self.view.mapSceneToView(scene), tool.radius_mm
        self.brush.setRect(QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius))
        self.brush.show()

    def _number(self) -> int:
        """Return which slice the cursor lies in."""
        turn = self.desk.turn
        assert turn is not None
        at = int(np.rint(turn.grid.to_index(self.desk.cursor_lps_mm)[self.axis]))
        return int(np.clip(at, 0, turn.grid.shape[self.axis] - 1))

    def _slice(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        turn = self.desk.turn
        assert turn is not None
        # Not `np.take`, which copies a whole volume that is turned before it takes the slice.
        return np.array(np.moveaxis(turn(array), self.axis, 0)[self._number()])

    def _place(self, item: pg.ImageItem) -> None:
        turn = self.desk.turn
        assert turn is not None
        down, right = (float(turn.grid.spacing_mm[a]) for a in (0, self.other))
        rows, columns = turn.grid.shape[0], turn.grid.shape[self.other]
        item.setRect(-right / 2, -down / 2, columns * right, rows * down)


def colour_table(opacity: int) -> npt.NDArray[np.uint8]:
    """Return (256, 4) red, green, blue and opacity of every label value."""
    colours = np.zeros((256, 4), dtype=np.uint8)
    for value, name in LABEL_NAMES.items():
        colours[value] = (*BY_NAME[name].colour_rgb, opacity)
    colours[_STENT] = _STENT_COLOUR
    return colours


def outlined(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return (rows, columns) labels of which only the outermost pixels are left."""
    inside = np.zeros(values.shape, dtype=np.bool_)
    middle = values[1:-1, 1:-1]
    inside[1:-1, 1:-1] = (
        (middle == values[:-2, 1:-1])
        & (middle == values[2:, 1:-1])
        & (middle == values[1:-1, :-2])
        & (middle == values[1:-1, 2:])
    )
    return np.where(inside, np.uint8(0), values)


class _View(GrayView):
    """Hands the mouse to the tools.

    The wheel leads through the slices, with the Control key it scales the picture; the right
    button changes the gray values, and with the look tool the left one moves the picture.
    """

    def __init__(self, plane: Plane) -> None:
        super().__init__(plane.desk.display, invertY=True)
        self._plane = plane
        self._stroke: Stroke | None = None

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Do what the tool does here."""
        if event.button() == Qt.MouseButton.LeftButton and self._plane.desk.session:
            event.accept()
            lps = self._plane.to_lps(self.mapSceneToView(event.scenePos()))
            if self._plane.desk.tool.kind in STROKES:
                self._begin().move_to(lps)
                self._end()
            else:
                click(self._plane.desk, lps)

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Draw a stroke, or move the picture."""
        desk = self._plane.desk
        if desk.tool.kind not in STROKES or event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        if desk.session is None:
            return
        stroke = self._stroke or self._begin()
        if event.isStart():
            stroke.move_to(self._plane.to_lps(self.mapSceneToView(event.buttonDownScenePos())))
        stroke.move_to(self._plane.to_lps(self.mapSceneToView(event.scenePos())))
        if event.isFinish():
            self._end()

    def wheelEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Scroll through the slices, or scale the picture."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event, axis)
            return
        event.accept()
        self._plane.step(-1 if event.delta() > 0 else 1)

    def _begin(self) -> Stroke:
        turn = self._plane.desk.turn
        assert turn is not None
        self._stroke = Stroke(self._plane.desk, turn.grid.directions[:, self._plane.axis])
        return self._stroke

    def _end(self) -> None:
        if self._stroke is not None:
            self._stroke.finish()
            self._stroke = None
