"""Letters of the patient's directions on napari's canvas, and the value below the mouse."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel

from venoseg_napari.desk import Desk
from venoseg_napari.directions import direction

_STYLE = "color: white; background: rgba(0, 0, 0, 110); font-weight: bold; padding: 1px 3px;"


class Letters(QObject):
    """Labels at the edges of the canvas; hidden in three dimensions."""

    def __init__(self, viewer: napari.Viewer, desk: Desk) -> None:
        super().__init__()
        self.desk, self.viewer = desk, viewer
        self._native = viewer.window._qt_viewer.canvas.native  # no public way
        self.labels = [QLabel("", self._native) for _ in range(4)]
        self.value = QLabel("", self._native)
        for label in (*self.labels, self.value):
            label.setStyleSheet(_STYLE)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._native.installEventFilter(self)
        viewer.dims.events.ndisplay.connect(self.draw)
        viewer.mouse_move_callbacks.append(self._read)
        desk.case_opened.connect(self.draw)

    def draw(self, _: object = None) -> None:
        """Write the letters: left, right, top, bottom."""
        turn = self.desk.turn
        if turn is None:
            return
        axes = turn.grid.directions
        flat = self.viewer.dims.ndisplay == 2
        for label, vector in zip(
            self.labels, (-axes[:, 2], axes[:, 2], -axes[:, 1], axes[:, 1]), strict=True
        ):
            label.setText(direction(vector))
            label.adjustSize()
            label.setVisible(flat)
            label.raise_()
        self._place()

    def _read(self, _: object, event: Any) -> None:
        """Say the value of the voxel below the mouse."""
        session, turn = self.desk.session, self.desk.turn
        if session is None or turn is None:
            return
        world = np.array(event.position, dtype=np.float64)[-3:]
        grid = session.image.grid
        place = turn.grid.directions @ world
        index = tuple(int(n) for n in np.rint(grid.to_index(place)))
        inside = all(0 <= n < size for n, size in zip(index, grid.shape, strict=True))
        words = f"{session.image.voxels[index]:.0f} {session.image.unit}" if inside else ""
        if self.value.text() != words:
            self.value.setText(words)
            self.value.adjustSize()
            self._place()
        self.value.setVisible(bool(words) and self.viewer.dims.ndisplay == 2)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep the letters at the edges."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        width, height = self._native.width(), self._native.height()
        left, right, top, bottom = self.labels
        left.move(4, height // 2)
        right.move(width - right.width() - 4, height // 2)
        top.move(width // 2, 4)
        bottom.move(width // 2, height - bottom.height() - 4)
        self.value.move(4, height - self.value.height() - 4)
