"""Slits read again: what would be read of the outline that was found, held against what was read.

Across a slit blur joins the opposite walls, and at its tips it leaves no edge at all: a lumen
thinner than the blur shows only as a paler end. Where the edge of each ray comes to lie then
depends on the whole outline, not on the wall beside the ray. The outline found so far is therefore
blurred as the scanner blurs, its edge is read as that of the image was, and what the two readings
differ by is what the outline still lacks. This holds for tips of any shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft2, next_fast_len, rfft2

from venoseg.centerline.curve import Curve
from venoseg.interpolation import Float32Array, trilinear
from venoseg.lumen.boundary.levels import level_inside, level_outside
from venoseg.lumen.boundary.search import DEEPEST
from venoseg.lumen.boundary.tips import flat_share, perhaps_flat
from venoseg.lumen.geometry.contours import feret_diameters_mm, outward_normals
from venoseg.lumen.geometry.rings import following, lengths
from venoseg.lumen.rays.edges import Blur, Profiles, matched_offsets
from venoseg.lumen.rays.sight import inner_depths, outer_depths, typical_beyond
from venoseg.lumen.rays.smoothing import TIP_SMOOTHING_MM, Spacing, ramp, smooth_offsets, tip_share
from venoseg.volume import BoolArray, FloatArray, Grid

# Blur, and averages over the wall at tips, join the walls of lumens so many times as wide as their
# standard deviation; in part up to the second.
_JOINED = (4.0, 6.0)

# How often an outline is read again: at the tips each time brings it part of the way.
_ROUNDS = 2

# A tip that moves moves the less, by this power, the more a ray of it leans away from its own way:
# tips of slits taper.
_POINTED = 3

# Distance of the points of the planes on which outlines are blurred.
_PIXEL_MM = 0.35

# Blur reaches so many standard deviations.
_FAR = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How the edge was read on m rays of n stations.

    Attributes
    ----------
    curve
        The stations.
    contours_mm
        (n, m, 2) where the rays start; they run along its normals.
    radius_mm
        (n,) of these contours.
    depths_mm
        (d,) places along the rays.
    usable
        (n, m) which rays showed an edge.
    mean_mm
        (n, m) where it was, smoothed over the wall.
    width_mm
        (n, m) blur along the rays that was taken.
    blur, grid
        What blurs the lumen, and the grid of what it was read in.
    levels_read
        Whether the levels on either side were read as well, or are known, as those of labels are.
    """

    curve: Curve
    contours_mm: FloatArray
    radius_mm: FloatArray
    depths_mm: FloatArray
    usable: BoolArray
    mean_mm: FloatArray
    width_mm: FloatArray
    blur: Blur
    grid: Grid
    levels_read: bool

    def levels(
        self, values: Float32Array, which: npt.NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray]:
        """Return (k, m) the levels on either side when k stations show (k, m, d) values."""
        within, beyond = np.ones(self.mean_mm.shape), np.zeros(self.mean_mm.shape)
        if self.levels_read:
            inner = inner_depths(self.depths_mm, self.radius_mm[which]).astype(np.float64)
            inner /= np.maximum(inner.sum(axis=1, keepdims=True), 1.0)
            within[which] = np.einsum("kmd,kd->km", values, inner)
            by_depth = np.moveaxis(values, -1, 0)
            beyond[which] = typical_beyond(by_depth[outer_depths(self.depths_mm)])
            all_known = np.ones(within.shape)
            places = (all_known, Spacing.of(self.curve, self.contours_mm))
            within, _ = level_inside(within, *places, self.radius_mm)
            beyond = level_outside(beyond, *places)
        return within[which], beyond[which]


def slit_share(contours_mm: FloatArray, blur_mm: FloatArray) -> FloatArray:
    """Tell (n,) lumens that are slits to be read again, 1, from others, 0, with a ramp between.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines.
    blur_mm
        (n,) standard deviation of the blur in their planes.
    """
    share = np.zeros(len(contours_mm))
    perhaps = perhaps_flat(contours_mm)
    if perhaps.any():
        least, greatest, _ = feret_diameters_mm(contours_mm[perhaps])
        joins_mm = np.hypot(blur_mm[perhaps], TIP_SMOOTHING_MM)
        share[perhaps] = flat_share(least, greatest) * (1.0 - ramp(least / joins_mm, _JOINED))
    return share


def read_again(
    reading: Reading, found_mm: FloatArray, moved_mm: FloatArray, slits: FloatArray
) -> FloatArray:
    """Mend the outlines of slits.

    Parameters
    ----------
    reading
        Of n stations.
    found_mm
        (n, m, 2) their outlines as they are known so far, point by point of the rays.
    moved_mm
        (n, m) by how much, for other reasons than that they are slits, edges are read too far
        inside.
    slits
        (n,) which of them are.
    """
    which = np.flatnonzero(slits > 0.0)
    if len(which) == 0:
        return found_mm
    normals = outward_normals(reading.contours_mm)
    planes = _Planes.around(reading, normals, which)
    tips = _Tips.of(reading.contours_mm[which], normals[which])
    wanted = reading.mean_mm + moved_mm
    contours, offsets = found_mm.copy(), reading.mean_mm.copy()
    for _ in range(_ROUNDS):
        values = planes.seen(contours[which])
        offsets[which] = matched_offsets(
            Profiles(reading.depths_mm, values),
            *reading.levels(values, which),
            reading.width_mm[which],
            DEEPEST * reading.radius_mm[which],
        )
        usable = reading.usable
        shown = np.where(usable, offsets, 0.0)
        mean = smooth_offsets(shown, usable, reading.curve, reading.contours_mm, reading.grid)
        moves = tips.moved_as_one((wanted - mean)[which])
        contours[which] += moves[..., None] * tips.normals
    mended: FloatArray = found_mm + slits[:, None, None] * (contours - found_mm)
    return mended


@dataclass(frozen=True, slots=True, eq=False)
class _Planes:
    """Planes across a vein in which outlines are painted, blurred, and seen along rays.

    Attributes
    ----------
    corner_mm
        (k, 2) middle of the first pixel of each plane.
    shape
        Rows and columns.
    gain
        (k, rows, columns // 2 + 1) what blur leaves of each wave.
    places
        (3, k, m, d) plane, row and column of the points on the rays.
    """

    corner_mm: FloatArray
    shape: tuple[int, int]
    gain: Float32Array
    places: FloatArray

    @classmethod
    def around(cls, reading: Reading, normals: FloatArray, which: npt.NDArray[np.intp]) -> _Planes:
        """Return planes that hold the rays of some stations."""
        start, depths = reading.contours_mm[which], reading.depths_mm[:, None]
        points = start[:, :, None] + depths * normals[which][:, :, None]
        widest = max(reading.blur.in_plane_mm, reading.blur.through_plane_mm)
        ends = points[:, :, [0, -1]]
        corner = ends.min(axis=(1, 2)) - _FAR * widest
        size = ends.max(axis=(1, 2)) + _FAR * widest - corner
        columns, rows = (next_fast_len(int(mm / _PIXEL_MM) + 2) for mm in size.max(axis=0))
        index = (points - corner[:, None, None]) / _PIXEL_MM
        plane = np.broadcast_to(np.arange(len(which))[:, None, None], index.shape[:-1])
        places = np.stack([plane, index[..., 1], index[..., 0]])
        gain = _gain(reading.blur, reading.curve, reading.grid, which, (rows, columns))
        return cls(corner, (rows, columns), gain, places)

    def seen(self, contours_mm: FloatArray) -> Float32Array:
        """Return (k, m, d) what rays see of the insides of (k, m, 2) outlines, 1, blurred."""
        painted = _painted((contours_mm - self.corner_mm[:, None]) / _PIXEL_MM, self.shape)
        waves = rfft2(painted) * self.gain
        return trilinear(irfft2(waves, self.shape), self.places)


@dataclass(frozen=True, slots=True, eq=False)
class _Tips:
    """The two tips of k slits, each of which moves as one.

    How far a tip goes on is told by all its rays together. What they tell one by one says nothing
    about its shape, and would make a bulb of it.

    Attributes
    ----------
    normals
        (k, m, 2) directions of the rays.
    weights, lean
        (2, k, m) which rays belong to a tip, and how much of its way they go when it moves.
    """

    normals: FloatArray
    weights: FloatArray
    lean: FloatArray

    @classmethod
    def of(cls, contours_mm: FloatArray, normals: FloatArray) -> _Tips:
        """Return the tips of outlines (k, m, 2) with these normals."""
        *_, least = feret_diameters_mm(contours_mm)
        axis = np.stack([-np.sin(least), np.cos(least)], axis=-1)[:, None]
        ahead = (normals * axis).sum(axis=-1)
        weights = tip_share(contours_mm) * np.stack([ahead > 0.0, ahead < 0.0])
        pointing = (weights[..., None] * normals).sum(axis=2, keepdims=True)
        pointing /= np.maximum(lengths(pointing), 1e-9)[..., None]
        lean = np.maximum((normals * pointing).sum(axis=-1), 0.0) ** _POINTED
        return cls(normals, weights, lean)

    def moved_as_one(self, moves_mm: FloatArray) -> FloatArray:
        """Return (k, m) moves along the rays that take in as much at the tips as those given."""
        total = (self.weights * moves_mm).sum(axis=2, keepdims=True)
        way = total / np.maximum((self.weights * self.lean).sum(axis=2, keepdims=True), 1e-9)
        result: FloatArray = moves_mm + (self.weights * (way * self.lean - moves_mm)).sum(axis=0)
        return result


def _painted(outlines: FloatArray, shape: tuple[int, int]) -> Float32Array:
    """Return (k, rows, columns) the share of each pixel that (k, m, 2) outlines hold.

    In every row the outline is crossed where the row's middle meets it; a pixel is filled from
    there on, or up to there.
    """
    rows, columns = shape
    ahead = following(outlines)
    (x, y), (x_end, y_end) = np.moveaxis(outlines, -1, 0), np.moveaxis(ahead, -1, 0)
    row = np.arange(rows)
    upwards = y <= y_end
    low, high = np.minimum(y, y_end), np.maximum(y, y_end)
    crosses = (row[:, None, None] >= low) & (row[:, None, None] < high)
    at, plane, point = np.nonzero(crosses)
    x0, x1 = x[plane, point], x_end[plane, point]
    y0, y1 = y[plane, point], y_end[plane, point]
    # A pixel reaches half of its width to either side of its middle.
    place = x0 + (at - y0) / (y1 - y0) * (x1 - x0) + 0.5
    place = np.clip(place, 0.0, columns - 1e-6)
    column = place.astype(np.intp)
    filled = np.where(upwards[plane, point], -1.0, 1.0)
    share = filled * (place - column)
    begins = (plane * rows + at) * (columns + 1) + column
    size = len(outlines) * rows * (columns + 1)
    steps = np.bincount(begins, filled - share, size) + np.bincount(begins + 1, share, size)
    inside = np.cumsum(steps.reshape(len(outlines), rows, columns + 1), axis=2)[..., :-1]
    return inside.astype(np.float32)


def _gain(
    blur: Blur, curve: Curve, grid: Grid, which: npt.NDArray[np.intp], shape: tuple[int, int]
) -> Float32Array:
    """Return (k, rows, columns // 2 + 1) what the blur leaves of waves in the stations' planes."""
    slices = grid.directions[:, grid.through_axis]
    across, upward = curve.across[which] @ slices, curve.upward[which] @ slices
    # Reading between the pixels blurs a little by itself.
    plain = max(blur.in_plane_mm**2 - _PIXEL_MM**2 / 8.0, 0.0)
    more = blur.through_plane_mm**2 - blur.in_plane_mm**2
    kx = 2.0 * np.pi * np.fft.rfftfreq(shape[1], _PIXEL_MM)
    ky = 2.0 * np.pi * np.fft.fftfreq(shape[0], _PIXEL_MM)[:, None]
    lean = across[:, None, None] * kx + upward[:, None, None] * ky
    power = plain * (kx**2 + ky**2) + more * lean**2
    gain: Float32Array = np.exp(-0.5 * power).astype(np.float32)
    return gain
