"""Flat veins: rays that reach farther along a section than across it.

From a point inside a flat vein only few rays lead into its far ends, and the wall would have to
jump from ray to ray to reach them. Where the rays are stretched along the section it looks round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.tubes.wall import RAYS, ROUND
from venoseg.volume import BoolArray, FloatArray

# A section is stretched by its length over its width, less this factor, at most so much.
_ROUND_ENOUGH, _MOST = 1.2, 2.5
_EVEN_MM = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Stretched:
    """Rays across each of n sections.

    Attributes
    ----------
    rays_mm
        (n, rays, 2) their directions; of a round section of a millimetre each.
    factor
        (n,) how much longer they are along the section than across it.
    along
        (n, 2) unit vectors along the sections.
    """

    rays_mm: FloatArray
    factor: FloatArray
    along: FloatArray


def no_stretch(count: int) -> Stretched:
    """Return round rays across ``count`` sections."""
    along = np.broadcast_to(ROUND[0], (count, 2))
    return Stretched(np.broadcast_to(ROUND, (count, RAYS, 2)), np.ones(count), along)


def stretch_of(radius_mm: FloatArray, may_be_flat: BoolArray, step_mm: float) -> Stretched:
    """Return rays that are stretched as sections are, evenly along the course.

    Parameters
    ----------
    radius_mm
        (n, rays) distance of the wall on round rays.
    may_be_flat
        (n,) whether a long section may be one vein; elsewhere it may be two.
    step_mm
        Distance of the sections.
    """
    # Moments of the area within the wall, about its middle.
    area = np.sum(radius_mm**2, axis=1)[:, None] / 2.0
    middle = np.einsum("nr,rk->nk", radius_mm**3, ROUND) / 3.0 / area
    spread = np.einsum("nr,ri,rj->nij", radius_mm**4, ROUND, ROUND) / 4.0 / area[:, :, None]
    spread -= middle[:, :, None] * middle[:, None]
    # Tensors, unlike angles, can be averaged.
    sigma = (_EVEN_MM / step_mm / 2.0, 0.0, 0.0)
    value, vector = np.linalg.eigh(ndimage.gaussian_filter(spread, sigma, mode="nearest"))
    aspect = np.sqrt(value[:, 1] / np.maximum(value[:, 0], 1e-6))
    factor = np.where(may_be_flat, np.clip(aspect / _ROUND_ENOUGH, 1.0, _MOST), 1.0)
    factor = ndimage.gaussian_filter1d(factor, sigma[0], mode="nearest")
    along = vector[:, :, 1]
    # The rays of each section begin at the same side, so that walls pass on from one to the next.
    along = along * np.where(along[:, :1] + 1e-3 * along[:, 1:] < 0, -1.0, 1.0)
    share = np.einsum("rk,nk->nr", ROUND, along)
    rays = ROUND + ((factor - 1.0)[:, None] * share)[:, :, None] * along[:, None]
    return Stretched(rays, factor, along)


def on_round_rays(
    stretched: Stretched, radius: FloatArray, *others: FloatArray
) -> list[FloatArray]:
    """Return (n, rays) the wall, and values at it, on round rays.

    Parameters
    ----------
    stretched
        The rays that the wall was found on.
    radius
        (n, rays) where the wall crosses them, in lengths of each.
    *others
        (n, rays) further values of the same rays.
    """
    # The round ray between two stretched ones is a round ray stretched the other way.
    share = stretched.along @ ROUND.T
    less = (1.0 / stretched.factor - 1.0)[:, None] * share
    back = ROUND + less[:, :, None] * stretched.along[:, None]
    ray = np.arctan2(back[:, :, 1], back[:, :, 0]) / (2 * np.pi) * RAYS
    before = np.floor(ray + 1e-9)
    part, before = ray - before, before.astype(np.int64) % RAYS
    after = (before + 1) % RAYS
    away = radius * np.linalg.norm(stretched.rays_mm, axis=2)
    out = []
    for one in (away, *others):
        low, high = (np.take_along_axis(one, at, axis=1) for at in (before, after))
        out.append((1.0 - part) * low + part * high)
    return out
