"""A cava part of whose wall is faint or hidden, as in the liver, completed to an oval.

Where hardly a wall shows, the best closed line may be that of the liver behind. There the oval of
which most of the rim shows takes its place, if it fits better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.runs import runs_of
from venoseg.segmentation.blood import brightest_hu
from venoseg.segmentation.cava.ovals import (
    Planes,
    Rims,
    planes_across,
    rims_of,
    scored,
    unusual_area,
)
from venoseg.segmentation.cava.replacing import EVEN_MM, Run, replaced
from venoseg.segmentation.cava.steady_ovals import best_ovals
from venoseg.segmentation.trust.judging import Doubt
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.evidence import ENHANCED_HU
from venoseg.segmentation.tubes.sections import USUAL_UNLIKE, unlike_ovals
from venoseg.segmentation.tubes.streams import Streams
from venoseg.segmentation.tubes.wall import ROUND, Tube, shown_share
from venoseg.volume import BoolArray, FloatArray, Volume

# Where less than this share of the wall shows, over this length at least, an oval is sought; what
# shows in between over less than this may be the wall of something else.
_WALL_SHOWS, _LEAST_MM, _LEAST_KNOWN_MM = 0.75, 9.0, 40.0
# A cava of more than this holds what lies beside it, but where it is an oval all the same: a full
# one may be wider.
_WIDE_MM2 = 800.0
# The usual area of a cava in the liver.
_USUAL_MM2 = 250.0
# At every so many stations; so much better it has to fit.
_EVERY, _BETTER = 4, 0.05
# In the place of the border of a stream so much: what of its rim has blood behind it counts for a
# quarter less, and of the oval's a tenth less has. A thin lobe goes on beyond it on both sides.
_THAN_BORDER = 0.025
# Which fits better is judged over so much of the length.
_JUDGED_MM = 15.0
# The course goes on beyond the ends, where there may be no vein any more.
_BEYOND_MM = 2.0
# Unmixed blood may have no contrast; what is darker is fat, lung, or what lies between. Where no
# aorta tells how bright blood can be, so much more than it is in the middle.
_LEAST_HU, _OVER_HU = 40.0, 60.0
# How far from where the vein is known to lie that is worth something, and what it is worth beyond.
_KNOWN_MM, _HARDLY = 10.0, 0.05
# Shares of the wall that shows which make an oval nothing, and as good as seen.
_NO_OVAL, _WHOLE_OVAL = 0.4, 0.85


def completed(
    part: Volume,
    tube: Tube,
    inside_lps_mm: Sequence[FloatArray],
    below_mm: float,
    streams: Streams | None,
    border: BoolArray | None = None,
) -> Tube:
    """Return a tube with ovals where its wall hardly shows and an oval fits better.

    Parameters
    ----------
    part
        The volume around it.
    tube
        A cava, or a cava and iliac veins.
    inside_lps_mm
        (3,) each: places inside the vein.
    below_mm
        Height below which it is an iliac vein.
    streams
        Where the division of the aorta shows that it is a cava, and how bright blood can be.
    border
        (n,) where what shows is rather the border of a stream than its wall; None: nowhere.
    """
    z = tube.course.points_lps_mm[:, 2]
    asked = part.grid.contains(tube.course.points_lps_mm)
    if inside_lps_mm:
        ends = [float(point[2]) for point in inside_lps_mm]
        asked &= (z > min(ends) - _BEYOND_MM) & (z < max(ends) + _BEYOND_MM)
    # Without contrast bowel and muscle look like blood, and only fat outlines it.
    enhanced = tube.level_hu >= ENHANCED_HU
    above_mm = below_mm if streams is None else max(streams.above_mm, below_mm)
    faint, most_hu = _faint(tube), _brightest_hu(tube, streams)
    faint = faint if border is None else faint | border
    better = np.full(len(z), _BETTER) if border is None else np.where(border, _THAN_BORDER, _BETTER)
    runs = [
        _ovals(part, tube, inside_lps_mm, start, stop, most_hu, asked & ~faint, better)
        for start, stop in runs_of(faint & enhanced & (z > above_mm) & asked)
        if (stop - start) * tube.course.step_mm >= _LEAST_MM
    ]
    runs = [run for run in runs if run.better.any()]
    return replaced(part, tube, runs, np.flatnonzero(asked)) if runs else tube


def of_completed(tube: Tube, where: BoolArray) -> Iterator[Doubt]:
    """Doubt a vein part of which was completed by how little of the wall shows there.

    ``where``: (n,) its open stations.
    """
    if tube.completed is None or not (tube.completed & where).any():
        return
    own = tube.completed & where
    share, shown = own.sum() / where.sum(), float(tube.shows[own].mean())
    value = np.clip((shown - _NO_OVAL) / (_WHOLE_OVAL - _NO_OVAL), 0.0, 1.0)
    high = heights(tube.course.points_lps_mm, own)
    words = f"{100 * shown:.0f} % of the wall shows{high}, the rest was completed to an oval"
    yield float(1.0 - share * (1.0 - value)), words


def _faint(tube: Tube) -> BoolArray:
    """Return (n,) where the wall hardly shows, but for stretches too short to be sure of."""
    wide = (tube.area_mm2 > _WIDE_MM2) & (unlike_ovals(tube.radius_mm) > USUAL_UNLIKE)
    faint = (shown_share(tube.step_hu) < _WALL_SHOWS) | wide
    for start, stop in runs_of(~faint):
        between = faint[:start].any() or faint[stop:].any()
        if between and (stop - start) * tube.course.step_mm < _LEAST_KNOWN_MM:
            faint[start:stop] = True
    return faint


def _brightest_hu(tube: Tube, streams: Streams | None) -> float:
    brightest = float(tube.level_hu.max())
    if streams is None:
        return brightest + _OVER_HU
    return max(brightest, brightest_hu(streams.artery_hu))


def _ovals(
    part: Volume,
    tube: Tube,
    inside_lps_mm: Sequence[FloatArray],
    start: int,
    stop: int,
    most_hu: float,
    known: BoolArray,
    better_by: FloatArray,
) -> Run:
    """Find the best ovals from one station to another.

    ``better_by``: (n,) by how much they have to fit better.
    """
    course = tube.course.part(slice(start, stop))
    planes = planes_across(part, course, _LEAST_HU, most_hu)
    at = np.unique(np.append(np.arange(0, stop - start, _EVERY), stop - start - 1))
    inside, sure = _anchored(tube, inside_lps_mm, start, stop)
    usual_mm2 = _usual_mm2(tube, start, stop, known)
    centre, root = best_ovals(planes, at, inside[at], sure[at], usual_mm2)
    better = _gain(planes, at, centre, root, tube, start, usual_mm2)
    along = np.arange(stop - start)
    sigma = EVEN_MM / course.step_mm
    flat = np.column_stack([centre, root.reshape(-1, 4)])
    flat = np.stack([np.interp(along, at, column) for column in flat.T], axis=1)
    flat = ndimage.gaussian_filter1d(flat, sigma, axis=0, mode="nearest")
    wide = _JUDGED_MM / course.step_mm
    even = ndimage.gaussian_filter1d(np.interp(along, at, better), wide, mode="nearest")
    enough = even > better_by[start:stop]
    return Run(start, flat[:, :2], flat[:, 2:].reshape(-1, 2, 2), enough, planes.step_hu)


def _usual_mm2(tube: Tube, start: int, stop: int, known: BoolArray) -> float:
    """Return the area that is expected from one station to another.

    A cava that is full where its wall shows, just before or after, is likely to be so there too:
    between the usual area and that one.

    ``known``: (n,) where its wall shows.
    """
    reach = round(_JUDGED_MM / tube.course.step_mm)
    sides = slice(max(start - reach, 0), start), slice(stop, stop + reach)
    areas = [tube.area_mm2[side][known[side]] for side in sides]
    fullest = max([_USUAL_MM2, *(float(np.median(area)) for area in areas if len(area))])
    return float(np.sqrt(_USUAL_MM2 * fullest))


def _anchored(
    tube: Tube, inside_lps_mm: Sequence[FloatArray], start: int, stop: int
) -> tuple[FloatArray, FloatArray]:
    """Return (n, 2) a place near which the vein runs in each plane, and (n,) how sure it is.

    It is known at the points, and just before and after the run, where the wall shows.
    """
    course = tube.course
    known: dict[int, FloatArray] = {}
    for at in (start - 1, stop):
        if 0 <= at < len(course.points_lps_mm):
            known[at] = course.points_lps_mm[at]
    for point in inside_lps_mm:
        along = np.abs(np.einsum("nk,nk->n", point - course.points_lps_mm, course.tangent))
        at = int(along.argmin())
        if start <= at < stop and along[at] < course.step_mm:
            known[at] = point
    every = np.arange(start, stop)
    if not known:
        return np.zeros((stop - start, 2)), np.full(stop - start, _HARDLY)
    where = np.array(sorted(known))
    places = np.array([known[n] for n in where])
    line = np.stack([np.interp(every, where, column) for column in places.T], axis=1)
    away = line - course.points_lps_mm[start:stop]
    axes = (course.first[start:stop], course.second[start:stop])
    far_mm = np.abs(every[:, None] - where).min(axis=1) * course.step_mm
    inside = np.stack([np.sum(away * axis, axis=1) for axis in axes], axis=1)
    return inside, np.maximum(np.exp(-far_mm / _KNOWN_MM), _HARDLY)


def _gain(
    planes: Planes,
    at: npt.NDArray[np.int64],
    centre: FloatArray,
    root: FloatArray,
    tube: Tube,
    start: int,
    usual_mm2: float,
) -> FloatArray:
    """Return by how much ovals fit better than the wall at some stations of a run."""
    new, _ = scored(planes, at, rims_of(centre, root))
    old, _ = scored(planes, at, _rims_along(tube.radius_mm[start + at]))
    new += unusual_area(np.pi * np.linalg.det(root), usual_mm2)
    old += unusual_area(tube.area_mm2[start + at], usual_mm2)
    gain: FloatArray = new - old
    return gain


def _rims_along(radius_mm: FloatArray) -> Rims:
    """Return the rims of walls: (n, rays) distances from the course."""
    points = radius_mm[:, :, None] * ROUND
    along = np.roll(points, -1, axis=1) - np.roll(points, 1, axis=1)
    length = np.linalg.norm(along, axis=2)
    outwards = np.stack([along[..., 1], -along[..., 0]], axis=-1) / length[..., None]
    return Rims(points, outwards, length / length.sum(axis=1, keepdims=True))
