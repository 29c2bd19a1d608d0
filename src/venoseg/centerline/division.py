"""Cutting the course of a chain of veins into its veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from venoseg.anatomy import BY_NAME
from venoseg.centerline.bridging import Bridge
from venoseg.centerline.centering import half_width_mm
from venoseg.centerline.curve import chord_lengths_mm, curve_through
from venoseg.centerline.guidance import Guidance
from venoseg.centerline.regions import Region
from venoseg.centerline.tree import Branch, EndKind, Gap
from venoseg.errors import InputError
from venoseg.volume import FloatArray, Grid

# A seed farther than this from the vein's course does not mean this vein.
_SEED_ASIDE_MM = 20.0

# A seed this near to where a vein ends anyway changes nothing.
_SEED_AT_END_MM = 3.0

# So many voxels tell where one vein gives way to the next.
_LOOKED_AT = 20_000

# A vein shorter than this between two seeds has no course to measure along.
_LEAST_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Shut:
    """Points ``first`` to ``last`` of a course that bridge a stretch without labelled lumen.

    ``leads_in`` when it comes before all labelled lumen of the course.
    """

    first: int
    last: int
    bridge: Bridge
    leads_in: bool


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The whole way of a chain of veins.

    Attributes
    ----------
    region
        The voxels of the chain, all pieces.
    parent
        The vein that it drains into, None for a root or where no connection was found.
    points_lps_mm
        (n, 3) central end first.
    shut
        Its stretches without labelled lumen, in order.
    goes_on
        Whether its peripheral end is a junction.
    """

    region: Region
    parent: str | None
    points_lps_mm: FloatArray
    shut: tuple[Shut, ...]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class _Span:
    """One vein's points ``first`` to ``last`` of a course."""

    vessel: str
    first: int
    last: int
    flags: tuple[str, ...] = ()


def unlabelled_between(central: str, peripheral: str) -> str | None:
    """Return the vein that lies, without labels, between two labelled ones of one tube.

    ``iliac_vein`` where both the common and the external iliac vein are missing, for nothing tells
    where the one gives way to the other; None where the two follow one another.
    """
    side = BY_NAME[peripheral].side
    part = peripheral.removeprefix(f"{side}_")
    if central == "ivc":
        missing = {"external_iliac_vein": "common_iliac_vein", "common_femoral_vein": "iliac_vein"}
        return f"{side}_{missing[part]}" if part in missing else None
    between = (f"{side}_common_iliac_vein", f"{side}_common_femoral_vein")
    return f"{side}_external_iliac_vein" if (central, peripheral) == between else None


def branches_of(course: Course, guidance: Guidance, grid: Grid, step_mm: float) -> list[Branch]:
    """Cut a course into its veins where the labels, the seeds or the courses say.

    Raises
    ------
    InputError
        When a seed lies far from the vein whose end it should be, or the ends are reversed.
    MeasurementError
        When a vein is shorter than two stations.
    """
    spans = [_limited(span, course, guidance) for span in _spans(course, guidance)]
    half_width = half_width_mm(course.region, course.points_lps_mm)
    parent = course.parent
    last = len(course.points_lps_mm) - 1
    branches = []
    for n, span in enumerate(spans):
        points = course.points_lps_mm[span.first : span.last + 1]
        curve = curve_through(points, step_mm)
        joins = (n > 0 and span.first == spans[n - 1].last) or (span.first == 0 and bool(parent))
        goes_on = (n < len(spans) - 1 and span.last == spans[n + 1].first) or (
            course.goes_on and span.last == last
        )
        branches.append(
            Branch(
                vessel=span.vessel,
                parent=parent,
                curve=curve,
                central_end=_end_kind(points[0], joins, grid),
                peripheral_end=_end_kind(points[-1], goes_on, grid),
                half_width_mm=half_width,
                region=course.region,
                flags=course.region.flags + span.flags,
                gaps=_gaps(course, span),
            )
        )
        parent = span.vessel
    return branches


def _spans(course: Course, guidance: Guidance) -> list[_Span]:
    """Return the veins of a course; those without labels take the stretch between the others."""
    vessels, last = course.region.vessels, len(course.points_lps_mm) - 1
    edges = [0, *_changes(course.region, course.points_lps_mm), last]
    spans = [_Span(name, edges[n], edges[n + 1]) for n, name in enumerate(vessels)]
    for shut in course.shut:
        after = next((s for s in spans if s.first <= shut.last < s.last), None)
        before = next((s for s in reversed(spans) if s.first < shut.first <= s.last), None)
        central = "ivc" if shut.leads_in else before.vessel if before is not None else None
        if after is not None and central is not None and central != after.vessel:
            spans = _with_shut(spans, shut, central, after, course, guidance)
    return spans


def _with_shut(
    spans: list[_Span],
    shut: Shut,
    central: str,
    after: _Span,
    course: Course,
    guidance: Guidance,
) -> list[_Span]:
    """Divide a shut stretch between the veins around it and the one without labels, if any."""
    missing = unlabelled_between(central, after.vessel)
    position = spans.index(after)
    if missing is None:
        if position == 0:
            return spans
        cut, assumed = _division(course, shut, guidance, central, after.vessel)
        cut = (shut.first + shut.last) // 2 if cut is None else cut
        before = spans[position - 1]
        flags = ("division_assumed",) if assumed else ()
        changed = [
            _Span(before.vessel, before.first, cut, before.flags + flags),
            _Span(after.vessel, cut, after.last, after.flags + flags),
        ]
        return [*spans[: position - 1], *changed, *spans[position + 1 :]]
    start: int | None = 0
    if not shut.leads_in:
        start, _ = _division(course, shut, guidance, central, missing)
    start = shut.first if start is None else start
    stop, assumed = _division(course, shut, guidance, missing, after.vessel)
    stop = shut.last if stop is None else stop
    flags = ("division_assumed",) if assumed else ()
    earlier = spans[:position]
    if earlier:
        earlier = [
            *earlier[:-1],
            _Span(earlier[-1].vessel, earlier[-1].first, start, earlier[-1].flags),
        ]
    return [
        *earlier,
        _Span(missing, start, stop, ("not_labelled", *flags)),
        _Span(after.vessel, stop, after.last, after.flags + flags),
        *spans[position + 1 :],
    ]


def _division(
    course: Course, shut: Shut, guidance: Guidance, central: str, peripheral: str
) -> tuple[int | None, bool]:
    """Return the point of a shut stretch where veins change by what is said, and if none is."""
    place = guidance.division(central, peripheral)
    if place is None:
        return None, True
    part = course.points_lps_mm[shut.first : shut.last + 1]
    return shut.first + int(np.argmin(np.linalg.norm(part - place, axis=1))), False


def _limited(span: _Span, course: Course, guidance: Guidance) -> _Span:
    """Cut a vein at its seeds."""
    first, last = span.first, span.last
    part = course.points_lps_mm[first : last + 1]
    central, peripheral = (
        _nearest(part, guidance.end(span.vessel, role), f"{span.vessel} {role}")
        for role in ("central_end", "peripheral_end")
    )
    at = chord_lengths_mm(part)
    if central is not None and at[central] > _SEED_AT_END_MM:
        first = span.first + central
    if peripheral is not None and at[-1] - at[peripheral] > _SEED_AT_END_MM:
        last = span.first + peripheral
    if (first, last) == (span.first, span.last):
        return span
    length = (
        float(chord_lengths_mm(course.points_lps_mm[first : last + 1])[-1]) if last > first else 0.0
    )
    if length < _LEAST_MM:
        raise InputError(
            "the seeds leave nothing of the vein between them",
            where=span.vessel,
            remedy="the central end is the one towards the heart",
        )
    return _Span(span.vessel, first, last, (*span.flags, "limited_by_seeds"))


def _nearest(part: FloatArray, seed: FloatArray | None, where: str) -> int | None:
    if seed is None:
        return None
    away = np.linalg.norm(part - seed, axis=1)
    nearest = int(np.argmin(away))
    if away[nearest] > _SEED_ASIDE_MM:
        raise InputError(
            f"the seed lies {away[nearest]:.0f} mm from the course of the vein",
            where=where,
            remedy="set it on the vein, or label the vein up to there",
        )
    return nearest


def _gaps(course: Course, span: _Span) -> tuple[Gap, ...]:
    """Return the shut stretches of one vein in mm from its central end."""
    at = chord_lengths_mm(course.points_lps_mm)
    gaps = []
    for shut in course.shut:
        first, last = max(shut.first, span.first), min(shut.last, span.last)
        if last > first:
            start, stop = (float(at[n] - at[span.first]) for n in (first, last))
            gaps.append(Gap(start, stop, shut.bridge.source, shut.bridge.ends_lps_mm))
    return tuple(gaps)


def _changes(region: Region, path: FloatArray) -> list[int]:
    """Return the points of a path where one vein of the chain gives way to the next.

    Half of the way between the last voxels of the one and the first of the other: labels may be
    divided by a plane askew to the vein, or leave a gap.
    """
    if len(region.vessels) == 1:
        return []
    voxels = region.some_voxels(_LOOKED_AT)
    owner = region.owner[tuple(voxels.T)]
    nearest = cKDTree(path).query(region.grid.to_lps(voxels))[1]
    changes: list[int] = []
    for number in range(1, len(region.vessels)):
        last = np.quantile(nearest[owner == number], 0.99)
        first = np.quantile(nearest[owner == number + 1], 0.01)
        least = changes[-1] + 1 if changes else 1
        most = len(path) - 1 - (len(region.vessels) - number)
        changes.append(int(np.clip(round((last + first) / 2.0), least, max(least, most))))
    return changes


def _end_kind(end_lps_mm: FloatArray, joins: bool, grid: Grid) -> EndKind:
    """Say how a vein ends."""
    if joins:
        return "junction"
    index = grid.to_index(end_lps_mm)
    margin = np.minimum(index, np.array(grid.shape) - 1 - index)
    return "open" if margin.min() < 1.5 else "closed"
