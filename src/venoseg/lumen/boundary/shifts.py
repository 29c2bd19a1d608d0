"""How far blur moves the edge of a bent wall, and how far that may be wrong."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import curvatures_per_mm, outward_normals
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import Blur, curvature_shift, to_lps
from venoseg.lumen.rays.smoothing import FOCAL_STEPS_MM, bend_along, over_turn
from venoseg.volume import FloatArray, Grid

# The bend that blur along the vein acts on is seen at this scale.
_SHIFT_SCALE_MM = 1.5

# That around the vein is seen over this much of a turn.
_SHIFT_BEND_SCALE = 2 / 96

# What an abrupt bend makes uncertain reaches this far along the vein. It is so much of the bend
# times the variance of what blunts it, half of which moves a diameter (necks and steps of 1 to 3 mm
# in radius, slices of 1 and 3 mm).
_ABRUPT_REACH_MM = 2.0
_ABRUPT_DOUBT = 0.75


def shift_around(contours: FloatArray, curve: Curve, blur: Blur, grid: Grid) -> FloatArray:
    """Return (n, m) how far blur has moved the edge inwards, as the wall bulges out all around."""
    normals = outward_normals(contours)
    tangents = np.stack([-normals[..., 1], normals[..., 0]], axis=-1)
    curvature = curvatures_per_mm(contours)
    smooth = over_turn(curvature, _SHIFT_BEND_SCALE)
    return curvature_shift(smooth, to_lps(tangents, curve), blur, grid)


def shift_along(contours: FloatArray, curve: Curve, blur: Blur, grid: Grid) -> FloatArray:
    """Return (n, m) how far blur has moved the edge inwards for the wall bends along the vein.

    In a narrow place the wall bulges inwards, and blur moves its edge outwards: negative.
    """
    bend = -bend_along(curve, contours, _SHIFT_SCALE_MM)
    return curvature_shift(bend, curve.tangents[:, None, :], blur, grid)


def abrupt_mm(
    curve: Curve, diameters_mm: FloatArray, focal: FloatArray, blur: Blur, grid: Grid
) -> FloatArray:
    """Return (n,) how far wrong (95 %) diameters may be where the calibre changes abruptly.

    What blur and averages along the vein move is told by how the wall bends, which they blunt: it
    may be wrong by about as much, where the bend is most nearby.

    Parameters
    ----------
    curve
        n stations.
    diameters_mm, focal
        (n,) of the lumen, and what `focal_share` gives on average around it.
    blur, grid
        What blurs its edge, and the grid of what it was sought in.
    """
    station_mm = curve.step_mm
    bend = average_along(diameters_mm[:, None], _SHIFT_SCALE_MM / station_mm, order=2)[:, 0]
    reach = 2 * round(_ABRUPT_REACH_MM / station_mm) + 1
    most = ndimage.maximum_filter1d(np.abs(bend), reach, mode="nearest") / station_mm**2
    blunted_mm2 = blur.along(curve.tangents, grid) ** 2 + FOCAL_STEPS_MM**2
    wrong: FloatArray = _ABRUPT_DOUBT * focal * most * blunted_mm2
    return wrong
