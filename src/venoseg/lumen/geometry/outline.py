"""The outline of the labels in every section: where the search for the true edge starts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from contourpy import LineType, contour_generator
from scipy import ndimage

from venoseg.centerline.label_sections import LabelSections
from venoseg.centerline.sections import central_component, numbered_in_planes, widened
from venoseg.lumen.geometry.contours import resample_closed
from venoseg.volume import BoolArray, FloatArray

# Points of every contour: 0.4 to 0.8 mm apart on the veins measured here.
CONTOUR_POINTS = 96

# The labels are smoothed by this much along the vein and across it, so that their voxels leave no
# steps in the outline. What smoothing takes away at sharp bends the search for the edge gives back.
_SMOOTHING_MM = (1.0, 1.2)
_TRUNCATE = 2.5

# A vein that smoothing leaves less of than this is too thin for it, and so is a flat one, by its
# width to its length, which would lose its tips. It is then smoothed by so many steps of the planes
# across; between the limits both are mixed.
_WIPED_OUT = (0.70, 0.75)
_TIPS_LOST = (0.88, 0.95)
_FLAT = (0.4, 0.6)
_THIN_SMOOTHING_STEPS = (0.5, 0.5)

# Fewer corners, the closing one included, are no outline.
_LEAST_CORNERS = 9

# A further lumen counts when it is at least this large.
_LEAST_COMPONENT_MM2 = 4.0


def smoothed_stations(station_mm: float) -> int:
    """Return how many stations on either side take part in smoothing along the vein."""
    return int(_TRUNCATE * _SMOOTHING_MM[0] / station_mm + 0.5)


def outline_labels(
    sections: LabelSections, station_mm: float, wanted: slice
) -> tuple[FloatArray, BoolArray, npt.NDArray[np.int64]]:
    """Outline the labels in sections.

    Parameters
    ----------
    sections
        n planes across a vein.
    station_mm
        Their distance.
    wanted
        Those to be outlined; their neighbours take part in smoothing.

    Returns
    -------
    tuple
        (w, `CONTOUR_POINTS`, 2) contours in (across, upward) mm from the station, NaN where there
        is none; (w,) whether there is one; (w,) number of separate lumens.
    """
    offsets = sections.offsets_mm
    step = float(offsets[1] - offsets[0])
    planes = _smoothed(sections.planes, sections.numbers > 0, station_mm, step)[wanted]
    core = central_component(numbered_in_planes(planes > 0.5))
    planes[~widened(core)] = 0.0
    contours = np.full((len(planes), CONTOUR_POINTS, 2), np.nan)
    lines = outermost(planes)
    outlines = [offsets[0] + outline * step for outline in lines.values()]
    contours[list(lines)] = resample_closed(outlines, CONTOUR_POINTS)
    components = _count_components(sections.numbers[wanted], step)
    return contours, ~np.isnan(contours[:, 0, 0]), components


def _smoothed(
    planes: npt.NDArray[np.float32], inside: BoolArray, station_mm: float, step_mm: float
) -> npt.NDArray[np.float32]:
    """Smooth the sections, the less across the vein the thinner it is."""
    along, across = _SMOOTHING_MM[0] / station_mm, _SMOOTHING_MM[1] / step_mm
    smooth: npt.NDArray[np.float32] = ndimage.gaussian_filter(
        planes, (along, across, across), mode="nearest", truncate=_TRUNCATE
    )
    left = (smooth > 0.5).sum(axis=(1, 2)) / np.maximum(inside.sum(axis=(1, 2)), 1)
    thin = _below(left, _WIPED_OUT)
    touched = np.flatnonzero(left < _TIPS_LOST[1])
    flat = _below(_width_to_length(inside[touched]), _FLAT)
    thin[touched] = np.maximum(thin[touched], flat * _below(left[touched], _TIPS_LOST))
    if thin.any():
        chosen = thin > 0.0
        sigma = (along, *_THIN_SMOOTHING_STEPS)
        finer = ndimage.gaussian_filter(planes, sigma, mode="nearest", truncate=_TRUNCATE)[chosen]
        share = thin[chosen, None, None].astype(np.float32)
        smooth[chosen] += share * (finer - smooth[chosen])
    return smooth


def _below(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Return 1 below the first limit, 0 above the second, with a ramp between."""
    low, high = limits
    return np.clip((high - values) / (high - low), 0.0, 1.0)


def _width_to_length(inside: BoolArray) -> FloatArray:
    """Return (n,) how wide regions in (n, m, m) planes are for their length, by their moments."""
    size = np.arange(inside.shape[1], dtype=np.float64)
    area = np.maximum(inside.sum(axis=(1, 2)), 1)
    rows, columns = inside.sum(axis=2), inside.sum(axis=1)
    y, x = rows @ size / area, columns @ size / area
    yy, xx = rows @ size**2 / area - y**2, columns @ size**2 / area - x**2
    xy = (inside @ size * size).sum(axis=1) / area - x * y
    middle, spread = (xx + yy) / 2.0, np.hypot((xx - yy) / 2.0, xy)
    # A voxel by itself has a moment too.
    ratio: FloatArray = np.sqrt((middle - spread + 1 / 12) / (middle + spread + 1 / 12))
    return ratio


def outermost(planes: npt.NDArray[np.float32]) -> dict[int, FloatArray]:
    """Return the outermost contour in each of (n, m, m) planes, as (k, 2) fractional (column, row).

    All planes are followed at once, one below the other with an empty row between.
    """
    count, height, width = planes.shape
    below = np.zeros((count * (height + 1) + 1, width + 2))
    below[:-1].reshape(count, height + 1, width + 2)[:, 1:, 1:-1] = planes
    generator = contour_generator(z=below, line_type=LineType.ChunkCombinedOffset)
    points, offsets = (parts[0] for parts in generator.lines(0.5))
    if points is None or offsets is None:
        return {}
    starts, corners = offsets[:-1].astype(np.intp), np.diff(offsets)
    across = np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts)
    extent = np.where(corners >= _LEAST_CORNERS, across.prod(axis=1), 0.0)
    plane = points[starts, 1].astype(np.intp) // (height + 1)
    # The largest of each plane comes last.
    largest = {int(plane[n]): n for n in np.lexsort((extent, plane)) if extent[n] > 0.0}
    return {
        n: points[starts[line] : starts[line] + corners[line] - 1] - (1.0, n * (height + 1) + 1.0)
        for n, line in largest.items()
    }


def _count_components(numbers: npt.NDArray[np.int32], step_mm: float) -> npt.NDArray[np.int64]:
    """Count in each plane the numbered regions that are large enough to be a lumen."""
    sizes = np.bincount(numbers.ravel()) * step_mm**2
    large = np.flatnonzero(sizes[1:] >= _LEAST_COMPONENT_MM2) + 1
    # Numbers go on from plane to plane.
    last = np.maximum.accumulate(numbers.max(axis=(1, 2)))
    return np.bincount(np.searchsorted(last, large), minlength=len(numbers))
