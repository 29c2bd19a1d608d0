"""A view of gray values whose window the right mouse button changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import Qt

from venoseg_napari.display import Display

# Of metal over the gray values: red, green, blue, opacity.
_METAL = np.array((80, 220, 255, 130), dtype=np.ubyte)
# Sampled between voxels, a strut is less than one voxel of metal.
_LEAST_SHARE = 0.3


class GrayView(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """Changes the window of gray values with the right button; does the usual with the left."""

    def __init__(self, display: Display, **settings: Any) -> None:
        super().__init__(enableMenu=False, **settings)
        self.display = display

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Change the window, or do what pyqtgraph does."""
        if event.button() != Qt.MouseButton.RightButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        moved = event.screenPos() - event.lastScreenPos()
        self.display.drag(moved.x(), moved.y())


def metal_picture(share: npt.NDArray[np.float32]) -> npt.NDArray[np.ubyte]:
    """Return (rows, columns, 4) colours that mark where stents are."""
    picture = np.zeros((*share.shape, 4), dtype=np.ubyte)
    picture[share >= _LEAST_SHARE] = _METAL
    return picture
