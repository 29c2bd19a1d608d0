"""The place looked at, marked on napari's canvas."""

from __future__ import annotations

import napari
import numpy as np
from qtpy.QtCore import QObject, QPoint, Qt
from qtpy.QtGui import QPainter, QPen, QPixmap
from qtpy.QtWidgets import QLabel

from venoseg_napari.canvas import Canvas

_SIDE, _GAP = 21, 4
_COLOUR = "#00c8ff"


class Crosshair(QObject):
    """A cross above the canvas: moving it costs nothing, as moving a point of a layer does."""

    def __init__(self, viewer: napari.Viewer, canvas: Canvas) -> None:
        super().__init__()
        self.viewer, self.canvas, self.desk = viewer, canvas, canvas.desk
        self._native = viewer.window._qt_viewer.canvas.native  # no public way
        self.label = QLabel(self._native)
        self.label.setPixmap(_cross())
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()
        for event in (viewer.scene.camera.events, viewer.canvas.events.size):
            event.connect(self.draw)
        viewer.dims.events.ndisplay.connect(self.draw)
        self.desk.cursor_changed.connect(self.draw)
        self.desk.case_opened.connect(self.draw)

    def draw(self, _: object = None) -> None:
        """Put the cross where the cursor is."""
        if self.desk.turn is None or self.viewer.dims.ndisplay == 3:
            self.label.hide()
            return
        at = self.place(self.canvas.to_world(self.desk.cursor_lps_mm))
        self.label.move(at - QPoint(_SIDE // 2, _SIDE // 2))
        self.label.show()

    def place(self, world: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> QPoint:
        """Return where a place of the shown slice, in napari's mm, lies on the canvas."""
        camera, native = self.viewer.scene.camera, self._native
        down, right = (world[1:] - np.array(camera.center)[-2:]) * camera.zoom
        return QPoint(round(native.width() / 2 + right), round(native.height() / 2 + down))


def _cross() -> QPixmap:
    """Return a cross whose middle is open, so that it hides nothing."""
    picture = QPixmap(_SIDE, _SIDE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(QPen(_COLOUR))
    middle, last = _SIDE // 2, _SIDE - 1
    for first, then in ((0, middle - _GAP), (middle + _GAP, last)):
        painter.drawLine(first, middle, then, middle)
        painter.drawLine(middle, first, middle, then)
    painter.end()
    return picture
