"""Which gray values the pictures show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.interpolation import trilinear
from venoseg.lumen import Measurements
from venoseg.lumen.assess import ENHANCED_HU


@dataclass(frozen=True, slots=True)
class GrayWindow:
    """Values from black to white.

    Attributes
    ----------
    center, width
        In the image's unit.
    name
        What it is called, with its figures.
    """

    center: float
    width: float
    name: str

    @property
    def low(self) -> float:
        """The value drawn black."""
        return self.center - self.width / 2.0

    @property
    def high(self) -> float:
        """The value drawn white."""
        return self.center + self.width / 2.0


def choose_window(measurements: Measurements) -> GrayWindow:
    """Return a window that shows the blood in the veins and what lies around them.

    In Hounsfield units it is one of two fixed windows, for enhanced veins or for soft tissue, so
    that the pictures of two studies can be compared; in other units it follows the values.
    """
    volume = measurements.volume
    middles = np.concatenate([p.centers_lps_mm for p in measurements.profiles])
    values = trilinear(volume.voxels, volume.grid.to_index(middles).T)
    if volume.unit != "HU":
        low, high = np.percentile(values, [5.0, 95.0])
        width = max(4.0 * float(high - low), 1.0)
        center = float(np.median(values))
        name = f"window fitted to the veins: center {center:.4g}, width {width:.4g}, no unit"
        return GrayWindow(center, width, name)
    if float(np.median(values)) >= ENHANCED_HU:
        return GrayWindow(100.0, 400.0, "venous window: center 100 HU, width 400 HU")
    return GrayWindow(40.0, 300.0, "soft-tissue window: center 40 HU, width 300 HU")
