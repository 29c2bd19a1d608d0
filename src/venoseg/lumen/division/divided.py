"""Lumens side by side in one vein, told apart by the sheet of tissue between them.

The outer wall is that of the vein as a whole. The sheet is thinner than the image resolves: it
shows as a dark line whose width is that of the blur, and only the line's whole amount, the
thickness times the contrast, can be told. So thickness and place of the sheet are those of the
line's area and middle, shared over its length, as the width of a strut is not looked for in a
stent's wires either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from contourpy import LineType, contour_generator
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_planes
from venoseg.centerline.tree import Branch
from venoseg.lumen.division.divided_sections import Sections, alike_sections, divided_runs
from venoseg.lumen.division.dividing_sheet import (
    BESIDE,
    blood_levels,
    own_side,
    plane_blur_mm,
    sheet_between,
)
from venoseg.lumen.division.lumens import Lumens
from venoseg.lumen.geometry.contours import centroids_mm, measure_shapes, resample_closed, signed_mm
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.lumen.rays.edges import Blur
from venoseg.volume import BoolArray, FloatArray, Volume

# Where a sheet reaches the outer wall, the wall that was found is dented towards it. There, as far
# beside the sheet as it shows, the wall is carried on from so many points on either side.
_BOTH_SIDES = 10

# How far the wall carried on may be off (95 %), at either end of the sheet.
_CORNER_DOUBT_MM = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """The outer wall of the vein at n stations, as if nothing divided it.

    Attributes
    ----------
    contours_mm
        (n, m, 2) in (across, upward) mm from the stations; NaN where it is not known.
    half_mm
        (n, 2) half the 95 % intervals of its equivalent and its least diameter.
    from_image
        (n,) whether the image told it.
    blur
        Of the image; None where no wall was sought in it.
    """

    contours_mm: FloatArray
    half_mm: FloatArray
    from_image: BoolArray
    blur: Blur | None


def lumens_of(volume: Volume, branch: Branch, whole: Whole) -> Lumens:
    """Find the lumens in the stations of a vein that a sheet divides.

    Parameters
    ----------
    volume
        The image.
    branch
        n stations, and the labels.
    whole
        The outer wall there.

    Returns
    -------
    Lumens
        None for a vein that nothing divides. Stations whose outer wall is not known are left out.
    """
    found = Lumens.none()
    if branch.region.sheets is None:
        return found
    for run in divided_runs(branch, whole.contours_mm):
        alike = alike_sections(branch.region, branch.curve, run, whole.contours_mm[run])
        for part, sections in alike:
            found = found.joined(_parted(volume, branch.curve, whole, part, sections))
    return found


def _parted(volume: Volume, curve: Curve, whole: Whole, part: slice, sections: Sections) -> Lumens:
    """Cut the vein's sections along the sheets."""
    stations, count = curve.part(part), sections.apart_mm.shape[1]
    width = plane_blur_mm(volume, stations, whole.blur)
    sections = _undented(sections, whole.contours_mm[part], width)
    image = sample_planes(volume.voxels, volume.grid, stations, sections.offsets_mm)
    blood = blood_levels(image, sections, width)
    sheets = {
        (a, b): sheet_between(volume, sections, (a, b), image, blood, width, whole.from_image[part])
        for a, b in combinations(range(count), 2)
    }
    inside = np.stack([own_side(sections, c, sheets) for c in range(count)], axis=1)
    contours, numbers, doubts = [], [], []
    corner = 2.0 * _CORNER_DOUBT_MM * 2.0 * BESIDE * max(width, sections.pixel_mm)
    for n in range(len(stations)):
        outlines = [_outline(inside[n, c], sections.offsets_mm) for c in range(count)]
        if any(outline is None for outline in outlines):
            continue
        around = [(s.doubt_mm[n], s.length_mm[n], pair) for pair, s in sheets.items()]
        for c, outline in enumerate(outlines):
            own = [doubt * long for doubt, long, pair in around if c in pair]
            contours.append(outline)
            numbers.append(part.start + n)
            doubts.append((max(d for d, _, p in around if c in p), np.hypot.reduce([*own, corner])))
    return _measured(contours, np.array(numbers, dtype=np.intp), np.array(doubts), whole)


def _undented(sections: Sections, contours: FloatArray, width_mm: float) -> Sections:
    """Carry the outer wall on across the ends of the sheets."""
    apart = np.sort(sections.apart_mm, axis=1)
    beside = 0.5 * (apart[:, 1] - apart[:, 0])
    reach = BESIDE * max(width_mm, sections.pixel_mm)
    offsets = sections.offsets_mm
    points = np.stack(np.meshgrid(offsets, offsets), axis=-1)
    wall = sections.wall_mm.copy()
    for n, contour in enumerate(contours):
        column, row = (contour.T - offsets[0]) / sections.pixel_mm
        dented = ndimage.map_coordinates(beside[n], [row, column], order=1) <= reach
        whole = _carried_on(contour, np.asarray(dented))
        np.minimum(wall[n], signed_mm(whole, points), out=wall[n])
    return replace(sections, wall_mm=wall)


def _carried_on(contour: FloatArray, dented: BoolArray) -> FloatArray:
    """Draw a contour (m, 2) outwards where it is dented, with the curvature of either side."""
    middle = centroids_mm(contour[None])[0]
    radius = np.hypot(*(contour - middle).T)
    result = contour.copy()
    # From a place that is not dented on, so that no dent lies across the begin.
    start = int(np.argmin(dented))
    order = np.roll(np.arange(len(contour)), -start)
    labels, count = ndimage.label(dented[order])
    for number in range(1, count + 1):
        inside = np.flatnonzero(labels == number)
        around = np.arange(inside[0] - _BOTH_SIDES, inside[-1] + 1 + _BOTH_SIDES)
        sides = around[(around < inside[0]) | (around > inside[-1])]
        sides = sides[~dented[order[sides % len(order)]]]
        if len(sides) < _BOTH_SIDES:
            continue
        fit = np.polynomial.Polynomial.fit(sides, radius[order[sides % len(order)]], 3)
        at = order[inside]
        outwards = np.maximum(fit(inside) / radius[at], 1.0)
        result[at] = middle + outwards[:, None] * (contour[at] - middle)
    return result


def _measured(
    outlines: list[FloatArray | None],
    numbers: npt.NDArray[np.intp],
    doubts: FloatArray,
    whole: Whole,
) -> Lumens:
    """Measure the outlines, the largest of each station first, with their intervals."""
    if not outlines:
        return Lumens.none()
    contours = resample_closed([o for o in outlines if o is not None], CONTOUR_POINTS)
    shapes = measure_shapes(contours)
    order = np.lexsort((-shapes.area_mm2, numbers))
    contours, numbers, shapes = contours[order], numbers[order], shapes.part(order)
    thick, area = doubts[order].T
    # The outer wall's doubt holds on the part of the outline that is outer wall; the sheet moves
    # two lumens against one another, and half of its thickness is of either.
    outer = 0.5 * shapes.perimeter_mm * 0.5 * whole.half_mm[numbers, 0]
    half = np.hypot(outer, 0.5 * area)
    least = np.hypot(0.5 * whole.half_mm[numbers, 1], thick)
    return Lumens(
        numbers,
        contours,
        _around(shapes.area_mm2, half),
        _around(shapes.minimum_mm, least),
        shapes,
    )


def _around(value: FloatArray, half: FloatArray) -> FloatArray:
    return np.stack([np.maximum(value - half, 0.0), value + half], axis=-1)


def _outline(inside: FloatArray, offsets_mm: FloatArray) -> FloatArray | None:
    """Return the largest outline of what is positive in a plane; None where nothing is."""
    lines = contour_generator(
        x=offsets_mm, y=offsets_mm, z=inside, line_type=LineType.Separate
    ).lines(0.0)
    closed = [np.asarray(line[:-1], dtype=np.float64) for line in lines if len(line) > 8]
    if not closed:
        return None
    return max(closed, key=lambda line: float(np.ptp(line, axis=0).prod()))
