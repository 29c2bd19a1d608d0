"""Letters of the patient's directions on napari's canvas."""

from __future__ import annotations

import napari
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel

from venoseg_napari.desk import Desk
from venoseg_napari.directions import direction

_STYLE = "color: white; background: rgba(0, 0, 0, 110); font-weight: bold; padding: 1px 3px;"


class Letters(QObject):
    """Four labels at the edges of the canvas; hidden in three dimensions."""

    def __init__(self, viewer: napari.Viewer, desk: Desk) -> None:
        super().__init__()
        self.desk, self.viewer = desk, viewer
        self._native = viewer.window._qt_viewer.canvas.native  # no public way
        self.labels = [QLabel("", self._native) for _ in range(4)]
        for label in self.labels:
            label.setStyleSheet(_STYLE)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._native.installEventFilter(self)
        viewer.dims.events.ndisplay.connect(self.draw)
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
