"""Where the wall of a drawn cava may be the border of a stream, with blood behind it.

Behind the border of a stream lies blood, and behind that the wall: it becomes darker twice within
little more than a centimetre. Liver, too, is as bright as blood, but goes on for longer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from venoseg.segmentation.trust.judging import Doubt
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.curves import odd_count
from venoseg.segmentation.tubes.evidence import ENHANCED_HU
from venoseg.segmentation.tubes.sections import USUAL_UNLIKE, unlike_ovals
from venoseg.segmentation.tubes.wall import ROUND, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import BoolArray, FloatArray

# Along each ray, from the wall: inside it, just outside, and as far as the rest of a cava reaches.
_INSIDE_MM = np.array([-3.0, -2.0, -1.5])
_OUTSIDE_MM = np.array([1.5, 2.0, 3.0])
_FARTHER_MM = np.array([4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0])
# How much darker a stream is, how far blood is from its usual range, and how much darker than the
# least blood what lies behind all blood is.
_DARKER_HU, _GIVE_HU, _BEHIND_HU = 25.0, 10.0, 30.0
# Vessels that touch the cava look the same along so much of all its wall; what is more raises so
# many times as much doubt. A thin edge of liver looks the same too: no more than that.
_USUAL, _DOUBT, _LEAST = 0.05, 8.0, 0.55
# Where more than this of a section is so, its height is named.
_NAMED = 0.15
# A stream is as long as this at least.
_EVEN_MM = 9.0


def of_streams(tube: Tube, where: BoolArray, picture: Picture, most_hu: float) -> Iterator[Doubt]:
    """Doubt a cava of whose wall much may be the border of a stream.

    Parameters
    ----------
    tube
        The cava.
    where
        (n,) its open stations.
    picture
        The coarse picture.
    most_hu
        Grey value of the brightest blood there can be.
    """
    if not where.any():
        return
    border = np.zeros(len(where))
    border[where] = _borders(tube, where, picture, most_hu).mean(axis=1)
    share = float(border[where].mean())
    if share > _USUAL:
        high = heights(tube.course.points_lps_mm, border > _NAMED)
        words = f"blood of another grey value may lie behind {100 * share:.0f} % of its wall{high}"
        yield max(1.0 - _DOUBT * (share - _USUAL), _LEAST), f"{words}: a stream that was left out?"


def left_out(tube: Tube, picture: Picture, most_hu: float) -> BoolArray:
    """Tell at which of n stations a stream was left out of a cava.

    There much of the wall may be the border of a stream, and the rest of the cava is no oval.

    Parameters
    ----------
    tube, picture, most_hu
        As for `of_streams`.
    """
    odd = unlike_ovals(tube.radius_mm) > USUAL_UNLIKE
    border = np.zeros(len(odd))
    if odd.any():
        border[odd] = _borders(tube, odd, picture, most_hu).mean(axis=1)
    size = odd_count(_EVEN_MM, tube.course.step_mm)
    out: BoolArray = ndimage.median_filter(border, size=size, mode="nearest") > _USUAL
    return out


def _borders(tube: Tube, where: BoolArray, picture: Picture, most_hu: float) -> BoolArray:
    """Return (open stations, rays) where it becomes darker twice, and is blood between."""
    inside = _along(tube, where, picture, _INSIDE_MM).mean(axis=2)
    outside = _along(tube, where, picture, _OUTSIDE_MM)
    behind = _along(tube, where, picture, _FARTHER_MM).min(axis=2)
    blood = (outside.min(axis=2) > ENHANCED_HU - _GIVE_HU) & (outside.max(axis=2) < most_hu)
    darker = inside - outside.mean(axis=2) > _DARKER_HU
    borders: BoolArray = blood & darker & (behind < ENHANCED_HU - _BEHIND_HU)
    return borders


def _along(tube: Tube, where: BoolArray, picture: Picture, from_wall_mm: FloatArray) -> FloatArray:
    """Return (open stations, rays, distances) grey values so far from the wall, outwards."""
    course = tube.course
    rays = (
        course.first[where][:, None] * ROUND[:, :1] + course.second[where][:, None] * ROUND[:, 1:]
    )
    away = np.maximum(tube.radius_mm[where][:, :, None] + from_wall_mm, 0.0)
    points = course.points_lps_mm[where][:, None, None] + rays[:, :, None] * away[..., None]
    values: FloatArray = picture.mean_hu[picture.index(points.reshape(-1, 3))]
    return values.reshape(away.shape)
