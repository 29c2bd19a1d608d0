"""The contour through the middle of a stent's wires, in sections across the stent's own course.

A strut is thinner than the blur: along a normal of the stent it shows as a line whose shape is
that of the blur. Struts and gaps alternate; the contour is led through the struts, each place
weighted by the metal found there, so that a gap does not pull it towards what lies behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.interpolation import Float32Array
from venoseg.lumen.geometry.contours import (
    areas_mm2,
    curvatures_per_mm,
    outward_normals,
    perimeters_mm,
    resample_closed,
)
from venoseg.lumen.rays.averages import average_along, average_around
from venoseg.lumen.rays.edges import Blur, curvature_shift, sample_profiles, to_lps
from venoseg.lumen.rays.gaussian import share_beyond
from venoseg.volume import FloatArray, Grid, Volume

# Tissue that grows in a stent, and the wall around it: hardly enhanced.
TISSUE_HU = 55.0

# Distance of the samples along a normal, and how far outwards they reach.
SAMPLE_MM = 0.35
_OUTWARDS_MM = 4.2

# The struts' course is smooth over this much along the stent and around it.
_SMOOTHING_MM = (2.5, 2.0)

_ROUNDS = 5

# The image shows a wire within so many widths of the blur. Levels beside it are read this many away
# from it, and over so much farther.
_SEEN_WIDTHS = 3.5
_CLEAR_WIDTHS, _OUTSIDE_MM = 3.0, 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Struts:
    """The wires of one device in n sections.

    Attributes
    ----------
    curve
        The stations, from the central end.
    contours_mm
        (n, m, 2) middle of the wires in (across, upward) mm from the station.
    metal
        (n, m) amount of metal on each ray, HU mm: the area under the line along the normal.
    outside
        (n, m) HU beyond the wire.
    """

    curve: Curve
    contours_mm: FloatArray
    metal: FloatArray
    outside: FloatArray

    def part(self, keep: slice) -> Struts:
        """Return some of the sections."""
        curve = self.curve.part(keep)
        return Struts(curve, self.contours_mm[keep], self.metal[keep], self.outside[keep])


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The image along the normals of the wires.

    Attributes
    ----------
    struts
        The wires.
    normals_lps
        (n, m, 3) outward unit vectors.
    grid
        Of the image.
    depth_mm
        (d,) places along a normal from the middle of the wire, negative inside.
    values
        (n, m, d) the image there.
    """

    struts: Struts
    normals_lps: FloatArray
    grid: Grid
    depth_mm: FloatArray
    values: Float32Array

    def part(self, keep: slice) -> Rays:
        """Return some of the sections."""
        return Rays(
            self.struts.part(keep),
            self.normals_lps[keep],
            self.grid,
            self.depth_mm,
            self.values[keep],
        )


def even(contours: FloatArray) -> FloatArray:
    """Space the points of each contour evenly."""
    return resample_closed([*contours], contours.shape[1])


def follow_struts(
    volume: Volume,
    curve: Curve,
    start_mm: FloatArray,
    lumen_depth_mm: FloatArray | float,
    lumen_hu: FloatArray,
    blur: Blur,
    tissue_hu: float = TISSUE_HU,
) -> Struts:
    """Move contours into the middle of the wires.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    start_mm
        (n, m, 2) contours near the wires.
    lumen_depth_mm
        (n, m) how far inside the wire the lumen begins.
    lumen_hu
        (n,) level of the blood.
    blur
        Of the image.
    tissue_hu
        Level between lumen and wire.
    """
    contours: FloatArray = start_mm
    inside = lumen_hu[:, None]
    for turn in range(_ROUNDS):
        normals = outward_normals(contours)
        width = blur.along(to_lps(normals, curve), volume.grid)
        depth = _near_wire(float(width.max()))
        profiles = sample_profiles(volume.voxels, volume.grid, curve, contours, normals, depth)
        outside = outside_level(profiles.values, depth, width, curve, contours)
        near = np.abs(depth) <= _SEEN_WIDTHS * width.max()
        expected = background(depth[near], width, lumen_depth_mm, (inside, tissue_hu, outside))
        height, push, power = _line_fit(profiles.values[..., near] - expected, depth[near], width)
        shift = averaged(push * height, curve, contours) / np.maximum(
            averaged(power * height, curve, contours), 1e-6
        )
        contours = contours + normals * np.clip(shift, -0.8, 0.8)[..., None]
        if turn < _ROUNDS - 1:
            contours = even(contours)
    return Struts(
        curve=curve,
        contours_mm=contours,
        metal=height * width * np.sqrt(2.0 * np.pi),
        outside=outside,
    )


def _near_wire(width_mm: float) -> FloatArray:
    """Return depths at which the image shows the wire, or what lies beyond it."""
    inwards = int(np.ceil(_SEEN_WIDTHS * width_mm / SAMPLE_MM))
    outwards = int(np.ceil((_CLEAR_WIDTHS * width_mm + _OUTSIDE_MM) / SAMPLE_MM))
    return np.linspace(-inwards, outwards, inwards + outwards + 1) * SAMPLE_MM


def _line_fit(
    residual: Float32Array, depth: FloatArray, width: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit lines of the blur's width to (n, m, d) values around a depth of 0.

    Returns
    -------
    tuple
        (n, m) how high they are, never negative, how the values push them outwards, and how firmly
        the values hold them.
    """
    spread = width.astype(np.float32)[..., None]
    scaled = depth.astype(np.float32) / spread
    # Less of what lies farther from the wire: its own line and the window on it, both Gaussian.
    window = np.exp(np.float32(-0.5 / 1.5**2) * scaled**2)
    line = np.exp(np.float32(-0.5) * scaled**2) * window
    slope = scaled / spread * line
    residual = residual * window
    height = np.maximum((residual * line).sum(-1) / (line**2).sum(-1), 0.0).astype(np.float64)
    push = (residual * slope).sum(-1).astype(np.float64)
    return height, push, height * (slope**2).sum(-1)


def rays_through(volume: Volume, struts: Struts) -> Rays:
    """Look at the image along the normals of the wires."""
    normals = outward_normals(struts.contours_mm)
    # From near the middle of the widest section to beyond the wire.
    radius = float(np.sqrt(np.median(areas_mm2(struts.contours_mm)) / np.pi))
    inwards, outwards = int(np.ceil(0.95 * radius / SAMPLE_MM)), round(_OUTWARDS_MM / SAMPLE_MM)
    depth = np.linspace(-inwards, outwards, inwards + outwards + 1) * SAMPLE_MM
    values = sample_profiles(
        volume.voxels, volume.grid, struts.curve, struts.contours_mm, normals, depth
    ).values
    return Rays(struts, to_lps(normals, struts.curve), volume.grid, depth, values)


def unblurred(contours: FloatArray, curve: Curve, blur: Blur, grid: Grid) -> FloatArray:
    """Put a contour back outwards by what blur moved it inwards where it is curved."""
    normals = outward_normals(contours)
    tangents = np.stack([-normals[..., 1], normals[..., 0]], axis=-1)
    bend = ndimage.gaussian_filter1d(curvatures_per_mm(contours), 2.0, axis=1, mode="wrap")
    shift = curvature_shift(bend, to_lps(tangents, curve), blur, grid)
    result: FloatArray = contours + normals * shift[..., None]
    return result


def background(
    depth: FloatArray,
    width: FloatArray,
    lumen_depth_mm: FloatArray | float,
    levels: tuple[FloatArray, float, FloatArray],
) -> Float32Array:
    """Return (n, m, d) what the image would show without wire: lumen, tissue, outside, blurred."""
    inside, tissue, outside = levels
    places, spread = depth.astype(np.float32), width.astype(np.float32)[..., None]
    deep = np.asarray(lumen_depth_mm, dtype=np.float32)[..., None]
    result = share_beyond(places / spread)
    result *= (tissue - outside).astype(np.float32)[..., None]
    result += outside.astype(np.float32)[..., None]
    result += (
        share_beyond((places + deep) / spread) * (inside - tissue).astype(np.float32)[..., None]
    )
    return result


def outside_level(
    values: npt.NDArray[np.float32],
    depth: FloatArray,
    width: FloatArray,
    curve: Curve,
    contours: FloatArray,
) -> FloatArray:
    """Return (n, m) the level beyond the wire, averaged over the neighbouring wall."""
    clear = (depth >= _CLEAR_WIDTHS * width[..., None]) & (
        depth <= _CLEAR_WIDTHS * width[..., None] + _OUTSIDE_MM
    )
    total = np.where(clear, values, 0.0).sum(axis=2) / np.maximum(clear.sum(axis=2), 1)
    return averaged(total, curve, contours)


def averaged(
    values: FloatArray,
    curve: Curve,
    contours: FloatArray,
    over_mm: tuple[float, float] = _SMOOTHING_MM,
) -> FloatArray:
    """Average (n, ..., m) values over the neighbouring wall, so far along the stent and around."""
    station_mm = curve.step_mm
    point_mm = float(perimeters_mm(contours).mean()) / contours.shape[1]
    along = average_along(values, over_mm[0] / station_mm)
    around = average_around(along.reshape(-1, values.shape[-1]), over_mm[1] / point_mm)
    return around.reshape(values.shape)
