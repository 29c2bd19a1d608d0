"""From a rough path to the line through the middles of the cross-sections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.centerline.curve import Curve, curve_through, resample, smooth
from venoseg.centerline.regions import Region
from venoseg.centerline.sections import central_component, plane_offsets_mm, sample_planes
from venoseg.volume import BoolArray, FloatArray

# Distance of the sections whose middles are taken, round after round.
_ROUNDS_MM = (3.0, 2.0, 1.0, 1.0)

# A rough path zigzags between pooled voxels; this much smoothing gives it usable directions.
_ROUGH_SMOOTHING_MM = 10.0

# A section that has lost this share of the area of the next one inwards is cut by the label's end.
_CUT_SHARE = 0.97

# A section whose rim lies against another vein by more than this share does not show one vein.
SHARED_RIM = 0.05

# Where the labels' end cuts the sections, the line goes on with the curvature of this many sections
# before, if they span enough to tell a curvature.
_BEND_POINTS = 20
_BEND_LEAST_MM = 8.0

# Weight of a point that only holds its place: it bends to its neighbours.
_UNTRUSTED = 1e-3

# Weight of a point found by going on with the curvature.
_EXTRAPOLATED = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Middles:
    """The middles of n sections.

    Attributes
    ----------
    points_lps_mm
        (n, 3); the curve's own point where the section is empty.
    areas_mm2
        (n,) 0 where the section is empty.
    extent_mm
        (n,) distance from the middle to the farthest point of the section.
    shared
        (n,) share of the section's rim that lies against another vein.
    """

    points_lps_mm: FloatArray
    areas_mm2: FloatArray
    extent_mm: FloatArray
    shared: FloatArray


def reach_mm(region: Region, path_lps_mm: FloatArray) -> float:
    """Return the largest distance of the region's voxels from a path."""
    voxels = np.argwhere(region.owner)
    thinned = voxels[:: max(1, len(voxels) // 20_000)]
    distance = cKDTree(path_lps_mm).query(region.grid.to_lps(thinned))[0]
    return float(distance.max())


def centre(
    region: Region, path_lps_mm: FloatArray, begin_lps_mm: FloatArray | None = None
) -> FloatArray:
    """Move a path into the middles of the region's sections.

    Parameters
    ----------
    region
        The voxels.
    path_lps_mm
        (n, 3) points inside the region, not necessarily reaching its ends.
    begin_lps_mm
        (3,) where the path has to begin; None: it begins where the region begins.

    Returns
    -------
    FloatArray
        (m, 3) points of a smooth curve that ends where the region ends.
    """
    half_width = min(1.2 * reach_mm(region, path_lps_mm) + 2.0, 45.0)
    path = smooth(resample(path_lps_mm, 1.0), None, _ROUGH_SMOOTHING_MM)
    for station_mm in _ROUNDS_MM:
        path = _lengthened(path, half_width, begin=begin_lps_mm is None)
        curve = curve_through(path, station_mm)
        middles = section_middles(region, curve, half_width)
        part = _longest_run(middles.areas_mm2 > 0)
        points, weights = _trusted(region, curve.part(part), middles, part)
        if begin_lps_mm is not None:
            tangents = curve.tangents[part]
            points, weights = _anchored(points, weights, tangents, begin_lps_mm, station_mm)
        path = smooth(points, weights)
    return path


def section_middles(region: Region, curve: Curve, half_width_mm: float) -> Middles:
    """Find the centre of area of the region in every plane across a curve."""
    step = float(np.clip(0.6 * region.grid.spacing_mm.min(), 0.4, 1.0))
    offsets = plane_offsets_mm(half_width_mm, step)
    planes = sample_planes(region.mask.view(np.uint8), region.grid, curve, offsets)
    core = central_component(planes > 0.5)
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True
    fringe = ndimage.binary_dilation(core, in_plane)
    weight = np.where(fringe, planes, 0.0)
    total = weight.sum(axis=(1, 2), dtype=np.float64)
    safe = np.where(total > 0, total, 1.0)
    up = (weight.sum(axis=2, dtype=np.float64) @ offsets) / safe
    across = (weight.sum(axis=1, dtype=np.float64) @ offsets) / safe
    points = curve.points_lps_mm + up[:, None] * curve.upward + across[:, None] * curve.across
    squared = (offsets[None, :, None] - up[:, None, None]) ** 2 + (
        offsets[None, None, :] - across[:, None, None]
    ) ** 2
    extent = np.sqrt(np.where(core, squared, 0.0).max(axis=(1, 2)))
    shared = _shared_rim(region, curve, offsets, core)
    return Middles(points, total * step**2, extent, shared)


def _shared_rim(
    region: Region, curve: Curve, offsets_mm: FloatArray, core: BoolArray
) -> FloatArray:
    """Return (n,) the share of each section's rim that another vein occupies."""
    shared = np.zeros(len(curve))
    voxels = np.argwhere(region.foreign)
    if len(voxels) == 0:
        return shared
    reach = np.hypot(offsets_mm[-1], offsets_mm[-1])
    distance = cKDTree(region.grid.to_lps(voxels)).query(
        curve.points_lps_mm, distance_upper_bound=reach
    )[0]
    near = np.flatnonzero(np.isfinite(distance))
    if len(near) == 0:
        return shared
    stations = Curve(*(getattr(curve, name)[near] for name in Curve.__slots__))
    foreign = sample_planes(region.foreign.view(np.uint8), region.grid, stations, offsets_mm)
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True
    inner = core[near]
    rim = ndimage.binary_dilation(inner, in_plane, iterations=2) & ~inner
    count = np.maximum(rim.sum(axis=(1, 2)), 1)
    shared[near] = (rim & (foreign > 0.25)).sum(axis=(1, 2)) / count
    return shared


def _trusted(
    region: Region, curve: Curve, middles: Middles, part: slice
) -> tuple[FloatArray, FloatArray]:
    """Return points and weights; a section that is not the vein alone weighs next to nothing."""
    area, extent = middles.areas_mm2[part], middles.extent_mm[part]
    doubtful = (
        cut_by_end(area, extent, float(curve.position_mm[1] - curve.position_mm[0]))
        | cut_by_slices(curve, extent, region)
        | (middles.shared[part] > SHARED_RIM)
    )
    if doubtful.all():
        doubtful[:] = False
    points = np.where(doubtful[:, None], curve.points_lps_mm, middles.points_lps_mm[part])
    weights = np.where(doubtful, _UNTRUSTED, 1.0)
    good = np.flatnonzero(~doubtful)
    before, after = slice(0, int(good[0])), slice(int(good[-1]) + 1, len(points))
    for end, known in ((before, good[:_BEND_POINTS]), (after, good[-_BEND_POINTS:])):
        if np.ptp(curve.position_mm[known]) >= _BEND_LEAST_MM:
            points[end] = _bent_on(points[known], curve.position_mm[known], curve.position_mm[end])
            weights[end] = _EXTRAPOLATED
    return points, weights


def _bent_on(points: FloatArray, at_mm: FloatArray, wanted_mm: FloatArray) -> FloatArray:
    """Go on with the curvature of (n, 3) points known at ``at_mm`` to the positions wanted."""
    origin = at_mm.mean()
    fit = np.polynomial.polynomial.polyfit(at_mm - origin, points, 2)
    onward: FloatArray = np.polynomial.polynomial.polyval(wanted_mm - origin, fit).T
    return onward


def cut_by_slices(curve: Curve, extent_mm: FloatArray, region: Region) -> BoolArray:
    """Tell which sections reach beyond the first or last slice of the region.

    Labels mostly end at a slice; a section askew to it is cut there.

    Parameters
    ----------
    curve
        n stations.
    extent_mm
        (n,) radius of each section.
    region
        The voxels.
    """
    slices = np.flatnonzero(region.owner.any(axis=(1, 2)))
    normal = region.grid.directions[:, 0]
    lean = np.sqrt(np.clip(1.0 - (curve.tangents @ normal) ** 2, 0.0, 1.0))
    height = region.grid.to_index(curve.points_lps_mm)[:, 0]
    half = lean * extent_mm / region.grid.spacing_mm[0]
    cut: BoolArray = (height - half < slices[0] - 0.5) | (height + half > slices[-1] + 0.5)
    return cut


def cut_by_end(area_mm2: FloatArray, extent_mm: FloatArray, step_mm: float) -> BoolArray:
    """Tell which of consecutive sections at either end shrink because the labels end there.

    Parameters
    ----------
    area_mm2, extent_mm
        (n,) area and radius of the sections.
    step_mm
        Their distance.
    """
    cut = np.zeros(len(area_mm2), dtype=bool)
    for order in (slice(None), slice(None, None, -1)):
        area, flagged = area_mm2[order], cut[order]
        zone = min(len(area) // 3, int(np.ceil(2 * np.median(extent_mm) / step_mm)))
        for n in range(zone):
            if area[n] >= _CUT_SHARE * area[n + 1]:
                break
            flagged[n] = True
    return cut


def _lengthened(path: FloatArray, by_mm: float, *, begin: bool) -> FloatArray:
    """Prolong a path straight on at its end, and at its beginning if asked."""
    span = min(len(path) - 1, 5)
    ahead, behind = path[-1] - path[-1 - span], path[0] - path[span]
    tail = path[-1] + ahead / np.linalg.norm(ahead) * by_mm
    head = path[0] + behind / np.linalg.norm(behind) * by_mm
    return np.vstack([head, path, tail]) if begin else np.vstack([path, tail])


def _anchored(
    points: FloatArray,
    weights: FloatArray,
    tangents: FloatArray,
    anchor: FloatArray,
    station_mm: float,
) -> tuple[FloatArray, FloatArray]:
    """Begin at the anchor and go straight to the first trusted point ahead of it."""
    ahead = np.einsum("ij,ij->i", points - anchor, tangents) > station_mm
    start = int(np.argmax((weights > _EXTRAPOLATED) & ahead))
    straight = resample(np.vstack([anchor, points[start]]), station_mm)[:-1]
    weight = np.full(len(straight), _UNTRUSTED)
    weight[0] = 1.0
    return np.vstack([straight, points[start:]]), np.concatenate([weight, weights[start:]])


def _longest_run(inside: BoolArray) -> slice:
    """Return the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    starts, stops = edges[::2], edges[1::2]
    best = int(np.argmax(stops - starts))
    return slice(int(starts[best]), int(stops[best]))
