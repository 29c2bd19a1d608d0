"""Points on an outline that can be dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg

from venoseg.volume import FloatArray


class Handles(pg.GraphItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Points on the outline that can be dragged."""

    def __init__(self, moving: Any, dropped: Any) -> None:
        super().__init__()
        self._moving, self._dropped = moving, dropped
        self._points = np.zeros((0, 2))
        self._held: int | None = None

    def show(self, points: FloatArray) -> None:
        """Put handles at (n, 2) points."""
        self._points = np.array(points)
        self._draw()

    def clear(self) -> None:
        """Show no handle."""
        self.show(np.zeros((0, 2)))

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Move a handle; its neighbours follow a little."""
        if event.isStart():
            spots = self.scatter.pointsAt(event.buttonDownPos())
            self._held = spots[0].index() if len(spots) else None
        if self._held is None:
            event.ignore()
            return
        event.accept()
        place = np.array([event.pos().x(), event.pos().y()])
        shift = place - self._points[self._held]
        count = len(self._points)
        gap = np.abs(np.arange(count) - self._held)
        gap = np.minimum(gap, count - gap)
        self._points = self._points + np.exp(-(gap**2) / 1.5)[:, None] * shift
        self._draw()
        (self._dropped if event.isFinish() else self._moving)(self._points)

    def _draw(self) -> None:
        self.setData(pos=self._points, size=7, symbol="o", brush="#ffe14d", pen=None)


def rounded(points: FloatArray) -> FloatArray:
    """Return a smooth closed curve through (n, 2) handles."""
    from scipy.interpolate import CubicSpline

    closed = np.vstack([points, points[:1]])
    spline = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
    curve: FloatArray = spline(np.linspace(0, len(points), 8 * len(points), endpoint=False))
    return curve
