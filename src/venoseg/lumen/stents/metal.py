"""How much metal a stent's sections hold: its ends, gaps, overlaps, and how dense its weave is."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import perimeters_mm
from venoseg.lumen.stents.struts import Rays, Struts
from venoseg.volume import BoolArray, FloatArray

_LEAST_STATIONS = 8

# Beside a wire a kernel that enhances edges leaves a dark line. It is looked for between these
# depths outside the wire, where a blur without overshoot leaves this share of the wire's height or
# more (0.04 on digital twins, with a sharp kernel -0.01).
_BESIDE_MM = (1.2, 2.3)
_LEAST_LEFT = 0.01

# How much metal lies between struts is averaged over so much along the stent.
_WOVEN_OVER_MM = 5.0

# Compared with the typical amount of metal in a section: where it falls below the first the stent
# ends, below the second there is none, and above the third over so many millimetres are two stents.
_END_SHARE = 0.5
_GAP_SHARE = 0.6
_OVERLAP_SHARE = 1.4
_LEAST_OVERLAP_MM = 4.0
_LEAST_GAP_MM = 1.0

# A gap no wider than this with the same stent on either side may be a fracture.
_WIDEST_FRACTURE_MM = 8.0
_ALIKE = 0.3


def metal_of(struts: Struts) -> FloatArray:
    """Return (n,) the metal of each section relative to that of the typical one."""
    step_mm = struts.curve.step_mm
    around = perimeters_mm(struts.contours_mm) / struts.contours_mm.shape[1]
    total = struts.metal.sum(axis=1) * around
    smooth = ndimage.gaussian_filter1d(total, 1.0 / step_mm, mode="nearest")
    result: FloatArray = smooth / max(float(np.median(smooth)), 1e-6)
    return result


def overshoots(rays: Rays) -> bool:
    """Tell whether the kernel of the image enhances edges, from the wires of a stent.

    Told by the slope of what lies beside the wire against the height of the wire, over all rays of
    a section: of what surrounds the stent it knows nothing.
    """
    depth = rays.depth_mm
    beside = (depth >= _BESIDE_MM[0]) & (depth <= _BESIDE_MM[1])
    dark = rays.values[..., beside].mean(axis=-1, dtype=np.float64) - rays.struts.outside
    top = rays.values[..., np.abs(depth) < 0.2].mean(axis=-1, dtype=np.float64)
    top = top - top.mean(axis=1, keepdims=True)
    dark = dark - dark.mean(axis=1, keepdims=True)
    slope = float((dark * top).sum() / max(float((top**2).sum()), 1e-6))
    return slope < _LEAST_LEFT


def metal_between(struts: Struts) -> FloatArray:
    """Return (n,) how much metal the rays between struts meet, relative to those on struts."""
    step_mm = struts.curve.step_mm
    gap, strut = np.quantile(struts.metal, (0.1, 0.75), axis=1)
    share: FloatArray = ndimage.gaussian_filter1d(
        gap / np.maximum(strut, 1e-6), _WOVEN_OVER_MM / step_mm, mode="nearest"
    )
    return share


def between_ends(struts: Struts) -> slice | None:
    """Return the stations from the first to the last that holds wire."""
    inside = np.flatnonzero(metal_of(struts) >= _END_SHARE)
    if len(inside) < _LEAST_STATIONS:
        return None
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _runs_of(chosen: BoolArray, curve: Curve, least_mm: float) -> tuple[tuple[float, float], ...]:
    """Return (start, stop) of the stretches of chosen stations inside the device."""
    labels, count = ndimage.label(chosen)
    step = curve.step_mm
    first = float(curve.position_mm[0])
    found = []
    for number in range(1, count + 1):
        at = np.flatnonzero(labels == number)
        if (at[-1] - at[0] + 1) * step >= least_mm:
            found.append((first + (at[0] - 0.5) * step, first + (at[-1] + 0.5) * step))
    return tuple((start - first, stop - first) for start, stop in found)


def gaps_of(metal: FloatArray, curve: Curve) -> tuple[tuple[float, float], ...]:
    """Return (start, stop) in mm along the course of the stretches without metal."""
    return _runs_of(metal < _GAP_SHARE, curve, _LEAST_GAP_MM)


def overlaps_of(metal: FloatArray, curve: Curve) -> tuple[tuple[float, float], ...]:
    """Return (start, stop) in mm along the course of the stretches with the metal of two stents."""
    smooth = ndimage.median_filter(metal, 5, mode="nearest")
    return _runs_of(smooth > _OVERLAP_SHARE, curve, _LEAST_OVERLAP_MM)


def within(curve: Curve, stretches: tuple[tuple[float, float], ...]) -> BoolArray:
    """Tell (n,) which stations lie in one of the stretches."""
    position = curve.position_mm - curve.position_mm[0]
    inside = np.zeros(len(curve), dtype=bool)
    for start, stop in stretches:
        inside |= (position >= start) & (position <= stop)
    return inside


def may_be_fracture(gap: tuple[float, float], metal: FloatArray, curve: Curve) -> bool:
    """Tell whether the stent on either side of a gap is the same."""
    position = curve.position_mm - curve.position_mm[0]
    sides = [
        metal[(position >= low) & (position <= high)]
        for low, high in ((gap[0] - 10.0, gap[0] - 2.0), (gap[1] + 2.0, gap[1] + 10.0))
    ]
    if gap[1] - gap[0] > _WIDEST_FRACTURE_MM or min(len(side) for side in sides) < 4:
        return False
    before, after = (float(np.median(side)) for side in sides)
    return abs(before - after) <= _ALIKE * max(before, after)
