"""What fitting a step misses in a lumen so narrow that blur joins its walls.

Towards the middle of a narrow lumen the image rises to no level: the opposite wall takes from it.
Level and edge are then read a little wrong. By how much follows from the images that a round lumen
(the noncentral chi-squared distribution) and the gap between two flat walls make when a Gaussian
blurs them, read in the same way: the walls of a slit are all but flat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chndtr, ndtr

from venoseg.lumen.geometry.contours import equivalent_mm, feret_diameters_mm
from venoseg.lumen.rays.blur import SCANNER_MM
from venoseg.lumen.rays.edges import Profiles, curvature_pull, matched_offsets
from venoseg.lumen.rays.sight import expected_beyond, inner_depths
from venoseg.volume import BoolArray, FloatArray

# Radii in widths of the blur for which the miss is told, and beyond which there is none.
_FROM, _TO, _COUNT = 1.2, 6.0, 33

# Readings, each from where the one before has found the edge.
_TURNS = 3

# Where the image does not tell it, the scanner's blur is with 95 % between these: that of sharp
# kernels and of the smoothest for the body. So many of them are tried.
_BLURS_MM, _BLURS = (0.4, 1.2), 7

# Where a radius that grows shows as one that grows by less than this share, neither tells the
# other.
_LEAST_GAIN = 0.5


@dataclass(frozen=True, slots=True)
class _Lumen:
    """A lumen in a blurred image.

    ``image`` takes half its width, places from its middle and the blur; ``bend`` is how much its
    wall bends, as a share of a circle's.
    """

    image: Callable[[FloatArray, FloatArray, float], FloatArray]
    bend: float


def _tube(half_mm: FloatArray, places_mm: FloatArray, blur_mm: float) -> FloatArray:
    return np.asarray(chndtr((half_mm / blur_mm) ** 2, 2.0, (places_mm / blur_mm) ** 2))


def _gap(half_mm: FloatArray, places_mm: FloatArray, blur_mm: float) -> FloatArray:
    half, place = half_mm / blur_mm, np.abs(places_mm) / blur_mm
    return np.asarray(ndtr(half - place) - ndtr(-half - place))


_TUBE, _GAP = _Lumen(_tube, 1.0), _Lumen(_gap, 0.0)


def missed_mm(
    contours_mm: FloatArray,
    radius_mm: FloatArray,
    blur_mm: FloatArray,
    depths_mm: FloatArray,
    deepest: float,
) -> FloatArray:
    """Return (n,) how much too large the mean radius of lumens was read.

    Parameters
    ----------
    contours_mm
        (n, m, 2) lumens as they were read.
    radius_mm
        (n,) their radii, with what blur takes from bent walls given back.
    blur_mm
        (n,) blur in the plane: standard deviation.
    depths_mm
        (d,) positions along the normals.
    deepest
        Share of the radius over which a profile was followed inwards.
    """
    missed = np.zeros(len(radius_mm))
    narrow = radius_mm < _TO * blur_mm
    if not narrow.any():
        return missed
    typical = float(np.median(blur_mm[narrow]))
    true = np.linspace(_FROM, _TO, _COUNT) * typical
    least, greatest, _ = feret_diameters_mm(contours_mm[narrow])
    round_mm, flat_mm = (
        _told(read, true, _read_off(lumen, true, typical, typical, depths_mm, deepest))
        for read, lumen in ((radius_mm[narrow], _TUBE), (least / 2.0, _GAP))
    )
    missed[narrow] = flat_mm + least / greatest * (round_mm - flat_mm)
    return missed


def for_every_blur_mm(
    contours_mm: FloatArray,
    half_mm: FloatArray,
    blur_mm: FloatArray,
    depths_mm: FloatArray,
    deepest: float,
) -> FloatArray:
    """Widen intervals of diameters where the image does not tell its blur.

    The more blurred a lumen is that is hardly wider than the blur, the wider it is read. Of every
    blur that a scanner may have it is asked which lumens would be read within the interval.

    Parameters
    ----------
    contours_mm
        (n, m, 2) lumens.
    half_mm
        (n, 2) half widths of the intervals of the equivalent and the minimum diameter as they are
        with the blur that was expected.
    blur_mm
        (n,) that blur.
    depths_mm, deepest
        As `missed_mm` takes them.

    Returns
    -------
    FloatArray
        (n, 2) half widths that hold all these lumens.
    """
    least, greatest, _ = feret_diameters_mm(contours_mm)
    radii = np.stack([equivalent_mm(contours_mm), least], axis=1) / 2.0
    typical = float(np.median(blur_mm))
    true = np.linspace(_FROM, _TO, _COUNT) * typical
    scanners_mm2 = np.linspace(*_BLURS_MM, _BLURS) ** 2
    blurs = np.sqrt(np.maximum(typical**2 - SCANNER_MM**2 + scanners_mm2, _BLURS_MM[0] ** 2))

    def half(lumen: _Lumen) -> FloatArray:
        ways = (typical, depths_mm, deepest)
        as_expected = true + _read_off(lumen, true, typical, *ways)
        low, high = (
            np.interp(radii + end, true, as_expected) for end in (-half_mm / 2.0, half_mm / 2.0)
        )
        most = half_mm / 2.0
        for blur in blurs.tolist():
            read = true + _read_off(lumen, true, blur, *ways)
            ends = np.interp([low, high], read, true) - radii
            # Where no lumen would be read as narrow as that the blur is another.
            most = np.where(high >= read[0], np.maximum(most, np.abs(ends).max(axis=0)), most)
        return 2.0 * most

    flat_mm = half(_GAP)
    widened: FloatArray = flat_mm + (least / greatest)[:, None] * (half(_TUBE) - flat_mm)
    return np.where((radii < _TO * typical - half_mm)[:, :1], widened, half_mm)


def _told(radius_mm: FloatArray, true_mm: FloatArray, off_mm: FloatArray) -> FloatArray:
    """Return how much too large (n,) radii were read, of which (k,) true ones are read as told."""
    read = true_mm + off_mm
    clear = _clear(read, true_mm)
    told: FloatArray = np.interp(radius_mm, read[clear], off_mm[clear], right=0.0)
    return told


def _read_off(
    lumen: _Lumen,
    true_mm: FloatArray,
    blur_mm: float,
    expected_mm: float,
    depths_mm: FloatArray,
    deepest: float,
) -> FloatArray:
    """Return (k,) by how much half the widths of lumens are read too large.

    Parameters
    ----------
    lumen
        What they look like.
    true_mm
        Half their true widths.
    blur_mm, expected_mm
        How blurred the image is, and how blurred the edge that is fitted to it.
    depths_mm, deepest
        As `missed_mm` takes them.
    """
    width = np.full((len(true_mm), 1), expected_mm)
    read = true_mm
    for _ in range(_TURNS):
        # Every turn reads from where the one before has found the edge.
        seen = lumen.image(true_mm[:, None], read[:, None] + depths_mm, blur_mm)
        inner = inner_depths(depths_mm, read)
        inside = np.where(inner, seen, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1)
        outside = expected_beyond(seen)
        profiles = Profiles(depths_mm, seen[:, None, :].astype(np.float32))
        offset = matched_offsets(
            profiles, inside[:, None], outside[:, None], width, deepest * read, rounds=8
        )
        read = read + offset[:, 0]
    result: FloatArray = read - true_mm + curvature_pull(lumen.bend / read, expected_mm)
    return result


def _clear(read: FloatArray, true: FloatArray) -> BoolArray:
    """Tell (k,) which radii what is read tells: those wider than the last that is not clear."""
    unclear = np.flatnonzero(np.diff(read) < _LEAST_GAIN * np.diff(true))
    return np.arange(len(true)) > (unclear[-1] if len(unclear) else -1)
