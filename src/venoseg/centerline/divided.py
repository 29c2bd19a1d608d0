"""Labels of a vein that a wall divides into lumens side by side, as old thrombosis leaves it.

Between such lumens lies a sheet of tissue a few millimetres thick. The vein is one: its course runs
down the middle of all its lumens, and its sections lie across all of them. So the sheet is filled
for tracing, and remembered for measuring.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.runs import runs_of
from venoseg.volume import BoolArray, Grid

# A sheet no thicker than this is filled; what lies farther apart are vessels of their own.
_THICKEST_MM = 5.0

# Lumens of this size, in slices over so great a height, are channels; less is a ragged label.
_LEAST_AREA_MM2 = 4.0
_LEAST_HEIGHT_MM = 5.0

# With the sheet between them the channels of one vein fill this share of their convex hull; two
# round vessels side by side have a waist, and fill less.
_LEAST_SOLIDITY = 0.92
_SUPPORT_LINES = 32


def sheets_between(mask: BoolArray, foreign: BoolArray, grid: Grid) -> BoolArray | None:
    """Mark what lies between lumens side by side.

    Parameters
    ----------
    mask
        (slices, rows, columns) the labels of a vein.
    foreign
        The labels of others.
    grid
        Of both.

    Returns
    -------
    BoolArray or None
        (slices, rows, columns) the sheets; None where there is none.
    """
    axis = grid.axial_axis
    slices = np.moveaxis(mask, axis, 0)
    spacing = np.delete(grid.spacing_mm, axis)
    least = max(2, int(np.ceil(_LEAST_HEIGHT_MM / grid.spacing_mm[axis])))
    interrupted = _runs(_interrupted(slices), least)
    if not interrupted:
        return None
    between = np.zeros_like(slices)
    for run in interrupted:
        for n in range(run.start, run.stop):
            found = _sheet(slices[n], spacing)
            if found is not None:
                between[n] = found
    kept = np.zeros(len(slices), dtype=bool)
    for run in _runs(np.asarray(between.any(axis=(1, 2))), least):
        kept[run] = True
    between[~kept] = False
    between &= ~np.moveaxis(foreign, axis, 0)
    return np.moveaxis(between, 0, axis) if between.any() else None


def _interrupted(slices: BoolArray) -> BoolArray:
    """Tell the slices that have a row or a column in which the labels leave off and begin again."""
    begins_in_rows = (slices[:, :, 1:] & ~slices[:, :, :-1]).sum(axis=2, dtype=np.uint8)
    begins_in_columns = (slices[:, 1:] & ~slices[:, :-1]).sum(axis=1, dtype=np.uint8)
    twice: BoolArray = (begins_in_rows > 1).any(axis=1) | (begins_in_columns > 1).any(axis=1)
    return twice


def _runs(chosen: BoolArray, least: int) -> list[slice]:
    """Return the runs of at least so many chosen slices."""
    return [slice(start, stop) for start, stop in runs_of(chosen) if stop - start >= least]


def _sheet(inside: BoolArray, spacing_mm: npt.NDArray[np.float64]) -> BoolArray | None:
    """Return what parts the lumens of one slice; None where they are no channels of one vein."""
    lumens, count = ndimage.label(inside)
    if count < 2:
        return None
    sizes = ndimage.sum_labels(inside, lumens, np.arange(1, count + 1)) * float(spacing_mm.prod())
    channels = np.isin(lumens, np.flatnonzero(sizes >= _LEAST_AREA_MM2) + 1)
    if ndimage.label(channels)[1] < 2:
        return None
    closed = _closed(channels, spacing_mm)
    if ndimage.label(closed)[1] > 1 or _solidity(closed) < _LEAST_SOLIDITY:
        return None
    between: BoolArray = closed & ~inside
    return between


def _closed(inside: BoolArray, spacing_mm: npt.NDArray[np.float64]) -> BoolArray:
    """Close what is no wider than a sheet can be."""
    reach = _THICKEST_MM / 2.0
    # With room around it, in which nothing that grows meets the border.
    margin = [int(np.ceil(reach / mm)) + 1 for mm in spacing_mm]
    around = np.pad(inside, [(m, m) for m in margin])
    wide = ndimage.distance_transform_edt(~around, sampling=spacing_mm) <= reach
    closed = ndimage.distance_transform_edt(wide, sampling=spacing_mm) > reach
    result: BoolArray = closed[tuple(slice(m, -m) for m in margin)] | inside
    return result


def _solidity(inside: BoolArray) -> float:
    """Return the share of the pixels of its convex hull that a region fills."""
    turn = np.arange(_SUPPORT_LINES) * (2.0 * np.pi / _SUPPORT_LINES)
    directions = np.stack([np.cos(turn), np.sin(turn)])
    support = (np.argwhere(inside) @ directions).max(axis=0)
    hull = (np.argwhere(np.ones_like(inside)) @ directions <= support + 1e-9).all(axis=1)
    return float(np.count_nonzero(inside) / np.count_nonzero(hull))
