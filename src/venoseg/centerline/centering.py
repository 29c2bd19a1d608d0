"""From a rough path to the line through the middles of the cross-sections."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from venoseg.centerline.curve import (
    LEAST_SPLINE_POINTS,
    Curve,
    curve_through,
    resample,
    smooth,
)
from venoseg.centerline.label_sections import (
    SHARED_RIM,
    LabelSections,
    cut_by_end,
    cut_by_slices,
    label_sections,
)
from venoseg.centerline.regions import Region
from venoseg.errors import MeasurementError
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

# Distance of the sections whose middles are taken, round after round.
COARSE_ROUNDS_MM = (3.0, 2.0, 1.0)
FINE_ROUNDS_MM = (1.0,)

# Before the last round sections are looked at with this many points from the middle to the rim, no
# farther apart than two voxels.
_ROUGH_POINTS = 10

# A rough path zigzags between pooled voxels; this much smoothing gives it usable directions.
_ROUGH_SMOOTHING_MM = 10.0

# So many voxels tell how far a vein reaches from its centerline.
_LOOKED_AT = 5_000

# No vein reaches farther from its centerline.
_WIDEST_MM = 45.0

# Where the labels' end cuts the sections, the line goes on with the curvature of this many sections
# before, if they span enough to tell a curvature.
_BEND_POINTS = 20
_BEND_LEAST_MM = 8.0

# Labels may end in any shape: nearer to their end than this many radii of the vein, sections whose
# area differs by more than this share from that of the section so many radii before tell of that
# shape, not of the vein.
_END_RADII, _END_APART = 1.5, 0.5
_END_AREA_SHARE = 0.12

# Weight of a point that only holds its place: it bends to its neighbours.
_UNTRUSTED = 1e-3

# Weight of a point found by going on with the curvature.
_EXTRAPOLATED = 0.3


def half_width_mm(region: Region, path_lps_mm: FloatArray) -> float:
    """Return how far to look across a path to see all of the region.

    Voxels beyond the ends of the path do not count.
    """
    places = region.grid.to_lps(region.some_voxels(_LOOKED_AT))
    distance, nearest = cKDTree(path_lps_mm).query(places)
    beside = (nearest > 0) & (nearest < len(path_lps_mm) - 1)
    reach = float(distance[beside].max()) if beside.any() else float(distance.max())
    return min(1.2 * reach + 2.0, _WIDEST_MM)


def centre(
    region: Region,
    path_lps_mm: FloatArray,
    rounds_mm: tuple[float, ...],
    begin_lps_mm: FloatArray | None = None,
) -> FloatArray:
    """Move a path into the middles of the region's sections.

    Parameters
    ----------
    region
        The voxels.
    path_lps_mm
        (n, 3) points inside the region, not necessarily reaching its ends.
    rounds_mm
        Distance of the sections, round after round.
    begin_lps_mm
        (3,) where the path has to begin; None: it begins where the region begins.

    Returns
    -------
    FloatArray
        (m, 3) points of a smooth curve that ends where the region ends.

    Raises
    ------
    MeasurementError
        When the region is too short for a direction.
    """
    half_width = half_width_mm(region, path_lps_mm)
    finest_mm = float(np.clip(region.grid.spacing_mm.min(), 0.4, 1.0))
    rough_mm = float(np.clip(half_width / _ROUGH_POINTS, finest_mm, 2.0 * finest_mm))
    path = resample(path_lps_mm, 1.0)
    if rounds_mm is COARSE_ROUNDS_MM:
        path = smooth(path, None, _ROUGH_SMOOTHING_MM)
    for station_mm in rounds_mm:
        path = _lengthened(path, half_width, begin=begin_lps_mm is None)
        curve = curve_through(path, station_mm)
        pixel_mm = finest_mm if station_mm == rounds_mm[-1] else rough_mm
        sections = label_sections(region, curve, half_width, pixel_mm)
        part = _longest_run(sections.areas_mm2 > 0)
        if part.stop - part.start < LEAST_SPLINE_POINTS:
            raise MeasurementError(
                "the labels are too short to tell in which direction the vein runs",
                where=", ".join(region.vessels),
                remedy="check the labels of this vein, or remove them",
            )
        points, weights = _trusted(region, curve.part(part), sections, part)
        if begin_lps_mm is not None:
            tangents = curve.tangents[part]
            points, weights = _anchored(points, weights, tangents, begin_lps_mm, station_mm)
        path = smooth(points, weights)
    return path


def _trusted(
    region: Region, curve: Curve, sections: LabelSections, part: slice
) -> tuple[FloatArray, FloatArray]:
    """Return points and weights; a section that is not the vein alone weighs next to nothing."""
    area, extent = sections.areas_mm2[part], sections.extent_mm[part]
    doubtful = (
        cut_by_end(area, extent, curve.step_mm)
        | cut_by_slices(curve, extent, region)
        | (sections.shared[part] > SHARED_RIM)
        | _shaped_by_end(area, extent, curve.position_mm)
    )
    if doubtful.all():
        doubtful[:] = False
    points = np.where(doubtful[:, None], curve.points_lps_mm, sections.middles_lps_mm[part])
    weights = np.where(doubtful, _UNTRUSTED, 1.0)
    good = np.flatnonzero(~doubtful)
    before, after = slice(0, int(good[0])), slice(int(good[-1]) + 1, len(points))
    for end, known in ((before, good[:_BEND_POINTS]), (after, good[-_BEND_POINTS:])):
        if np.ptp(curve.position_mm[known]) >= _BEND_LEAST_MM:
            points[end] = _bent_on(points[known], curve.position_mm[known], curve.position_mm[end])
            weights[end] = _EXTRAPOLATED
    return points, weights


def _shaped_by_end(
    area_mm2: FloatArray, extent_mm: FloatArray, position_mm: FloatArray
) -> BoolArray:
    """Tell which of (n,) sections near either end show the shape in which the labels end."""
    shaped = np.zeros(len(area_mm2), dtype=bool)
    radius = np.median(extent_mm) / (position_mm[1] - position_mm[0])
    zone, apart = int(_END_RADII * radius) + 1, int(_END_APART * radius) + 1
    if len(shaped) < 2 * (zone + apart):
        return shaped
    for order in (slice(None), slice(None, None, -1)):
        area = area_mm2[order]
        here, before = area[:zone], area[apart : zone + apart]
        amiss = np.abs(here - before) > _END_AREA_SHARE * before
        shaped[order][: zone if amiss.all() else int(np.argmin(amiss))] = True
    return shaped


def _bent_on(points: FloatArray, at_mm: FloatArray, wanted_mm: FloatArray) -> FloatArray:
    """Go on with the curvature of (n, 3) points known at ``at_mm`` to the positions wanted."""
    origin = at_mm.mean()
    fit = np.polynomial.polynomial.polyfit(at_mm - origin, points, 2)
    onward: FloatArray = np.polynomial.polynomial.polyval(wanted_mm - origin, fit).T
    return onward


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
    """Return the longest run of True; an empty slice when there is none."""
    start, stop = max(runs_of(inside), key=lambda run: run[1] - run[0], default=(0, 0))
    return slice(start, stop)
