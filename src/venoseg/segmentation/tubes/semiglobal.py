"""Smooth surfaces around a course by semi-global matching.

After Hirschmuller (2008, doi:10.1109/TPAMI.2007.1166), with radii in the place of disparities:
costs are passed along a tube and around it in both directions, and every ray takes the radius of
the least sum.
"""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.together import both
from venoseg.segmentation.working import Float32Array

# Cost of half a millimetre's jump to the next ray and to the next section, and of any jump.
_AROUND, _ALONG, _ANY = 0.07, 0.10, 1.2


def passed(cost: Float32Array) -> Float32Array:
    """Return the sums of the costs passed along four directions.

    Parameters
    ----------
    cost
        (n, rays, radii) what a wall at each radius costs.

    Returns
    -------
    Float32Array
        (n, rays, radii); on each ray the wall is best where the sum is least.
    """
    along, around = both(lambda: _passed_along(cost), lambda: _passed_around(cost))
    along += around
    along -= 3 * cost
    return along


def _passed_along(cost: Float32Array) -> Float32Array:
    """Sum the costs passed along the tube both ways, which are taken at once."""
    count, rays, _ = cost.shape
    first = cost.transpose(0, 2, 1)
    sums = np.concatenate([first, first[::-1]], axis=2)
    for n in range(1, count):
        sums[n] += _reached(sums[n - 1], _ALONG)
    out: Float32Array = sums[:, :, :rays] + sums[::-1, :, rays:]
    return out.transpose(0, 2, 1)


def _passed_around(cost: Float32Array) -> Float32Array:
    """Sum the costs passed around the tube both ways, which are taken at once."""
    count, rays, _ = cost.shape
    first = cost.transpose(1, 2, 0)
    own = np.concatenate([first, first[::-1]], axis=2)
    # What half a lap has told no ray before it changes: none is the first.
    previous = own[rays // 2]
    sums = np.empty_like(own)
    for lap in range(rays // 2 + 1, 2 * rays):
        n = lap % rays
        previous = sums[n] = own[n] + _reached(previous, _AROUND)
    out: Float32Array = sums[:, :, :count] + sums[::-1, :, count:]
    return out.transpose(2, 0, 1)


def _reached(previous: Float32Array, jump: float) -> Float32Array:
    """Return the least cost of coming to each radius, along axis 0, from any of the ray before."""
    least = previous.min(axis=0)
    reached: Float32Array = np.minimum(previous, least + np.float32(_ANY))
    dearer = np.empty_like(reached)
    # A longer jump than this costs as much as any.
    shift, most = 1, min(_ANY / jump, len(previous) - 1)
    while True:
        price = np.float32(shift * jump)
        dearer = np.add(reached, price, out=dearer)
        np.minimum(reached[:-shift], dearer[shift:], out=reached[:-shift])
        np.minimum(reached[shift:], dearer[:-shift], out=reached[shift:])
        if 2 * shift - 1 >= most:
            break
        shift *= 2
    reached -= least
    return reached
