"""Ways across stretches without labelled lumen, from where it ends to where it goes on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

from venoseg.centerline.cord import CordField, cord_field, way_between, ways_that_meet
from venoseg.centerline.curve import chord_lengths_mm, resample, smooth
from venoseg.centerline.guidance import Guidance
from venoseg.centerline.junctions import line_at_start, nearest_to_lines
from venoseg.errors import MeasurementError
from venoseg.segmentation import CourseSource, Segmentation
from venoseg.volume import BoolArray, FloatArray, Volume

# Known points this near to one another are joined by a smooth curve, without the image.
_DENSE_MM = 32.0

# A way through the image zigzags between voxels; this much smoothing leaves the vein's own bends.
_SMOOTHING_MM = 10.0

# Where veins meet, their ways run side by side before they part: the junction is where their
# straight continuations meet, if that is this near.
_SIDE_BY_SIDE_MM = 8.0
_JUNCTION_SHIFT_MM = 8.0

# The lumen's level at an end is that of the labelled voxels this near; veins without contrast are
# taken for as bright as this, so that arteries are avoided nevertheless.
_LEVEL_WITHIN_MM = 12.0
_LEAST_LEVEL_HU = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """The way from one lumen's end to the next one's, central end first.

    Attributes
    ----------
    points_lps_mm
        (n, 3) about a millimetre apart, both ends included.
    source
        What shows the way.
    ends_lps_mm
        (m, 3) the lumen's ends around the shut stretch.
    """

    points_lps_mm: FloatArray
    source: CourseSource
    ends_lps_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What a bridge is sought in: the labels, what readers say, and the image if there is one."""

    segmentation: Segmentation
    guidance: Guidance
    volume: Volume | None

    def labelled(self) -> BoolArray:
        """Return the voxels of all veins."""
        return np.isin(self.segmentation.labels, list(self.segmentation.names))

    def is_labelled(self, points_lps_mm: FloatArray) -> BoolArray:
        """Tell which of (n, 3) points lie on a vein's label."""
        grid = self.segmentation.grid
        index = np.round(grid.to_index(points_lps_mm)).astype(int)
        inside = np.all((index >= 0) & (index < grid.shape), axis=1)
        index = np.clip(index, 0, np.array(grid.shape) - 1)
        values = self.segmentation.labels[tuple(index.T)]
        return np.asarray(inside & np.isin(values, list(self.segmentation.names)))

    def outside_labels(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return those of (n, 3) points that lie on no vein's label."""
        return points_lps_mm[~self.is_labelled(points_lps_mm)]

    def can_bridge(self, vessels: Sequence[str]) -> bool:
        """Tell whether anything shows ways across gaps of these veins."""
        known = any(self.guidance.course(vessel) is not None for vessel in vessels)
        return self.volume is not None or known or len(self.guidance.points(vessels)) > 0


def bridge_between(
    around: Surroundings, central: FloatArray, peripheral: FloatArray, vessels: Sequence[str]
) -> Bridge:
    """Lead from one lumen's end to the next one's.

    Parameters
    ----------
    around
        What the way is sought in.
    central, peripheral
        (3,) the ends.
    vessels
        The veins that the stretch may belong to, central first.

    Raises
    ------
    MeasurementError
        When nothing shows a way.
    """
    ends = np.stack([central, peripheral])
    stops, source = _stops(around, vessels, central, peripheral)
    field = None if _dense(stops, source) else _field(around, stops, ends)
    return _bridge(stops, source, field, ends, vessels)


def bridges_that_meet(
    around: Surroundings,
    root_end: FloatArray,
    sides: Sequence[tuple[FloatArray, tuple[str, ...]]],
) -> tuple[Bridge, list[Bridge]]:
    """Lead from the cava's open end and those of veins of either side to one confluence.

    Parameters
    ----------
    around
        What the ways are sought in.
    root_end
        (3,) where the lumen of the inferior vena cava ends.
    sides
        For each of two or more veins the central end of its lumen, and the veins that the shut
        stretch may belong to, central first.

    Returns
    -------
    tuple
        The way down to the confluence, and the ways on from there.

    Raises
    ------
    MeasurementError
        When nothing shows a way.
    """
    ends = np.stack([root_end, *(end for end, _ in sides)])
    names = [("ivc",), *(vessels for _, vessels in sides)]
    meeting = _stated_confluence(around.guidance, names)
    field = None
    if meeting is None:
        known = [around.outside_labels(around.guidance.points(vessels)) for vessels in names]
        field = _field(around, np.vstack([ends, *known]), ends)
        meeting = _sought_confluence(field, ends, known)
        if meeting is None:
            raise _no_way([name for vessels in names for name in vessels])
    legs = [(root_end, meeting, names[0])]
    legs += [(meeting, end, vessels) for end, vessels in sides]
    stops = [_stops(around, vessels, start, stop) for start, stop, vessels in legs]
    if field is None and not all(_dense(*known) for known in stops):
        field = _field(around, np.vstack([points for points, _ in stops]), ends)
    bridges = [
        _bridge(points, source, field, ends, vessels)
        for (points, source), vessels in zip(stops, names, strict=True)
    ]
    return bridges[0], bridges[1:]


def _bridge(
    stops: FloatArray,
    source: CourseSource | None,
    field: CordField | None,
    ends: FloatArray,
    vessels: Sequence[str],
) -> Bridge:
    """Join known points: by a smooth curve where they are dense, else through the image."""
    if source is not None and _dense(stops, source):
        return Bridge(_curved(stops), source, ends)
    parts: list[FloatArray] = []
    for start, stop in itertools.pairwise(stops):
        part = None if field is None else way_between(field, start, stop)
        if part is None:
            raise _no_way(vessels)
        parts.append(part if not parts else part[1:])
    return Bridge(_smoothed(np.vstack(parts)), "image", ends)


def _dense(stops: FloatArray, source: CourseSource | None) -> bool:
    """Tell whether somebody knows points that leave no long way between them."""
    return source is not None and bool(
        np.linalg.norm(np.diff(stops, axis=0), axis=1).max() <= _DENSE_MM
    )


def _stated_confluence(guidance: Guidance, names: Sequence[tuple[str, ...]]) -> FloatArray | None:
    """Return the confluence that seeds or courses name."""
    stated = [guidance.division("ivc", vessels[0]) for vessels in names[1:]]
    known = [place for place in stated if place is not None]
    return np.mean(known, axis=0) if known else None


def _sought_confluence(
    field: CordField | None, ends: FloatArray, known: Sequence[FloatArray]
) -> FloatArray | None:
    """Return the point that is cheapest to reach from all ends, moved to where the axes meet."""
    if field is None:
        return None
    starts = [_last_towards(way, end, ends) for way, end in zip(known, ends, strict=True)]
    ways = ways_that_meet(field, starts)
    if ways is None:
        return None
    meeting = ways[0][-1]
    lines = []
    for way in ways:
        path = smooth(resample(way[::-1], 1.0), None, _SMOOTHING_MM)
        beyond = path[np.linalg.norm(path - meeting, axis=1) > _SIDE_BY_SIDE_MM]
        if len(beyond) >= 3:
            lines.append(line_at_start(beyond))
    crossing = nearest_to_lines(lines) if len(lines) == len(ways) else meeting
    near = np.linalg.norm(crossing - meeting) <= _JUNCTION_SHIFT_MM
    return np.asarray(crossing if near else meeting, dtype=np.float64)


def _last_towards(known: FloatArray, end: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the known point of a way that is nearest to where it meets the others."""
    if len(known) == 0:
        return end
    middle = ends.mean(axis=0)
    nearest: FloatArray = known[int(np.argmin(np.linalg.norm(known - middle, axis=1)))]
    return nearest


def _stops(
    around: Surroundings, vessels: Sequence[str], central: FloatArray, peripheral: FloatArray
) -> tuple[FloatArray, CourseSource | None]:
    """Return the two ends with the known points between them in order, and who knows these."""
    both = np.stack([central, peripheral])
    waypoints = around.outside_labels(around.guidance.points(vessels))
    courses = [c for v in vessels if (c := around.guidance.course(v)) is not None]
    source: CourseSource
    if len(waypoints):
        points, source = waypoints, "waypoints"
    elif courses:
        points = np.vstack([course.points_lps_mm for course in courses])
        source = "image" if any(c.source == "image" for c in courses) else courses[0].source
    else:
        return both, None
    direct = peripheral - central
    along = (points - central) @ direct / (direct @ direct)
    kept = np.flatnonzero((along > 0.01) & (along < 0.99))
    if source == "waypoints":
        kept = kept[np.argsort(along[kept], kind="stable")]
    return np.vstack([central, points[kept], peripheral]), source


def _field(around: Surroundings, stops: FloatArray, ends: FloatArray) -> CordField | None:
    if around.volume is None:
        return None
    labelled = around.labelled()
    levels = [lumen_level_hu(around.volume, around.segmentation, end) for end in ends]
    known = [level for level in levels if level is not None]
    level = max(min(known, default=_LEAST_LEVEL_HU), _LEAST_LEVEL_HU)
    return cord_field(around.volume, labelled, stops, ends, level)


def lumen_level_hu(
    volume: Volume, segmentation: Segmentation, end_lps_mm: FloatArray
) -> float | None:
    """Return the median of the labelled lumen near one of its ends, without its rim.

    None where no labelled voxel lies near.
    """
    index = np.round(volume.grid.to_index(end_lps_mm)).astype(int)
    half = np.ceil(_LEVEL_WITHIN_MM / volume.grid.spacing_mm).astype(int)
    box = tuple(
        slice(max(0, int(n - h)), max(0, int(n + h) + 1)) for n, h in zip(index, half, strict=True)
    )
    inside = np.isin(segmentation.labels[box], list(segmentation.names))
    core = ndimage.binary_erosion(inside)
    chosen = core if core.any() else inside
    if volume.missing is not None:
        chosen = chosen & ~volume.missing[box]
    return float(np.median(volume.voxels[box][chosen])) if chosen.any() else None


def _curved(stops: FloatArray) -> FloatArray:
    """Return a smooth curve through known points."""
    if len(stops) < 4:
        return resample(stops, 1.0)
    at = chord_lengths_mm(stops)
    distinct = np.concatenate([[True], np.diff(at) > 0.5])
    spline = CubicSpline(at[distinct], stops[distinct])
    return resample(spline(np.linspace(0.0, at[distinct][-1], 4 * len(stops) + 16)), 1.0)


def _smoothed(path: FloatArray) -> FloatArray:
    """Smooth a way through the image, its ends kept."""
    even = resample(path, 1.0)
    weights = np.ones(len(even))
    weights[[0, -1]] = 1e3
    return smooth(even, weights, _SMOOTHING_MM)


def _no_way(vessels: Sequence[str]) -> MeasurementError:
    return MeasurementError(
        "no way leads from one end of the lumen to where it goes on",
        where=", ".join(vessels),
        remedy="set waypoints along the shut vein (--seeds), or label the occluded cord",
    )
