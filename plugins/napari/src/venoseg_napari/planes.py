"""The coronal and the sagittal slice through the cursor, drawn on like the axial one."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg.review import LABEL_NAMES
from venoseg.volume import FloatArray
from venoseg_napari.desk import Desk
from venoseg_napari.directions import direction
from venoseg_napari.operations import Stroke, click
from venoseg_napari.tool import STROKES

_OPACITY = 115
# Stents are shown as a further label.
_STENT = 255
# Label value -> red, green, blue, opacity.
_COLOURS = np.zeros((256, 4), dtype=np.uint8)
for _value, _name in LABEL_NAMES.items():
    _COLOURS[_value] = (*BY_NAME[_name].colour_rgb, _OPACITY)
_COLOURS[_STENT] = (235, 235, 235, 160)

# Where the letters of the patient's directions stand: left, right, top, bottom.
_ANCHORS = ((0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0))
_LINE = pg.mkPen("#00c8ff", width=1)


class Plane(QWidget):
    """One slice, across display axis 1 (coronal) or 2 (sagittal).

    Rows run to the feet; columns to the patient's left, or to the back.
    """

    def __init__(self, desk: Desk, axis: Literal[1, 2]) -> None:
        super().__init__()
        self.desk, self.axis = desk, axis
        self.other = 3 - axis
        self._limits = (-100.0, 300.0)
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
        self.colours.setLookupTable(_COLOURS)
        self.across = pg.InfiniteLine(angle=0, pen=_LINE)
        self.down = pg.InfiniteLine(angle=90, pen=_LINE)
        for item in (self.gray, self.colours, self.across, self.down):
            self.view.addItem(item)
        self.letters = [pg.LabelItem("", color="w", bold=True) for _ in _ANCHORS]
        for letter, anchor in zip(self.letters, _ANCHORS, strict=True):
            letter.setParentItem(self.view)
            letter.anchor(anchor, anchor)
        self.scale = pg.ScaleBar(size=50, suffix="", offset=(-20, -18))
        self.scale.text.setText("50 mm")
        self.scale.setParentItem(self.view)
        self.scale.anchor((1, 1), (1, 1), offset=(-20, -18))
        desk.case_opened.connect(self._open)
        desk.cursor_changed.connect(self.draw)
        desk.voxels_changed.connect(lambda _: self._draw_labels())

    def show_window(self, limits: tuple[float, float]) -> None:
        """Show gray values between two limits."""
        self._limits = limits
        self.gray.setLevels(limits)

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
        for letter, vector in zip(
            self.letters,
            (-signs[:, self.other], signs[:, self.other], -signs[:, 0], signs[:, 0]),
            strict=True,
        ):
            letter.setText(direction(vector))
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
            self.gray.setLevels(self._limits)
            self._place(self.gray)
            self._draw_labels()
        index = turn.grid.to_index(self.desk.cursor_lps_mm) * turn.grid.spacing_mm
        self.across.setPos(float(index[0]))
        self.down.setPos(float(index[self.other]))

    def _draw_labels(self) -> None:
        session = self.desk.session
        if session is None:
            return
        values = self._slice(session.labels).copy()
        values[self._slice(session.stent) > 0] = _STENT
        self.colours.setImage(values, levels=(0, 255))
        self._place(self.colours)

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
        return np.ascontiguousarray(np.moveaxis(turn(array), self.axis, 0)[self._number()])

    def _place(self, item: pg.ImageItem) -> None:
        turn = self.desk.turn
        assert turn is not None
        down, right = (float(turn.grid.spacing_mm[a]) for a in (0, self.other))
        rows, columns = turn.grid.shape[0], turn.grid.shape[self.other]
        item.setRect(-right / 2, -down / 2, columns * right, rows * down)


class _View(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """Hands the mouse to the tools; with the look tool it moves and scales the picture."""

    def __init__(self, plane: Plane) -> None:
        super().__init__(invertY=True, enableMenu=False)
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

    def _begin(self) -> Stroke:
        turn = self._plane.desk.turn
        assert turn is not None
        self._stroke = Stroke(self._plane.desk, turn.grid.directions[:, self._plane.axis])
        return self._stroke

    def _end(self) -> None:
        if self._stroke is not None:
            self._stroke.finish()
            self._stroke = None
