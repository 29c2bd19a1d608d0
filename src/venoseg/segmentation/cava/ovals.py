"""Ovals across a vein: how much of their rim the image shows.

Where liver is as bright as blood most of a cava's wall is faint or hidden, and what is sharp is
often that of the liver behind. A cava is an oval all of whose rim is wall: of all ovals the one is
meant that most of the rim shows of, however faintly, and that holds nothing but what may be blood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.tubes.curves import Course
from venoseg.segmentation.working import Float32Array
from venoseg.volume import FloatArray, Volume

POINTS = 24
"""So many points of a rim are looked at."""
_ANGLE = 2 * np.pi * np.arange(POINTS) / POINTS
_UNIT = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=-1)
_HALF_MM, _PIXEL_MM = 30.0, 1.0
# Over how far along the vein, and across it, noise is evened; over how far a step is told.
_ALONG_MM, _ACROSS_MM, _BESIDE_MM, _APART = 4.0, 0.7, 1.5, 3
# The least step that counts, and in scatters of steps between places that look alike.
_LEAST_STEP_HU, _SCATTERS, _MOST_STEP_HU = 6.0, 1.2, 60.0
# Behind a step lies what may be blood too: a stream, or liver as bright. It counts for less.
_LIKE_BLOOD = 0.75
# What is no blood, by these differences, inside.
_DARKER_HU, _BRIGHTER_HU, _NO_BLOOD = 30.0, 40.0, 1.5
# How unusual areas and lengths over widths are: the spread of their logarithm and twice what one
# spread away costs, for lengths over widths after the usual one.
_UNUSUAL_AREA, _USUAL_ASPECT = (0.4, 0.10), (1.55, 0.3, 0.05)
# Steps are evened over so many points of a rim.
_TURNS = (-2, -1, 0, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Grey values across a course at n stations, evened along it.

    Attributes
    ----------
    values
        (n, size, size) 1 mm apart, with the course in the middle.
    least_hu, most_hu
        Between which blood lies.
    step_hu
        A step of this size is one.
    """

    values: Float32Array
    least_hu: float
    most_hu: float
    step_hu: float


@dataclass(frozen=True, slots=True, eq=False)
class Rims:
    """Closed lines across a vein.

    Attributes
    ----------
    points_mm, outwards
        (..., points, 2) places from the course, and unit vectors across the line.
    weight
        (..., points) shares of the line's length.
    """

    points_mm: FloatArray
    outwards: FloatArray
    weight: FloatArray


def planes_across(volume: Volume, course: Course, least_hu: float, most_hu: float) -> Planes:
    """Return planes across a course; ``least_hu`` and ``most_hu`` bound what may be blood."""
    at = np.arange(-_HALF_MM, _HALF_MM + 0.5 * _PIXEL_MM, _PIXEL_MM)
    grid = volume.grid
    start = grid.to_index(course.points_lps_mm)
    first, second = (
        (grid.to_index(course.points_lps_mm + across) - start).T[:, :, None, None]
        for across in (course.first, course.second)
    )
    index = start.T[:, :, None, None] + first * at[:, None] + second * at
    sampled = ndimage.map_coordinates(volume.voxels, index, np.float32, order=1, mode="nearest")
    sigma = (_ALONG_MM / course.step_mm, _ACROSS_MM, _ACROSS_MM)
    values = ndimage.gaussian_filter(sampled, sigma, mode="nearest")
    blood = (values > least_hu) & (values < most_hu)
    alike = blood[:, :, _APART:] & blood[:, :, :-_APART]
    steps = np.abs(values[:, :, _APART:] - values[:, :, :-_APART])[alike]
    scatter = 1.48 * float(np.median(steps)) if len(steps) else 0.0
    return Planes(values, least_hu, most_hu, max(_LEAST_STEP_HU, _SCATTERS * scatter))


def rims_of(centre_mm: FloatArray, root_mm: FloatArray) -> Rims:
    """Return the rims of ovals.

    Parameters
    ----------
    centre_mm
        (..., 2).
    root_mm
        (..., 2, 2) symmetric: what makes the oval out of a circle of a millimetre.
    """
    from_middle = np.einsum("...ij,pj->...pi", root_mm, _UNIT)
    outwards = np.einsum("...ij,pj->...pi", np.linalg.inv(root_mm), _UNIT)
    outwards /= np.linalg.norm(outwards, axis=-1, keepdims=True)
    along = np.einsum("...ij,pj->...pi", root_mm, _UNIT[:, ::-1] * (-1.0, 1.0))
    weight = np.linalg.norm(along, axis=-1)
    weight /= weight.sum(axis=-1, keepdims=True)
    return Rims(centre_mm[..., None, :] + from_middle, outwards, weight)


def roots_of(area_mm2: FloatArray, aspect: FloatArray, angle: FloatArray) -> FloatArray:
    """Return (n, 2, 2) the roots of ovals of an area, a length over width and a direction."""
    width = np.sqrt(area_mm2 / np.pi / aspect)
    turn = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    across = turn[:, ::-1] * (-1.0, 1.0)
    root: FloatArray = (width * aspect)[:, None, None] * turn[:, :, None] * turn[:, None]
    root += width[:, None, None] * across[:, :, None] * across[:, None]
    return root


def scored(
    planes: Planes, station: npt.NDArray[np.int64], rims: Rims
) -> tuple[FloatArray, FloatArray]:
    """Tell how well rims fit, and how much of them shows.

    Parameters
    ----------
    planes
        The planes.
    station
        (...) in which of them each rim lies.
    rims
        (..., points) the rims.

    Returns
    -------
    score
        (...) 1 for a rim that steps to no blood all around, and only blood inside.
    shown
        (...) share of the rim that shows.
    """
    size = planes.values.shape[1]
    flat = planes.values.ravel()
    base = np.asarray(station)[..., None] * size**2

    def at(points_mm: FloatArray) -> Float32Array:
        pixel = (points_mm + (_HALF_MM + 0.5 * _PIXEL_MM)) / _PIXEL_MM
        index = np.clip(pixel.astype(np.int32), 0, size - 1)
        values: Float32Array = flat[base + index[..., 0] * size + index[..., 1]]
        return values

    beside = _BESIDE_MM * rims.outwards
    inside, outside = at(rims.points_mm - beside), at(rims.points_mm + beside)
    step = inside - outside
    even = sum(np.roll(step, turn, axis=-1) for turn in _TURNS) / len(_TURNS)
    shown = 1.0 - np.exp(-((np.clip(even, -_MOST_STEP_HU, _MOST_STEP_HU) / planes.step_hu) ** 2))
    blood = (outside > planes.least_hu) & (outside < planes.most_hu)
    other = _no_blood(planes, inside)
    centre = rims.points_mm.mean(axis=-2, keepdims=True)
    deep = _no_blood(planes, at(0.5 * (centre + rims.points_mm[..., ::2, :])))
    each = shown * np.where(blood, _LIKE_BLOOD, 1.0) - _NO_BLOOD * other
    score = np.sum(each * rims.weight, axis=-1) - deep.mean(axis=-1)
    return score, np.sum(shown * rims.weight, axis=-1)


def _no_blood(planes: Planes, hu: Float32Array) -> Float32Array:
    darker = np.clip((planes.least_hu - hu) / _DARKER_HU, 0.0, 1.0)
    brighter = np.clip((hu - planes.most_hu) / _BRIGHTER_HU, 0.0, 1.0)
    both: Float32Array = darker + brighter
    return both


def unusual_area(area_mm2: FloatArray, usual_mm2: float) -> FloatArray:
    """Return what the size of a cava adds to a score: at most nothing."""
    return _unusual(area_mm2, usual_mm2, *_UNUSUAL_AREA)


def unusual_shape(aspect: FloatArray) -> FloatArray:
    """Return what its length over width adds."""
    return _unusual(aspect, *_USUAL_ASPECT)


def _unusual(value: FloatArray, usual: float, spread: float, weight: float) -> FloatArray:
    out: FloatArray = -0.5 * weight * (np.log(value / usual) / spread) ** 2
    return out
