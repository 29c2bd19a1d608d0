"""Lumens side by side in one vein, told apart by the sheet of tissue between them.

The outer wall is that of the vein as a whole. The sheet is thinner than the image resolves: it
shows as a dark line whose width is that of the blur, and only the line's whole amount, the
thickness times the contrast, can be told. So thickness and place of the sheet are those of the
line's area and middle, shared over its length, as the width of a strut is not looked for in a
stent's wires either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from contourpy import LineType, contour_generator
from scipy import ndimage
from scipy.special import ndtr

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.centerline.sections import plane_offsets_mm, sample_planes
from venoseg.centerline.tree import Branch
from venoseg.lumen.contours import centroids_mm, measure_shapes, resample_closed, signed_mm
from venoseg.lumen.edges import Blur
from venoseg.lumen.lumens import Lumens
from venoseg.lumen.outline import CONTOUR_POINTS
from venoseg.lumen.struts import TISSUE_HU
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray, Volume

_PIXEL_MM = 0.4

# Less of a sheet in a section does not part it; a smaller lumen is a ragged label.
_LEAST_SHEET_MM2, _LEAST_LUMEN_MM2 = 1.0, 4.0

# The labels' steps are smoothed away over this much before the line midway between two lumens is
# laid, and the sheet found on it is averaged over so much along the vein.
_SMOOTHING_MM, _ALONG_MM = 0.6, 3.0

# Beside the sheet the image is looked at so many widths of the blur away, and so many inside of the
# outer wall, where nothing but blood and sheet shows.
_BESIDE, _INSIDE = 2.5, 1.5

# The level of the blood is read where the wall is so many widths away, or a smaller part of the
# lumen's own depth.
_CLEAR, _CLEAR_SHARE = 2.5, 0.5

# Half the 95 % interval of a sheet's thickness: its level is known to a seventh of the contrast,
# its place and amount in the image to so much; in labels to this share of a pixel.
_LEVEL_DOUBT, _PLACE_DOUBT_MM, _LABEL_DOUBT = 0.15, 0.2, 0.5

# Where a sheet reaches the outer wall, the wall that was found is dented towards it. There, as far
# beside the sheet as it shows, the wall is carried on from so many points on either side.
_BOTH_SIDES = 10

# How far the wall carried on may be off (95 %), at either end of the sheet.
_CORNER_DOUBT_MM = 0.2

# Without this much contrast a sheet does not show.
_LEAST_CONTRAST_HU = 25.0


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
    for run in _divided(branch, whole):
        for part, sections in _alike(branch.region, branch.curve, run, whole.contours_mm[run]):
            found = found.joined(_parted(volume, branch.curve, whole, part, sections))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Sections:
    """Consecutive sections in which the same lumens show.

    ``offsets_mm`` (m,) places along either axis; ``apart_mm`` (n, c, m, m) distance from each of c
    lumens, negative inside; ``wall_mm`` (n, m, m) that from the outer wall; ``sheet`` (n, m, m)
    share of the sheet in the labels.
    """

    offsets_mm: FloatArray
    apart_mm: FloatArray
    wall_mm: FloatArray
    sheet: npt.NDArray[np.float32]

    @property
    def pixel_mm(self) -> float:
        return float(self.offsets_mm[1] - self.offsets_mm[0])


def _divided(branch: Branch, whole: Whole) -> list[slice]:
    """Return the runs of stations in whose section a sheet shows."""
    region = branch.region
    assert region.sheets is not None
    offsets = plane_offsets_mm(branch.half_width_mm, 1.0)
    planes = sample_planes(region.sheets.view(np.uint8), region.grid, branch.curve, offsets)
    known = np.isfinite(whole.contours_mm[:, 0, 0])
    shows = known & (planes.sum(axis=(1, 2)) >= _LEAST_SHEET_MM2)
    return [slice(start, stop) for start, stop in runs_of(shows)]


def _alike(
    region: Region, curve: Curve, run: slice, contours: FloatArray
) -> Iterator[tuple[slice, _Sections]]:
    """Yield the stretches of a run with the same number of lumens, two or more."""
    assert region.sheets is not None
    offsets = plane_offsets_mm(float(np.abs(contours).max()) + 2.0, _PIXEL_MM)
    stations = curve.part(run)
    sheet = sample_planes(region.sheets.view(np.uint8), region.grid, stations, offsets)
    opened = sample_planes(
        (region.mask & ~region.sheets).view(np.uint8), region.grid, stations, offsets
    )
    points = np.stack(np.meshgrid(offsets, offsets), axis=-1)
    wall = np.stack([signed_mm(contour, points) for contour in contours])
    labels = [_numbered((o > 0.5) & (w < 0.5)) for o, w in zip(opened, wall, strict=True)]
    counts = np.array([one.max() for one in labels])
    first = 0
    while first < len(counts):
        stop = first + int(np.argmax(np.append(counts[first:] != counts[first], True)))
        if counts[first] > 1:
            numbers = _followed(labels[first:stop])
            apart = np.stack(
                [[_distance(one == c + 1) for c in range(counts[first])] for one in numbers]
            )
            sigma = _SMOOTHING_MM / _PIXEL_MM
            apart = ndimage.gaussian_filter(apart, (1.0, 0.0, sigma, sigma), mode="nearest")
            part = slice(run.start + first, run.start + stop)
            yield part, _Sections(offsets, apart, wall[first:stop], sheet[first:stop])
        first = stop


def _numbered(inside: BoolArray) -> npt.NDArray[np.int32]:
    """Give a number to each lumen of one section that is large enough."""
    labels, count = ndimage.label(inside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * _PIXEL_MM**2
    number = np.zeros(count + 1, dtype=np.int32)
    large = np.flatnonzero(sizes[1:] >= _LEAST_LUMEN_MM2) + 1
    number[large] = np.arange(1, len(large) + 1)
    result: npt.NDArray[np.int32] = number[labels]
    return result


def _followed(labels: list[npt.NDArray[np.int32]]) -> list[npt.NDArray[np.int32]]:
    """Give each lumen the number that it has in the section before: where most of it was."""
    followed = [labels[0]]
    count = int(labels[0].max())
    for now in labels[1:]:
        both = now.ravel() * (count + 1) + followed[-1].ravel()
        common = np.bincount(both, minlength=(count + 1) ** 2).reshape(count + 1, -1)[1:, 1:]
        number = np.zeros(count + 1, dtype=np.int32)
        free = common.astype(np.float64)
        for _ in range(count):
            new, old = np.unravel_index(int(free.argmax()), free.shape)
            number[new + 1] = old + 1
            free[new], free[:, old] = -1.0, -1.0
        followed.append(number[now])
    return followed


def _distance(inside: BoolArray) -> FloatArray:
    """Return the distance from a region in one plane, negative inside."""
    outer = ndimage.distance_transform_edt(~inside, sampling=_PIXEL_MM)
    inner = ndimage.distance_transform_edt(inside, sampling=_PIXEL_MM)
    return np.asarray(np.where(inside, 0.5 * _PIXEL_MM - inner, outer - 0.5 * _PIXEL_MM))


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """The sheet between two lumens in n sections: half thickness, place, doubt and length, mm."""

    half_mm: FloatArray
    place_mm: FloatArray
    doubt_mm: FloatArray
    length_mm: FloatArray


def _parted(volume: Volume, curve: Curve, whole: Whole, part: slice, sections: _Sections) -> Lumens:
    """Cut the vein's sections along the sheets."""
    stations, count = curve.part(part), sections.apart_mm.shape[1]
    width = _width_mm(volume, stations, whole.blur)
    sections = _undented(sections, whole.contours_mm[part], width)
    image = sample_planes(volume.voxels, volume.grid, stations, sections.offsets_mm)
    blood = _blood(image, sections, width)
    sheets = {
        (a, b): _sheet(volume, sections, (a, b), image, blood, width, whole.from_image[part])
        for a, b in combinations(range(count), 2)
    }
    inside = np.stack([_own_side(sections, c, sheets) for c in range(count)], axis=1)
    contours, numbers, doubts = [], [], []
    corner = 2.0 * _CORNER_DOUBT_MM * 2.0 * _BESIDE * max(width, sections.pixel_mm)
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


def _undented(sections: _Sections, contours: FloatArray, width_mm: float) -> _Sections:
    """Carry the outer wall on across the ends of the sheets."""
    apart = np.sort(sections.apart_mm, axis=1)
    beside = 0.5 * (apart[:, 1] - apart[:, 0])
    reach = _BESIDE * max(width_mm, sections.pixel_mm)
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


def _width_mm(volume: Volume, stations: Curve, blur: Blur | None) -> float:
    """Return how blurred the image is in the planes of the stations."""
    if blur is None:
        return 0.0
    axes = (blur.along(axis, volume.grid) for axis in (stations.across, stations.upward))
    return float(np.mean([np.mean(width) for width in axes]))


def _blood(image: npt.NDArray[np.float32], sections: _Sections, width_mm: float) -> FloatArray:
    """Return (n, c) the level of the blood in each lumen."""
    levels = np.full(sections.apart_mm.shape[:2], np.nan)
    for n, c in np.ndindex(*levels.shape):
        apart = sections.apart_mm[n, c]
        deep = apart <= -min(_CLEAR * width_mm, -_CLEAR_SHARE * float(apart.min()))
        # In a small lumen the blur of its wall reaches its middle.
        full = ndtr(-apart[deep] / max(width_mm, 1e-3)).mean()
        levels[n, c] = TISSUE_HU + (image[n][deep].mean() - TISSUE_HU) / full
    step = _ALONG_MM
    return np.asarray(ndimage.gaussian_filter1d(levels, step, axis=0, mode="nearest"))


def _sheet(
    volume: Volume,
    sections: _Sections,
    pair: tuple[int, int],
    image: npt.NDArray[np.float32],
    blood: FloatArray,
    width_mm: float,
    from_image: BoolArray,
) -> _Sheet:
    """Tell thickness and place of the sheet between two lumens in every section."""
    a, b = pair
    across = 0.5 * (sections.apart_mm[:, a] - sections.apart_mm[:, b])
    others = np.delete(sections.apart_mm, pair, axis=1)
    nearest = np.maximum(sections.apart_mm[:, a], sections.apart_mm[:, b])
    ours = np.ones(across.shape, dtype=bool)
    if others.shape[1]:
        ours = nearest <= others.min(axis=1)
    inside = ours & (sections.wall_mm < 0.0)
    pixel = sections.pixel_mm**2
    # Where the lumens' corners part, what is midway widens: its length is counted across its rise.
    rise = np.hypot(*np.gradient(across, sections.pixel_mm, axis=(1, 2)))
    line = np.where(inside & (np.abs(across) < 1.0), rise, 0.0)
    length = line.sum(axis=(1, 2)) * pixel / 2.0
    clear = inside & (sections.wall_mm < -_INSIDE * width_mm)
    drawn = (sections.sheet * inside).sum(axis=(1, 2)) * pixel / np.maximum(length, 1e-6)
    shares = np.where(from_image, 0.0, drawn)
    place = np.zeros(len(length))
    contrast = blood[:, [a, b]].min(axis=1) - TISSUE_HU
    shown = from_image & (contrast >= _LEAST_CONTRAST_HU) & (volume.unit == "HU")
    shown &= (clear * line).sum(axis=(1, 2)) * pixel / 2.0 >= 1.0
    for n in np.flatnonzero(shown):
        beside = 0.5 * drawn[n] + _BESIDE * width_mm
        use = clear[n] & (np.abs(across[n]) <= beside)
        level = blood[n, a] + (blood[n, b] - blood[n, a]) * ndtr(across[n] / width_mm)
        lack = (level - image[n]) / (level - TISSUE_HU)
        long = (use * line[n]).sum() / 2.0 * pixel
        shares[n] = max((lack * use).sum() * pixel / long, 0.0)
        place[n] = (lack * use * across[n]).sum() / max((lack * use).sum(), 1.0)
    shares = np.where(shown | ~from_image, shares, drawn)
    reach = 0.5 * drawn
    place = np.clip(place, -reach, reach)
    step = _ALONG_MM
    shares, place = (
        ndimage.gaussian_filter1d(values, step, mode="nearest") for values in (shares, place)
    )
    in_labels = _LABEL_DOUBT * volume.grid.slice_and_pixel_mm[1]
    doubt = np.where(shown, np.hypot(_LEVEL_DOUBT * shares, _PLACE_DOUBT_MM), in_labels)
    return _Sheet(0.5 * shares, place, doubt, length)


def _own_side(sections: _Sections, lumen: int, sheets: dict[tuple[int, int], _Sheet]) -> FloatArray:
    """Return (n, m, m) the distance from the edge of one lumen, positive inside."""
    beyond = sections.wall_mm
    for (a, b), sheet in sheets.items():
        if lumen not in (a, b):
            continue
        across = 0.5 * (sections.apart_mm[:, a] - sections.apart_mm[:, b])
        away = across - sheet.place_mm[:, None, None]
        away = away if lumen == a else -away
        beyond = np.maximum(beyond, away + sheet.half_mm[:, None, None])
    return -beyond


def _outline(inside: FloatArray, offsets_mm: FloatArray) -> FloatArray | None:
    """Return the largest outline of what is positive in a plane; None where nothing is."""
    lines = contour_generator(
        x=offsets_mm, y=offsets_mm, z=inside, line_type=LineType.Separate
    ).lines(0.0)
    closed = [np.asarray(line[:-1], dtype=np.float64) for line in lines if len(line) > 8]
    if not closed:
        return None
    return max(closed, key=lambda line: float(np.ptp(line, axis=0).prod()))
