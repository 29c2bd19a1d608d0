"""Stents that meet: which sections of one show the wires of another, and what stays unknown there.

Where stents run into one another, as at the confluence, or lie side by side, a wire cannot be told
to be of one or of the other. The sections are flagged, their areas doubted by how much of the
contour that concerns; where stents cross, the lumen inside is not told from what shines there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.lumen.stents.measure import ABOUT_LUMEN, lumen_inside, with_own_blood
from venoseg.lumen.stents.profile import OVERLAP, StentProfile, area_interval, displaced_mm
from venoseg.volume import BoolArray, FloatArray, Volume

MEETING = "stents_meet"

# Wires nearer than this to one another are one bright line in the image.
_REACH_MM = 2.5

# A section is flagged when so much of its contour lies on another stent's wires; from the second
# share on the stents do not lie side by side but run into one another; from the third on it is one
# ring that was followed twice.
_LEAST_SHARE, CROSSING_SHARE, _SAME_RING_SHARE = 0.05, 0.3, 0.8

# The contour may be off by so much where it follows another stent's wire.
_SHARED_DOUBT_MM = 1.2

# Where nothing meets it the end of a stent is known to this, half a 95 % interval.
END_DOUBT_MM = 2.0

# Where it ends inside another stent, told from the amount of metal, to this.
_END_IN_OVERLAP_DOUBT_MM = 3.0

# Where another stent runs into one whose area differs by this factor before and behind, over so
# much of either side, there are two: a stent is made in one width.
_ANOTHER_SIZE, _COMPARED_MM = 1.4, 25.0

# What is left of a stent when its ends are taken for another's has so many stations or more.
_LEAST_STATIONS = 8


@dataclass(frozen=True, slots=True)
class EndDoubt:
    """How far an end may lie within what was measured of a stent, and beyond it."""

    inwards_mm: float
    outwards_mm: float


def met(profiles: Sequence[StentProfile], volume: Volume) -> tuple[StentProfile, ...]:
    """Return all stents of an image: each without the ends of others, and doubted where they meet.

    Where one stent ends in another its course may have been led on along the other's wires, even
    to the other's far end. A ring that was followed from both is the one's whose own size it has.
    """
    stents = [
        part
        for n, profile in enumerate(profiles)
        for part in _parted(profile, [*profiles[:n], *profiles[n + 1 :]])
    ]
    for n, stent in enumerate(stents):
        stents[n] = _without(stent, stents[:n] + stents[n + 1 :])
    surfaces = [_surface(stent) for stent in stents]
    return tuple(
        _met(stent, np.concatenate([np.zeros((0, 3)), *surfaces[:n], *surfaces[n + 1 :]]), volume)
        for n, stent in enumerate(stents)
    )


def clear_of_others(profile: StentProfile) -> BoolArray:
    """Tell (n,) which stations have a section that no other stent runs into; all where none has."""
    clear: BoolArray = profile.shared < CROSSING_SHARE
    known = np.isfinite(profile.shapes.area_mm2)
    return clear if (clear & known).any() else np.ones_like(clear)


def end_doubts(profile: StentProfile) -> tuple[EndDoubt, EndDoubt]:
    """Return what is not known of the central and of the peripheral end.

    An end that runs into another stent may lie anywhere in the stretch whose wires are not its
    alone, and as far beyond as it is wide: farther in, its wires would be seen inside the other.
    """
    shared = profile.shared >= CROSSING_SHARE
    step_mm = float(np.diff(profile.curve.position_mm[:2])[0])
    length_mm = profile.curve.length_mm
    width_mm = float(np.nanmean(profile.shapes.equivalent_mm))
    doubled = (
        any(start < step_mm for start, _ in profile.overlaps),
        any(stop > length_mm - step_mm for _, stop in profile.overlaps),
    )
    doubts = []
    for run, inside in zip((shared, shared[::-1]), doubled, strict=True):
        alone = np.flatnonzero(~run)
        stretch_mm = step_mm * float(alone[0] if len(alone) else len(run))
        beyond_mm = width_mm if stretch_mm > 0.0 else 0.0
        least_mm = _END_IN_OVERLAP_DOUBT_MM if inside else END_DOUBT_MM
        doubts.append(EndDoubt(least_mm + stretch_mm, least_mm + beyond_mm))
    return doubts[0], doubts[1]


def each_alone(profile: StentProfile) -> tuple[StentProfile, ...]:
    """Return the stents that overlap end to end, each from its own end to its other.

    The stretch with the wires of two belongs to both.
    """
    if not profile.overlaps:
        return (profile,)
    position = profile.curve.position_mm - profile.curve.position_mm[0]
    # An overlap that reaches an end is a short stent inside the long one, which goes on.
    bounds = [np.searchsorted(position, one) for one in profile.overlaps]
    starts, stops = [0], []
    for first, after in bounds:
        if first > 0 and after < len(position):
            starts.append(int(first))
            stops.append(int(after))
    stops.append(len(position))
    return tuple(
        profile.part(first, stop)
        for first, stop in zip(starts, stops, strict=True)
        if stop - first >= _LEAST_STATIONS
    )


def _parted(profile: StentProfile, others: Sequence[StentProfile]) -> Iterator[StentProfile]:
    """Yield the stents of different width that a course leads through, one after the other."""
    known = np.concatenate([np.zeros((0, 3)), *(_surface(other) for other in others)])
    crossing = np.zeros(len(profile.curve), dtype=bool)
    if len(known) and not profile.whole:
        crossing = _beside(profile, known) >= CROSSING_SHARE
    labels, count = ndimage.label(crossing)
    compared = round(_COMPARED_MM / float(np.diff(profile.curve.position_mm[:2])[0]))
    area = profile.shapes.area_mm2
    first = 0
    for number in range(1, count + 1):
        at = np.flatnonzero(labels == number)
        before = area[max(at[0] - compared, first) : at[0]]
        behind = area[at[-1] + 1 : at[-1] + 1 + compared]
        if min(np.isfinite(before).sum(), np.isfinite(behind).sum()) < _LEAST_STATIONS:
            continue
        sizes = np.log([np.nanmedian(before), np.nanmedian(behind)])
        if abs(sizes[0] - sizes[1]) < np.log(_ANOTHER_SIZE):
            continue
        fits_first = np.abs(np.log(area[at]) - sizes[0]) < np.abs(np.log(area[at]) - sizes[1])
        middle = int(at[0]) + int(np.count_nonzero(fits_first))
        yield profile.part(first, middle)
        first = middle
    yield profile.part(first, len(area)) if first else profile


def _without(one: StentProfile, others: Sequence[StentProfile]) -> StentProfile:
    """Return a stent without those of its ends whose rings are others'."""
    surfaces = [_surface(other) for other in others]
    known = np.concatenate([np.zeros((0, 3)), *surfaces])
    same = _beside(one, known) >= _SAME_RING_SHARE if len(known) else np.zeros(len(one.curve))
    if not same.any() or same.all():
        return one
    first, stop = 0, len(same)
    start, end = int(np.argmin(same)), int(np.argmin(same[::-1]))
    if start and _is_others(one, np.arange(start), others):
        first = start
    if end and _is_others(one, np.arange(stop - end, stop), others):
        stop -= end
    return one.part(first, stop) if stop - first >= _LEAST_STATIONS else one


def _is_others(
    one: StentProfile, run: npt.NDArray[np.intp], others: Sequence[StentProfile]
) -> bool:
    """Tell whether rings fit the rest of the nearest other stent better than that of their own."""
    middle = one.curve.points_lps_mm[run]
    near = [cKDTree(other.curve.points_lps_mm).query(middle) for other in others]
    nearest = min(range(len(others)), key=lambda n: float(np.median(near[n][0])))
    other = others[nearest]
    return _misfit(one, run) > _misfit(other, np.unique(near[nearest][1]))


def _misfit(stent: StentProfile, at: npt.NDArray[np.intp]) -> float:
    """Return how far the size of sections is from that of the rest, as a logarithm."""
    area = stent.shapes.area_mm2
    ratio = np.nanmedian(area[at]) / np.nanmedian(np.delete(area, at))
    return float(abs(np.log(ratio)))


def _ring(profile: StentProfile, at: slice | int) -> FloatArray:
    """Return the contours of stations as points in LPS mm."""
    curve, contours = profile.curve, profile.contours_mm
    result: FloatArray = (
        curve.points_lps_mm[at][..., None, :]
        + contours[at][..., :1] * curve.across[at][..., None, :]
        + contours[at][..., 1:] * curve.upward[at][..., None, :]
    )
    return result


def _surface(profile: StentProfile) -> FloatArray:
    """Return (k, 3) LPS points on the wires of a stent."""
    points = _ring(profile, slice(None))
    result: FloatArray = points[np.isfinite(points).all(axis=2)]
    return result


def _beside(profile: StentProfile, others_lps_mm: FloatArray) -> FloatArray:
    """Return (n,) the share of every contour near which other wires run."""
    near = cKDTree(others_lps_mm)
    share = np.zeros(len(profile.curve))
    for n in np.flatnonzero(np.isfinite(profile.contours_mm).all(axis=(1, 2))):
        apart = near.query(_ring(profile, int(n)), distance_upper_bound=_REACH_MM)[0]
        share[n] = np.mean(np.isfinite(apart))
    return share


def _crossed(profile: StentProfile, others_lps_mm: FloatArray) -> BoolArray:
    """Tell (n,) which sections other wires cross inside, clear of their own."""
    curve = profile.curve
    station = cKDTree(curve.points_lps_mm).query(others_lps_mm)[1]
    offset = others_lps_mm - curve.points_lps_mm[station]
    height = np.einsum("ij,ij->i", offset, curve.tangents[station])
    aside = np.sqrt(np.maximum((offset**2).sum(axis=1) - height**2, 0.0))
    step_mm = curve.step_mm
    inside = aside < 0.5 * profile.shapes.minimum_mm[station] - _REACH_MM
    crossed = np.zeros(len(curve), dtype=bool)
    crossed[station[inside & (np.abs(height) <= step_mm)]] = True
    return crossed


def _met(profile: StentProfile, others_lps_mm: FloatArray, volume: Volume) -> StentProfile:
    if not len(others_lps_mm) or profile.whole:
        return profile
    shared = _beside(profile, others_lps_mm)
    crossed = _crossed(profile, others_lps_mm)
    shared = np.where(crossed, np.maximum(shared, 0.5), shared)
    here = shared >= _LEAST_SHARE
    if not here.any():
        return profile
    overlaps = tuple(o for o in profile.overlaps if not here[_between(profile, o)].any())
    doubled = np.zeros(len(here), dtype=bool)
    for overlap in overlaps:
        doubled |= _between(profile, overlap)
    flags = [
        tuple(w for w in words if w != OVERLAP or doubled[n]) + (MEETING,) * bool(here[n])
        for n, words in enumerate(profile.flags)
    ]
    doubt = _SHARED_DOUBT_MM * shared
    if profile.wires is not None:
        displaced = displaced_mm(profile.contours_mm, profile.wires.blur, doubled)
        doubt = np.hypot(doubt, displaced)
    told = replace(
        profile,
        area_interval_mm2=area_interval(profile.shapes, doubt),
        overlaps=overlaps,
        flags=tuple(flags),
        shared=shared,
    )
    return _lined_apart(told, volume) if (shared >= CROSSING_SHARE).any() else told


def _lined_apart(profile: StentProfile, volume: Volume) -> StentProfile:
    """Tell the lumen anew from the stations that no other stent runs into, and only there.

    Neighbouring stations share what hides in the wires' glare: the wires of another stent inside a
    section pass for tissue in those beside it.
    """
    lumen = np.full_like(profile.lumen_mm, np.nan)
    interval = np.full_like(profile.lumen_interval_mm2, np.nan)
    flags = [tuple(w for w in words if w not in ABOUT_LUMEN) for words in profile.flags]
    labels, count = ndimage.label(profile.shared < CROSSING_SHARE)
    for number in range(1, count + 1):
        at = np.flatnonzero(labels == number)
        if profile.wires is None or len(at) < _LEAST_STATIONS:
            continue
        run = slice(int(at[0]), int(at[-1]) + 1)
        wires = with_own_blood(volume, profile.wires.part(run))
        lumen[run], interval[run], words = lumen_inside(wires)
        for n, more in zip(at, words, strict=True):
            flags[n] = (*flags[n], *more)
    return replace(
        profile,
        lumen_mm=lumen,
        lumen_shapes=measure_shapes(lumen),
        lumen_interval_mm2=interval,
        flags=tuple(flags),
    )


def _between(profile: StentProfile, stretch: tuple[float, float]) -> BoolArray:
    position = profile.curve.position_mm - profile.curve.position_mm[0]
    inside: BoolArray = (position >= stretch[0]) & (position <= stretch[1])
    return inside
