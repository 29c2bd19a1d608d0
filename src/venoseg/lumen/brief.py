"""Narrow places too short along the vein for their depth to be told.

No slice need lie wholly within a web: two may show half of it each, and averages over the wall
leave of any narrow place one as wide as they are. How narrow the vein is there cannot be read: of
two webs that look alike the shorter one is the narrower.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks, peak_widths

from venoseg.centerline.curve import Curve
from venoseg.lumen.evidence import runs
from venoseg.lumen.rays.smoothing import FOCAL_SMOOTHING_MM
from venoseg.volume import BoolArray, FloatArray, Grid

# A dip counts from this many half widths of the interval of its diameter on, and this many mm.
_DEEP, _LEAST_MM = 2.0, 0.3

# Full width at half maximum of a Gaussian in standard deviations.
_FWHM = 2.355


def brief_dips(
    diameters_mm: FloatArray, half_mm: FloatArray, curve: Curve, grid: Grid
) -> BoolArray:
    """Tell which of n stations lie in a narrow place that is too short to be resolved.

    Parameters
    ----------
    diameters_mm, half_mm
        (n,) diameters, NaN where there is none, and half widths of their 95 % intervals.
    curve, grid
        n stations, and what the lumen was seen in.
    """
    brief = np.zeros(len(curve), dtype=bool)
    upright = np.abs(curve.tangents @ grid.directions[:, grid.through_axis])
    # Along a vein that lies in the slices these limit nothing.
    slices_mm = grid.slice_and_pixel_mm[0] * upright
    resolved_mm = np.hypot(2.0 * slices_mm, _FWHM * FOCAL_SMOOTHING_MM[0])
    for run in runs(~np.isnan(diameters_mm)):
        depths = -diameters_mm[run]
        lowest, found = find_peaks(depths, prominence=_LEAST_MM)
        deep = found["prominences"] > _DEEP * half_mm[run][lowest]
        widths = peak_widths(depths, lowest)[0]
        short = widths * curve.step_mm < resolved_mm[run][lowest]
        for n, width in zip(lowest[deep & short], widths[deep & short], strict=True):
            # Its shoulders too: what averages take from them they give to it.
            start = run.start + max(int(n - width), 0)
            brief[start : min(run.start + int(np.ceil(n + width)) + 1, run.stop)] = True
    return brief
