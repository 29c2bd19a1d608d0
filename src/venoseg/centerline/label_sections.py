"""The labels of a vein in the planes across its course."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region, box_around
from venoseg.centerline.sections import (
    central_component,
    numbered_in_planes,
    plane_offsets_mm,
    sample_planes,
    widened,
)
from venoseg.interpolation import trilinear
from venoseg.volume import BoolArray, FloatArray

# Around what planes show so many empty points are kept.
_EMPTY_MARGIN = 2

# A section whose rim lies against another vein by more than this share does not show one vein.
SHARED_RIM = 0.05

# A section that has lost this share of the area of the next one inwards is cut by the label's end.
_CUT_SHARE = 0.97

# A vein whose course nowhere rises by more than this (cosine to the slices' normal) lies in the
# slices. Its highest and lowest ones then hold less than this share of the voxels of the fullest,
# where labels have not been cut off: a round vein's top is narrower than its middle.
_LYING, _FLAT_TOP = 0.34, 0.9

# A lumen that tapers towards an occlusion narrows with the root of its area; one that the label's
# end cuts off keeps its width until little is left of it. The border lies between the two powers;
# so many sections that keep this share of their area must show it.
_TAPER_POWER = 0.35
_TAPER_SECTIONS, _TAPER_LEAST_SHARE = 4, 0.3

# No taper loses more than this from one section to the next.
_SUDDEN_SHARE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class LabelSections:
    """A region in n planes of m x m points.

    Attributes
    ----------
    offsets_mm
        (m,) positions of the points along either axis of a plane, as far as any plane shows
        something.
    planes
        (n, m, m) float32, 1 inside the region and 0 outside, in between at its edge.
    numbers
        (n, m, m) of the connected parts inside, from 1 on, plane after plane; 0 outside.
    core
        (n, m, m) the part of each plane that is the vein at the station.
    middles_lps_mm
        (n, 3) centre of area of the core; the curve's own point where it is empty.
    areas_mm2
        (n,) its area, 0 where it is empty.
    extent_mm
        (n,) distance from its centre to its farthest point.
    shared
        (n,) share of its rim that lies against another vein.
    """

    offsets_mm: FloatArray
    planes: npt.NDArray[np.float32]
    numbers: npt.NDArray[np.int32]
    core: BoolArray
    middles_lps_mm: FloatArray
    areas_mm2: FloatArray
    extent_mm: FloatArray
    shared: FloatArray


def label_sections(
    region: Region, curve: Curve, half_width_mm: float, step_mm: float
) -> LabelSections:
    """Cut a region by the planes across a curve.

    Parameters
    ----------
    region
        The voxels.
    curve
        n stations.
    half_width_mm, step_mm
        How far from the station to look, and how finely.
    """
    offsets = plane_offsets_mm(half_width_mm, step_mm)
    planes = sample_planes(region.mask.view(np.uint8), region.grid, curve, offsets)
    middle = _shown(planes)
    offsets, planes = offsets[middle], planes[:, middle, middle]
    numbers = numbered_in_planes(planes > 0.5)
    core = central_component(numbers)
    weight = np.where(widened(core), planes, np.float32(0.0))
    by_row, by_column = np.einsum("nij->ni", weight), np.einsum("nij->nj", weight)
    total = by_row.sum(axis=1, dtype=np.float64)
    safe = np.where(total > 0, total, 1.0)
    up, across = (by_row @ offsets) / safe, (by_column @ offsets) / safe
    return LabelSections(
        offsets_mm=offsets,
        planes=planes,
        numbers=numbers,
        core=core,
        middles_lps_mm=curve.points_lps_mm
        + up[:, None] * curve.upward
        + across[:, None] * curve.across,
        areas_mm2=total * step_mm**2,
        extent_mm=_extent_mm(core, offsets, up, across),
        shared=_shared_rim(region, curve, offsets, core),
    )


def _shown(planes: npt.NDArray[np.float32]) -> slice:
    """Return the part of both axes of (n, m, m) planes that shows something, its middle theirs.

    With an empty margin, in which what is shown may be smoothed and widened.
    """
    shadow = planes.max(axis=0) > 0.0
    either = shadow.any(axis=0) | shadow.any(axis=1)
    empty = int(np.argmax(either | either[::-1])) if either.any() else len(either) // 2
    first = max(empty - _EMPTY_MARGIN, 0)
    return slice(first, len(either) - first)


def _extent_mm(
    core: BoolArray, offsets_mm: FloatArray, up_mm: FloatArray, across_mm: FloatArray
) -> FloatArray:
    """Return (n,) the distance of the farthest point of (n, m, m) planes from a place in each."""
    # The farthest point of a row is its first or its last.
    first, last = core.argmax(axis=2), core.shape[2] - 1 - core[:, :, ::-1].argmax(axis=2)
    aside = np.maximum(
        np.abs(offsets_mm[first] - across_mm[:, None]),
        np.abs(offsets_mm[last] - across_mm[:, None]),
    )
    squared = (offsets_mm - up_mm[:, None]) ** 2 + aside**2
    extent: FloatArray = np.sqrt(np.where(core.any(axis=2), squared, 0.0).max(axis=1))
    return extent


def cut_by_slices(curve: Curve, extent_mm: FloatArray, region: Region) -> BoolArray:
    """Tell which sections reach beyond the first or last axial slice of the region.

    Labels mostly end at an axial slice, however the voxels are stored; a section askew to it is cut
    there.

    Parameters
    ----------
    curve
        n stations.
    extent_mm
        (n,) radius of each section.
    region
        The voxels.
    """
    axis = region.grid.axial_axis
    by_slice = np.moveaxis(region.owner, axis, 0)
    slices = np.flatnonzero(by_slice.max(axis=(1, 2)))
    if len(slices) == 0:  # an edit took the whole vein away
        return np.ones(len(curve), dtype=bool)
    normal = region.grid.directions[:, axis]
    along = np.abs(curve.tangents @ normal).max()
    if along < _LYING:
        labelled = np.count_nonzero(by_slice, axis=(1, 2))
        # The highest slices of a vein that lies in them show its wall, not the end of its labels.
        if labelled[slices[[0, -1]]].max() < _FLAT_TOP * labelled.max():
            return np.zeros(len(curve), dtype=bool)
    lean = np.sqrt(np.clip(1.0 - (curve.tangents @ normal) ** 2, 0.0, 1.0))
    height = region.grid.to_index(curve.points_lps_mm)[:, axis]
    half = lean * extent_mm / region.grid.spacing_mm[axis]
    cut: BoolArray = (height - half < slices[0] - 0.5) | (height + half > slices[-1] + 0.5)
    return cut


def cut_by_end(area_mm2: FloatArray, extent_mm: FloatArray, step_mm: float) -> BoolArray:
    """Tell which of consecutive sections at either end shrink because the labels end there.

    Parameters
    ----------
    area_mm2, extent_mm
        (n,) area and radius of the sections; 0 where nothing is labelled, as in an occlusion.
    step_mm
        Their distance.
    """
    cut = np.zeros(len(area_mm2), dtype=bool)
    labelled = area_mm2 > 0
    if not labelled.any():
        return cut
    reach = int(np.ceil(2 * np.median(extent_mm[labelled]) / step_mm))
    for order in (slice(None), slice(None, None, -1)):
        area, extent, flagged = area_mm2[order], extent_mm[order], cut[order]
        zone = min(len(area) // 3, reach)
        lost = area[:zone] < _CUT_SHARE * area[1 : zone + 1]
        # Askew voxels leave pieces beyond the end that need not shrink outwards.
        outer = np.maximum.accumulate(area[:zone])
        pieces = (area[:zone] > 0.0) & (outer < _SUDDEN_SHARE * area[1 : zone + 1])
        if pieces.any():
            lost[: int(np.flatnonzero(pieces)[-1])] = True
        shrinking = zone if lost.all() else int(np.argmin(lost))
        if _tapers(area[: shrinking + 1], extent[: shrinking + 1]):
            sudden = np.flatnonzero(area[:shrinking] < _SUDDEN_SHARE * area[1 : shrinking + 1])
            shrinking = int(sudden[-1]) + 1 if len(sudden) else 0
        flagged[:shrinking] = True
    return cut


def _tapers(area_mm2: FloatArray, extent_mm: FloatArray) -> bool:
    """Tell whether sections that lose area outwards from the last become narrower as well."""
    shown = area_mm2 >= _TAPER_LEAST_SHARE * area_mm2[-1]
    if np.count_nonzero(shown) <= _TAPER_SECTIONS:
        return False
    lost = np.log(area_mm2[shown] / area_mm2[-1])
    narrowed = np.log(extent_mm[shown] / extent_mm[-1])
    return bool(narrowed @ lost >= _TAPER_POWER * (lost @ lost))


def _shared_rim(
    region: Region, curve: Curve, offsets_mm: FloatArray, core: BoolArray
) -> FloatArray:
    """Return (n,) the share of each section's rim that another vein occupies."""
    share = np.zeros(len(curve))
    near = _near_foreign(region, curve, np.sqrt(2.0) * float(offsets_mm[-1]))
    if len(near) == 0:
        return share
    inside = core[near]
    rim = widened(widened(inside)) & ~inside
    station, row, column = np.nonzero(rim)
    points = (
        curve.points_lps_mm[near[station]]
        + offsets_mm[row, None] * curve.upward[near[station]]
        + offsets_mm[column, None] * curve.across[near[station]]
    )
    foreign = trilinear(region.foreign.view(np.uint8), region.grid.to_index(points).T) > 0.25
    count = np.bincount(station, minlength=len(near))
    share[near] = np.bincount(station, foreign, len(near)) / np.maximum(count, 1)
    return share


def _near_foreign(region: Region, curve: Curve, reach_mm: float) -> npt.NDArray[np.intp]:
    """Return the stations that have a voxel of another vein within reach, or may have."""
    index = region.grid.to_index(curve.points_lps_mm)
    reach = reach_mm / region.grid.spacing_mm + 1.0
    # Of a few stations little of the region is within reach.
    begin = np.maximum(np.floor(index.min(axis=0) - reach), 0.0).astype(np.intp)
    end = np.maximum(np.ceil(index.max(axis=0) + reach) + 1.0, 0.0).astype(np.intp)
    part = region.foreign[tuple(map(slice, begin, end))]
    box = box_around(part.view(np.uint8)) if part.size else None
    if box is None:
        return np.empty(0, dtype=np.intp)
    lowest, highest = begin + [s.start - 1.0 for s in box], begin + [float(s.stop) for s in box]
    nearest = np.clip(index, lowest, highest)
    away = np.linalg.norm((index - nearest) * region.grid.spacing_mm, axis=1)
    return np.flatnonzero(away <= reach_mm)
