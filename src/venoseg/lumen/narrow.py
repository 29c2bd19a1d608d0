"""What fitting a step misses in a lumen so narrow that blur joins its walls.

Towards the middle of a narrow lumen the image rises to no level: the opposite wall takes from it.
Level and edge are then read a little wrong. By how much follows from the images that a round lumen
(the noncentral chi-squared distribution) and the gap between two flat walls make when a Gaussian
blurs them, read in the same way: the walls of a slit are all but flat.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import chndtr, ndtr

from venoseg.lumen.contours import feret_diameters_mm
from venoseg.lumen.edges import Profiles, curvature_pull, matched_offsets
from venoseg.lumen.sight import expected_beyond, inner_depths
from venoseg.volume import BoolArray, FloatArray

# Radii in widths of the blur for which the miss is told, and beyond which there is none.
_FROM, _TO, _COUNT = 1.2, 6.0, 33

# Readings, each from where the one before has found the edge.
_TURNS = 3

# Where a radius that grows shows as one that grows by less than this share, neither tells the
# other.
_LEAST_GAIN = 0.5


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
    half = (true / typical)[:, None]

    def tube(places_mm: FloatArray) -> FloatArray:
        return np.asarray(chndtr(half**2, 2.0, (places_mm / typical) ** 2))

    def gap(places_mm: FloatArray) -> FloatArray:
        place = np.abs(places_mm) / typical
        return np.asarray(ndtr(half - place) - ndtr(-half - place))

    least, greatest, _ = feret_diameters_mm(contours_mm[narrow])
    round_mm, flat_mm = (
        _told(read, true, _read_off(image, bend, true, typical, depths_mm, deepest))
        for read, image, bend in ((radius_mm[narrow], tube, 1.0), (least / 2.0, gap, 0.0))
    )
    missed[narrow] = flat_mm + least / greatest * (round_mm - flat_mm)
    return missed


def _told(radius_mm: FloatArray, true_mm: FloatArray, off_mm: FloatArray) -> FloatArray:
    """Return how much too large (n,) radii were read, of which (k,) true ones are read as told."""
    read = true_mm + off_mm
    clear = _clear(read, true_mm)
    told: FloatArray = np.interp(radius_mm, read[clear], off_mm[clear], right=0.0)
    return told


def _read_off(
    image: Callable[[FloatArray], FloatArray],
    bend: float,
    true_mm: FloatArray,
    blur_mm: float,
    depths_mm: FloatArray,
    deepest: float,
) -> FloatArray:
    """Return (k,) by how much half the widths of lumens are read too large.

    Parameters
    ----------
    image
        Of (k, d) places from the middles of the lumens.
    bend
        How much their walls bend, as a share of a circle's.
    true_mm, blur_mm, depths_mm, deepest
        Half the true widths, and as `missed_mm` takes them.
    """
    width = np.full((len(true_mm), 1), blur_mm)
    read = true_mm
    for _ in range(_TURNS):
        # Every turn reads from where the one before has found the edge.
        seen = image(read[:, None] + depths_mm)
        inner = inner_depths(depths_mm, read)
        inside = np.where(inner, seen, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1)
        outside = expected_beyond(seen)
        profiles = Profiles(depths_mm, seen[:, None, :].astype(np.float32))
        offset = matched_offsets(
            profiles, inside[:, None], outside[:, None], width, deepest * read, rounds=8
        )
        read = read + offset[:, 0]
    result: FloatArray = read - true_mm + curvature_pull(bend / read, blur_mm)
    return result


def _clear(read: FloatArray, true: FloatArray) -> BoolArray:
    """Tell (k,) which radii what is read tells: those wider than the last that is not clear."""
    unclear = np.flatnonzero(np.diff(read) < _LEAST_GAIN * np.diff(true))
    return np.arange(len(true)) > (unclear[-1] if len(unclear) else -1)
