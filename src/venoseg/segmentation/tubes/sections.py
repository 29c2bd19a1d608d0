"""By how much sections of a vein differ from ovals."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.tubes.wall import ROUND
from venoseg.volume import FloatArray

USUAL_UNLIKE = 0.1
"""Share of its area by which a section may differ from an oval."""


def unlike_ovals(radius_mm: FloatArray) -> FloatArray:
    """Return (n,) by which share of its area each section differs from the ellipse most like it.

    That is the ellipse of the same area, centroid and second moments (Green's theorem on the
    polygon; cf. Steger, "On the calculation of arbitrary moments of polygons", 1996).

    Parameters
    ----------
    radius_mm
        (n, rays) distance of the wall along each of `ROUND`.
    """
    x, y = np.moveaxis(radius_mm[:, :, None] * ROUND, -1, 0)
    x, y = x - _mean(x, y, x), y - _mean(x, y, y)
    after = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    twice = x * after[1] - after[0] * y
    area = twice.sum(axis=1) / 2.0

    def moment(p: FloatArray, q: FloatArray) -> FloatArray:
        p2, q2 = np.roll(p, -1, axis=1), np.roll(q, -1, axis=1)
        both = 2.0 * (p * q + p2 * q2) + p * q2 + p2 * q
        mean: FloatArray = (twice * both).sum(axis=1) / 24.0 / area
        return mean

    spread = np.stack([moment(x, x), moment(x, y), moment(x, y), moment(y, y)], axis=-1)
    inverse = np.linalg.inv(4.0 * spread.reshape(-1, 2, 2))
    # Where the ellipse is a circle of radius 1, a sector's area goes with the square of its radius.
    points = np.stack([x, y], axis=-1)
    square = np.einsum("nri,nij,nrj->nr", points, inverse, points)
    sector = twice / np.maximum(square, 1e-6)
    unlike: FloatArray = (np.abs(square - 1.0) * sector).sum(axis=1) / 2.0 / area
    return unlike


def _mean(x: FloatArray, y: FloatArray, of: FloatArray) -> FloatArray:
    """Return (n, 1) the mean of a coordinate over the inside of each polygon."""
    twice = x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y
    total = (twice * (of + np.roll(of, -1, axis=1))).sum(axis=1) / 3.0
    mean: FloatArray = total / twice.sum(axis=1)
    return mean[:, None]
