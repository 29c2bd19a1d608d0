"""Blood of the cava that has not mixed: streams of different grey values side by side.

At the kidneys blood that contrast has passed through joins blood from the legs, which it may not
have reached, and both run beside each other for a long way. The border between two streams is often
sharper than the cava's wall towards the liver. What tells them apart is how bright blood can be: no
vein carries less contrast than the cava below the kidneys, nor much more than the arteries that all
of it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.segmentation.blood import TISSUE_HU, brightest_hu, is_arterial
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# The least blood: a low percentile along the cava, but if contrast has come no less than shows it.
_LEAST_PERCENT, _LEAST_HU = 10, 66.0
# What lies around a cava is seldom brighter than its blood, so that steps up are borders of streams
# and this share of them is left. The liver is as bright as a darker stream: more is left of steps
# down, but never so much that a border of streams outweighs the wall behind it.
_UP = 0.1
_DOWN, _DOWN_HU = 0.6, 70.0


@dataclass(frozen=True, slots=True)
class Streams:
    """Where blood may run in streams, and how bright the brightest can be.

    Attributes
    ----------
    above_mm
        Height above which it may: below, arteries touch the veins and are as bright.
    artery_hu
        Grey value of blood in the aorta.
    """

    above_mm: float
    artery_hu: float

    def may_run_at(self, points_lps_mm: FloatArray) -> BoolArray:
        """Tell at which of (n, 3) points of a cava streams may run."""
        above: BoolArray = points_lps_mm[:, 2] > self.above_mm
        return above

    def evened(
        self, sampled: Float32Array, level_hu: FloatArray, points_lps_mm: FloatArray
    ) -> Float32Array:
        """Return grey values around n points of a cava with little left between its streams.

        Parameters
        ----------
        sampled
            (n, rays, radii) around each point.
        level_hu
            (n,) of the blood on the course.
        points_lps_mm
            (n, 3) the course.
        """
        where = self.may_run_at(points_lps_mm)
        if not where.any():
            return sampled
        least, most = self._range_of(level_hu[where])
        own = np.clip(level_hu[where], least, most).astype(np.float32)[:, None, None]
        down = np.float32(min(_DOWN, _DOWN_HU / max(most - least, 1.0)))
        around = sampled[where]
        blood = np.clip(around, np.float32(least), np.float32(most))
        # What lies below or above the range of blood differs from its end by as much as before.
        around += (np.float32(_UP) - 1) * np.maximum(blood - own, 0.0)
        around += (1 - down) * np.maximum(own - blood, 0.0)
        even = sampled.copy()
        even[where] = around
        return even

    def _range_of(self, level_hu: FloatArray) -> tuple[float, float]:
        """Return the least and the greatest grey value of blood, given (n,) along a cava."""
        brightest = float(level_hu.max())
        arterial = is_arterial(self.artery_hu, brightest)
        least = float(np.percentile(level_hu, _LEAST_PERCENT))
        least = max(least, TISSUE_HU if arterial else _LEAST_HU)
        return least, max(brightest_hu(self.artery_hu), brightest, least)

    def level_of(
        self, level_hu: FloatArray, ray_hu: FloatArray, points_lps_mm: FloatArray
    ) -> FloatArray:
        """Return (n,) the grey value of sections, which streams without contrast do not lower.

        Parameters
        ----------
        level_hu
            (n,) of the blood on the course.
        ray_hu
            (n, rays) mean on each ray up to the wall.
        points_lps_mm
            (n, 3) the course.
        """
        section = np.maximum(level_hu, ray_hu.mean(axis=1))
        return np.where(self.may_run_at(points_lps_mm), section, level_hu)
