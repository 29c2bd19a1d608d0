"""A cross-section that is only looked at."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from venoseg.interpolation import trilinear
from venoseg.lumen import Measurements
from venoseg.lumen.profile import VesselProfile
from venoseg_napari.compass import Compass
from venoseg_napari.section import joined

_POINTS = 101
_BESIDE_MM = 10.0


class SectionPicture:
    """Gray values across a vein and the outline of its lumen."""

    def __init__(self, limits: tuple[float, float]) -> None:
        self.view = pg.ViewBox(enableMenu=False, lockAspect=True)
        self.view.setMouseEnabled(x=False, y=False)
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.outline = pg.PlotDataItem(pen=pg.mkPen("#ffe14d", width=1.5))
        self.compass = Compass(self.view)
        self._limits = limits
        for item in (self.gray, self.outline):
            self.view.addItem(item)

    def clear(self) -> None:
        """Show nothing."""
        self.gray.clear()
        self.outline.clear()
        self.compass.clear()

    def draw(self, found: Measurements, profile: VesselProfile, station: int) -> None:
        """Show a station of a vein."""
        curve = profile.branch.curve
        half = profile.branch.half_width_mm + _BESIDE_MM
        offsets = np.linspace(-half, half, _POINTS)
        points = (
            curve.points_lps_mm[station]
            + offsets[:, None, None] * curve.upward[station]
            + offsets[None, :, None] * curve.across[station]
        )
        index = np.moveaxis(found.volume.grid.to_index(points), -1, 0)
        self.gray.setImage(trilinear(found.volume.voxels, index), autoLevels=False)
        self.gray.setLevels(self._limits)
        pixel = 2 * half / (_POINTS - 1)
        self.gray.setRect(-half - pixel / 2, -half - pixel / 2, _POINTS * pixel, _POINTS * pixel)
        self.compass.point(curve.across[station], curve.upward[station])
        self.view.setRange(xRange=(-half, half), yRange=(-half, half), padding=0)
        lines = joined(profile.outlines_mm(station))
        self.outline.setData(lines[:, 0], lines[:, 1], connect="finite")
