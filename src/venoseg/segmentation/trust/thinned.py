"""Where a drawn vein is much narrower than before and after.

Arteries that cross a vein narrow it over a short way. Where its course leaves its middle, or the
track of an artery leaves the artery for the vein beside it, only a sliver is drawn for longer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from venoseg.segmentation.trust.judging import Doubt
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import BoolArray, FloatArray, Grid

# Areas are evened over this. The usual area before, and after, is the median of what lies between
# the two distances.
_EVEN_MM, _NEAR_MM, _FAR_MM = 5.0, 12.0, 48.0
# Less than this share of both is narrow. How much doubt a share of the length raises.
_NARROW, _LEAST_SHARE, _DOUBT = 0.5, 0.05, 2.5


def of_slivers(drawn: Drawn, label: int) -> Iterator[Doubt]:
    """Doubt a vein of which much is narrow between wide stretches."""
    grid = drawn.grid
    axis = grid.axial_axis
    counts = np.bincount(drawn.index[drawn.value == label, axis], minlength=grid.shape[axis])
    held = np.flatnonzero(counts)
    if len(held) == 0:
        return
    area = counts[held[0] : held[-1] + 1].astype(np.float64)
    thin = narrow_between(area, float(grid.spacing_mm[axis]))
    share = float(thin.sum()) / len(held)
    if share > _LEAST_SHARE:
        places = _places(grid, held[0] + np.arange(len(area)))
        down = np.argsort(-places[:, 2])
        where = heights(places[down], thin[down])
        words = f"less than half as wide along {100 * share:.0f} %{where} as before and after"
        yield 1.0 - _DOUBT * share, f"{words}: narrowed there, or a part of it was missed"


def narrow_between(area: FloatArray, spacing_mm: float) -> BoolArray:
    """Tell which of n slices hold much less of a vein than those before and those after.

    Parameters
    ----------
    area
        (n,) of the vein in each slice, in any unit; 0 where nothing is drawn, which counts for
        nothing.
    spacing_mm
        Distance of the slices.
    """
    even = ndimage.uniform_filter1d(area, max(1, round(_EVEN_MM / spacing_mm)), mode="nearest")
    near, far = round(_NEAR_MM / spacing_mm), round(_FAR_MM / spacing_mm)
    before, after = _usual(area, near, far), _usual(area[::-1], near, far)[::-1]
    narrow: BoolArray = (area > 0) & (even < _NARROW * np.minimum(before, after))
    return narrow


def _usual(area: FloatArray, near: int, far: int) -> FloatArray:
    """Return (n,) the median of what is drawn from ``far`` to ``near`` slices before each; or 0."""
    # What is not drawn counts as wider than anything, so that it comes last in each window.
    drawn = np.concatenate([np.full(far, np.inf), np.where(area > 0, area, np.inf)])
    windows = np.sort(sliding_window_view(drawn, far - near + 1)[: len(area)], axis=1)
    count = np.isfinite(windows).sum(axis=1)
    middles = np.stack([(count - 1) // 2, count // 2], axis=1)
    usual: FloatArray = np.take_along_axis(windows, middles, axis=1).mean(axis=1)
    return np.where(count > 0, usual, 0.0)


def _places(grid: Grid, slices: np.ndarray) -> FloatArray:
    """Return (n, 3) the middle of each of some slices across the body."""
    index = np.tile((np.array(grid.shape) - 1) / 2.0, (len(slices), 1))
    index[:, grid.axial_axis] = slices
    return grid.to_lps(index)
