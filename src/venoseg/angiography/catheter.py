"""The outer width of a catheter in the frame, from the shadow of its shaft.

A shaft is only a few pixels wide, so its edges are not where the shadow is steepest: they come from
a fit of the whole shadow. Rays run through a full cylinder along chords, sqrt(r^2 - x^2); a wall
around an empty lumen lacks the chords of the lumen. The intensity behind it is blurred. Blur and
width are told apart by the shape of the shadow, which takes many pixels: the shaft is followed
beyond the given line. Every pixel counts where it lies, without interpolation. Marker bands are
wider than the shaft and left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from venoseg.angiography.run import Image
from venoseg.angiography.shaft import Point, follow_shaft
from venoseg.angiography.shaft_noise import (
    SHARPENED_PX,
    alike_of_neighbours,
    independent,
    spread_by_noise,
)
from venoseg.angiography.shaft_shadow import BESIDE_PX, shadow_of
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# The background changes over such a length.
_KNOT_PX = 35.0

# An empty or filled lumen is believed when it explains so much, in units of the noise's variance,
# leaves less than this share of what a full shaft leaves, and what it explains is at least so large
# a part of the shaft's opacity: blur of another shape than a bell does less.
_BELIEVED = 12.0
_CLEARLY = 0.9
_MARKED = 0.01

# Blur found at the vein, where it has little effect, is known to this standard deviation.
_BLUR_SD_PX = 0.1

# Half widths of 95 %: of what blur of another shape than a bell does to the width of a wide shaft,
# and of the bell that such blur is taken for, which a narrow shaft turns into width.
_MODEL_PX = 0.05
_MODEL_BLUR_PX = 0.05

# Nine tenths of a shaft are at least so dense, as a share of the less dense part of it.
_EVENLY = 0.25

_BAND = 0.5
_BAND_REACH_PX = 3
_BAND_SCATTERS = 4.0
_STANDS_OUT = 5.0
_ROUNDS = 3
_OUTLYING = 2.5
_LEAST_PIXELS = 200
_WIDTHS_PX = (1.0, 14.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Pixels near the shaft.

    ``place`` (n, 2) column and row, ``aside_px`` (n,) distance from the rough axis, ``knots``
    (n, k) shares of knots along it, ``value`` (n,) attenuation; ``opacity`` is the shaft's.
    Pixels ``inner`` (n',) are compared; ``sharpened`` (n', n) makes their noise independent.
    """

    place: npt.NDArray[np.int64]
    aside_px: FloatArray
    knots: FloatArray
    value: FloatArray
    opacity: float
    inner: npt.NDArray[np.intp]
    sharpened: csr_array | None = None

    def seen(self, values: FloatArray) -> FloatArray:
        """Return (n', ...) values as they are compared, of (n, ...) at the pixels."""
        shown: FloatArray = (
            values[self.inner] if self.sharpened is None else self.sharpened @ values
        )
        return shown

    def with_sharp_noise(self, next_to: float) -> _Pixels:
        """Return the same pixels, compared where neighbouring noise, so alike, is independent."""
        sharpened, whole = independent(self.place, next_to)
        near = np.isin(whole, self.inner)
        return replace(self, sharpened=sharpened[near], inner=whole[near])


@dataclass(frozen=True, slots=True)
class _Fitted:
    """``per_blur``: by how much the width would change for a pixel more of blur.

    ``next_to``: how alike the noise of neighbouring pixels is.
    """

    width_px: float
    width_sd_px: float
    per_blur: float
    left: FloatArray
    noise: float
    distinct: float
    next_to: float

    @property
    def misfit(self) -> float:
        return float(np.mean(self.left**2))


def catheter_width(
    native: Image, first_px: Point, second_px: Point, blur_px: float
) -> tuple[float, float]:
    """Return the width of a catheter in pixels and the relative half width of its 95 % interval.

    Parameters
    ----------
    native
        (rows, columns) attenuation, not subtracted.
    first_px, second_px
        Column and row of the ends of a line along the catheter or across it.
    blur_px
        Standard deviation of the picture's blur as far as it is known.

    Raises
    ------
    MeasurementError
        When no catheter stands out along or across the line.
    """
    pixels = _near(native, first_px, second_px)
    full = _fit(pixels, blur_px, hollow=False)
    other = _fit(pixels, blur_px, hollow=True)
    found = other if _is_hollow(full, other, pixels.opacity, blur_px) else full
    low, high = _WIDTHS_PX
    inside = 1.05 * low < found.width_px < 0.95 * high
    if not inside or found.distinct < _STANDS_OUT or found.width_sd_px > 0.25 * found.width_px:
        raise no_catheter()
    # Width and blur differ in what changes from pixel to pixel. Blurred noise holds little of that:
    # compared as if all noise were alike, it is lost.
    sharp = pixels.with_sharp_noise(found.next_to)
    if len(sharp.inner) >= _LEAST_PIXELS:
        # That costs the pixels at the ends of each stretch: wide shafts lose more than they gain.
        again = _fit(sharp, blur_px, hollow=found is other)
        found = min(found, again, key=_half_px)
    return found.width_px, _half_px(found) / found.width_px


def _half_px(found: _Fitted) -> float:
    """Return the half width of the 95 % interval of a width."""
    of_blur = _MODEL_BLUR_PX * found.per_blur
    return float(np.linalg.norm([1.96 * found.width_sd_px, _MODEL_PX, of_blur]))


def _is_hollow(full: _Fitted, other: _Fitted, opacity: float, blur_px: float) -> bool:
    gain = full.misfit - other.misfit
    worth = len(full.left) / _alike(blur_px)
    return (
        gain * worth > _BELIEVED * other.noise**2
        and other.misfit < _CLEARLY * full.misfit
        and gain > (_MARKED * opacity) ** 2
    )


def no_catheter() -> MeasurementError:
    """Return what is said where no shaft can be measured."""
    return MeasurementError(
        "no catheter of even width stands out along or across the line",
        remedy="draw the line on a straight, dense piece of the catheter, away from bone edges",
    )


def _near(native: Image, first_px: Point, second_px: Point) -> _Pixels:
    course, density = follow_shaft(native, first_px, second_px)
    points, normals = course.points_px, course.normals
    reach = BESIDE_PX + SHARPENED_PX
    low = np.maximum(np.floor(points.min(axis=0) - reach).astype(int), 0)
    high = np.ceil(points.max(axis=0) + reach).astype(int) + 1
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]]
    inside = (rows < native.shape[0]) & (columns < native.shape[1])
    place = np.stack([columns[inside], rows[inside]], axis=1).astype(np.float64)
    station = cKDTree(points).query(place)[1]
    offset = place - points[station]
    aside = np.einsum("ij,ij->i", offset, normals[station])
    along = offset[:, 1] * normals[station, 0] - offset[:, 0] * normals[station, 1]
    low, usual = np.percentile(density, [10.0, 30.0])
    if low <= _EVENLY * usual or usual <= 0.0:
        raise no_catheter()
    plain = ~_banded(density)
    kept = (np.abs(aside) < reach) & (np.abs(along) < 1.0) & plain[station]
    inner = np.flatnonzero(np.abs(aside[kept]) < BESIDE_PX)
    if len(inner) < _LEAST_PIXELS:
        raise no_catheter()
    position = course.position_px[station[kept]] + along[kept]
    count = max(int(course.position_px[-1] / _KNOT_PX) + 1, 2)
    at = np.clip(position / course.position_px[-1], 0.0, 1.0) * (count - 1)
    knots = np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(count)))
    # A knot between bands that hide the shaft has no pixels of its own.
    knots = knots[:, knots.sum(axis=0) > 5.0]
    whole = place[kept].astype(np.int64)
    value = native[whole[:, 1], whole[:, 0]].astype(np.float64)
    opacity = max(float(np.median(density[plain])), 0.02)
    return _Pixels(whole, aside[kept], knots, value, opacity, inner)


def _banded(density: FloatArray) -> BoolArray:
    """Return where the shaft is much denser than it usually is, as under a band."""
    usual = float(np.percentile(density, 30.0))
    # The lower part holds no bands: its scatter is noise, which the faintest shafts hardly exceed.
    scatter = _BAND_SCATTERS * (usual - float(np.percentile(density, 5.0)))
    marked = np.abs(density - usual) > max(_BAND * usual, scatter, 1e-6)
    return np.asarray(ndimage.binary_dilation(marked, iterations=_BAND_REACH_PX))


def _fit(pixels: _Pixels, blur_px: float, *, hollow: bool) -> _Fitted:
    """Fit width, blur, the axis and, of a hollow shaft, how empty its lumen is."""
    count = pixels.knots.shape[1]
    value = pixels.seen(pixels.value)
    place = pixels.place[pixels.inner]
    weight = np.ones(len(value))
    alike = _alike(blur_px) if pixels.sharpened is None else 1.0
    noise = 0.0

    def whole(shape: FloatArray) -> tuple[FloatArray, FloatArray]:
        parts = pixels.seen(_parts(pixels, shape))
        weighted = (parts * weight[:, None] ** 2).T
        square = weighted @ parts
        # A knot may have no pixels of which all neighbours are there: it then counts for nothing.
        square[np.diag_indices_from(square)] *= 1.0 + 1e-9
        square[np.diag_indices_from(square)] += 1e-12 * np.trace(square)
        factors = np.linalg.solve(square, weighted @ value)
        return value - parts @ factors, np.asarray(factors, dtype=np.float64)

    def left(free: FloatArray) -> FloatArray:
        shape = free if hollow else np.insert(free, 2, 0.0)
        held = noise * np.sqrt(alike) * (shape[1] - blur_px) / _BLUR_SD_PX
        return np.append(whole(shape)[0] * weight, held)

    start = np.concatenate([[4.0, blur_px], [0.1] * hollow, np.zeros(count)])
    low = np.concatenate([[_WIDTHS_PX[0], 0.2], [-1.5] * hollow, np.full(count, -2.0)])
    high = np.concatenate([[_WIDTHS_PX[1], 3.0], [1.0] * hollow, np.full(count, 2.0)])
    scale = np.concatenate([[0.3, 0.1], [0.3] * hollow, np.full(count, 0.2)])
    for _ in range(_ROUNDS):
        found = least_squares(left, start, x_scale=scale, bounds=(low, high), ftol=1e-6, xtol=1e-5)
        start = np.clip(found.x, low + 1e-6, high - 1e-6)
        rest, factors = whole(start if hollow else np.insert(start, 2, 0.0))
        noise = max(1.4826 * float(np.median(np.abs(rest))), 1e-9)
        weight = 1.0 / np.sqrt(np.maximum(1.0, np.abs(rest) / (_OUTLYING * noise)))
    jacobian = found.jac[:-1]
    inverse = np.linalg.pinv(found.jac.T @ found.jac)
    next_to = alike_of_neighbours(place, rest * weight)
    spread = spread_by_noise(place, jacobian * weight[:, None], rest * weight)
    # The blur that was held is as uncertain as it was held for.
    held_row = found.jac[-1:] * noise * np.sqrt(alike)
    covariance = inverse @ (spread + held_row.T @ held_row) @ inverse
    height = float(np.median(factors[:count]))
    worth = np.sqrt(len(rest) / alike)
    return _Fitted(
        float(start[0]),
        float(np.sqrt(covariance[0, 0])),
        _width_per_blur(jacobian),
        rest * weight,
        noise,
        height * worth / noise / 5.0,
        next_to,
    )


def _alike(blur_px: float) -> float:
    """Return how many pixels are worth one: noise is blurred along with the picture."""
    return max(4.0 * np.pi * blur_px**2, 1.0)


def _width_per_blur(jacobian: FloatArray) -> float:
    """Return by how much the width that fits best changes when another blur is taken for true."""
    others = np.delete(jacobian, 1, axis=1)
    return float(np.linalg.lstsq(others, -jacobian[:, 1], rcond=None)[0][0])


def _parts(pixels: _Pixels, shape: FloatArray) -> FloatArray:
    """Return (n, 3 k) shadow, background and its slant, each at every knot."""
    width, blur, emptiness = shape[:3]
    aside = pixels.aside_px - pixels.knots @ shape[3:]
    shadow = shadow_of(aside, width, blur, emptiness, pixels.opacity)
    return np.concatenate(
        [
            shadow[:, None] * pixels.knots,
            pixels.knots,
            (pixels.aside_px / BESIDE_PX)[:, None] * pixels.knots,
        ],
        axis=1,
    )
