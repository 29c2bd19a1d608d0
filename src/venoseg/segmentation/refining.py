"""From coarse labels to the lumen's true edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.anatomy import BY_NAME
from venoseg.segmentation.model import LabelArray, Segmentation
from venoseg.segmentation.working import Float32Array, box_around
from venoseg.volume import BoolArray, FloatArray, Volume

_SMOOTH_MM = 0.6
_BAND_MM = 3.0
_LEAST_STEP_HU = 20.0
_PIECE_MM = 12.0
# Where what lies beyond the edge is looked at, and how far that holds.
_RIM_MM, _SPREAD_MM, _LEAST_WEIGHT = (2.0, 4.0), 1.5, 0.02
_ENHANCED_HU = 66.0


def refine(volume: Volume, segmentation: Segmentation) -> Segmentation:
    """Move the edge of coarse labels to the edge in the image, where the image shows one.

    Piece by piece along each vein the grey value of its core is taken, and all around that of what
    lies beyond its edge; the edge lies where the image is halfway between the two, within 3 mm of
    the coarse edge. Where blood and surroundings do not differ by 20 HU, as without contrast or
    beside an artery as bright, the coarse edge stays.

    Parameters
    ----------
    volume
        The CT.
    segmentation
        Labels on its grid, for example of a model that works at 3 or 1.5 mm.

    Returns
    -------
    Segmentation
        The same veins, with the flag ``refined``; ``labels_not_refined`` where the image showed
        no edge along a part of a vein.
    """
    labels = np.zeros_like(segmentation.labels)
    flags = {"refined"}
    for value, name in segmentation.names.items():
        mask = segmentation.labels == value
        if not mask.any() or name not in BY_NAME:
            continue
        refined, whole = _refined(volume, mask, segmentation.labels)
        labels[refined & (labels == 0)] = value
        if not whole:
            flags.add("labels_not_refined")
    kept = tuple(sorted({*segmentation.flags, *flags}))
    return replace(segmentation, labels=labels, flags=kept)


def _refined(volume: Volume, mask: BoolArray, labels: LabelArray) -> tuple[BoolArray, bool]:
    """Return one vein with its edge moved, and whether the image showed it everywhere."""
    grid = volume.grid
    out = np.zeros_like(mask)
    whole = True
    voxels = np.argwhere(mask)
    box = box_around(grid, grid.to_lps(voxels[:: max(1, len(voxels) // 20000)]), 12.0)
    inner, place = mask[box], grid.crop(box)
    others = (labels[box] > 0) & ~inner
    smooth = ndimage.gaussian_filter(
        volume.voxels[box], _SMOOTH_MM / place.spacing_mm, output=np.float32
    )
    inside = ndimage.distance_transform_edt(inner, sampling=place.spacing_mm)
    outside = ndimage.distance_transform_edt(~inner, sampling=place.spacing_mm)
    tissue = _beyond(smooth, outside, others, place.spacing_mm)
    result = np.zeros_like(inner)
    z = place.to_lps(np.argwhere(inner))[:, 2]
    for part in _pieces(inner, place.axial_axis, z):
        mid = _halfway(smooth[part], inside[part], outside[part])
        band = outside[part] <= _BAND_MM
        if mid is None:
            result[part] |= inner[part]
            whole = False
            continue
        # Bone and metal are brighter than blood and are no part of it.
        blood, low, high = mid
        low_here = np.where(np.isnan(tissue[part]), low, 0.5 * (blood + tissue[part]))
        fits = (smooth[part] >= low_here) & (smooth[part] <= high)
        no_edge = blood - tissue[part] < _LEAST_STEP_HU
        result[part] |= np.where(no_edge, inner[part], fits & band) & ~others[part]
    result &= ~others
    result = _joined(result, inside)
    out[box] = result
    return out, whole


def _beyond(
    smooth: Float32Array, outside: Float32Array, others: BoolArray, spacing: FloatArray
) -> Float32Array:
    """Return the grey value of what lies beyond the coarse edge near each voxel, NaN in the core.

    Fat and muscle may lie beside the same piece of a vein, with edges at two grey values.
    """
    rim = (outside > _RIM_MM[0]) & (outside <= _RIM_MM[1]) & ~others
    sigma = _SPREAD_MM / spacing
    weight = ndimage.gaussian_filter(rim.astype(np.float32), sigma, truncate=3.0)
    value = ndimage.gaussian_filter(np.where(rim, smooth, np.float32(0)), sigma, truncate=3.0)
    near: Float32Array = np.full(smooth.shape, np.nan, dtype=np.float32)
    np.divide(value, weight, out=near, where=weight > _LEAST_WEIGHT)
    return near


def _pieces(mask: BoolArray, axis: int, z: FloatArray) -> Iterator[tuple[slice, slice, slice]]:
    """Give boxes of slices, about `_PIECE_MM` thick, across the body's axis."""
    held = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
    extent = max(float(np.ptp(z)), 1.0)
    thickness = max(1, round(_PIECE_MM / extent * (held[-1] - held[0] + 1)))
    for start in range(int(held[0]), int(held[-1]) + 1, thickness):
        slices = [slice(0, n) for n in mask.shape]
        slices[axis] = slice(start, min(start + thickness, int(held[-1]) + 1))
        yield slices[0], slices[1], slices[2]


def _halfway(
    smooth: Float32Array, inside: Float32Array, outside: Float32Array
) -> tuple[float, float, float] | None:
    """Return the grey value of blood and its range; None where blood does not stand out."""
    reach = float(inside.max())
    if reach <= 0:
        return None
    core = smooth[inside >= 0.6 * reach]
    around = smooth[(outside > 0.5 * _BAND_MM) & (outside <= _BAND_MM)]
    if len(core) < 8 or len(around) < 8:
        return None
    blood, tissue = float(np.median(core)), float(np.median(around))
    if blood < _ENHANCED_HU or blood - tissue < _LEAST_STEP_HU:
        return None
    return blood, (blood + tissue) / 2.0, blood + max(80.0, 0.6 * (blood - tissue))


def _joined(result: BoolArray, inside: Float32Array) -> BoolArray:
    """Keep what hangs together with the coarse labels' core, without holes and whiskers."""
    opened = ndimage.binary_opening(result) | (result & (inside > 0))
    pieces, count = ndimage.label(opened)
    if count == 0:
        return result
    kept = np.unique(pieces[(inside > 0) & (pieces > 0)])
    joined: BoolArray = ndimage.binary_fill_holes(np.isin(pieces, kept))
    return joined
