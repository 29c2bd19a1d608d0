"""Measure again, after an edit, only what the edit can have changed.

The centerline, the planes across it and the blur of the image stay as they were: they belong to the
vein and the scanner, not to one stroke of a brush. Where an edit may have moved the course of the
vein itself, `Measurements.needs_retrace` says why, and only `measure` gives figures that hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, groupby
from operator import itemgetter

import numpy as np
from scipy.spatial.distance import cdist

from venoseg.centerline.regions import Box, Region, box_around, shifted
from venoseg.centerline.tree import Branch
from venoseg.centerline.update import RegionUpdate, stations_met, updated_region
from venoseg.errors import LabelError, UsageError
from venoseg.lumen.concluding import conclude
from venoseg.lumen.evidence import renew
from venoseg.lumen.implants import beside_implant, flagged
from venoseg.lumen.label_view import LabelView
from venoseg.lumen.measure import Measurements
from venoseg.lumen.occlusion import with_gaps
from venoseg.lumen.profile import Boundary, VesselProfile
from venoseg.lumen.stents.records import stent_warnings
from venoseg.lumen.stents.stations import with_stents
from venoseg.lumen.tables.lesions import lesion_table
from venoseg.lumen.tables.records import cross_section_table, segment_table
from venoseg.lumen.tables.references import ReferenceLine, reference_lines
from venoseg.lumen.tables.warnings import warnings_of
from venoseg.segmentation import Segmentation
from venoseg.tables import Row, Table
from venoseg.volume import FloatArray

# A station this share of the lumen's radius off its middle no longer runs along the vein.
_OFF_MIDDLE = 0.5

# So many of the edited voxels are asked where they lie along the vein.
_LOOKED_AT = 200


def remeasure(found: Measurements, edited: Segmentation, box: Box) -> Measurements:
    """Measure again where an edit of the labels can have changed a figure.

    Parameters
    ----------
    found
        What was measured before the edit.
    edited
        The labels after it, on the same grid.
    box
        (slices, rows, columns) that hold every voxel that differs.

    Returns
    -------
    Measurements
        The same as `measure_along` gives on the same centerlines with the same blur, within the
        digits of the tables. Contours drawn by hand stay. ``needs_retrace`` says when the
        centerlines may be wrong now.

    Raises
    ------
    LabelError
        When the edited labels lie on another grid.
    """
    if not found.segmentation.grid.matches(edited.grid):
        raise LabelError(
            "the edited labels lie on another grid than those measured",
            remedy="measure the image with the new labels from the start",
        )
    regions = {p.branch.region.vessels: p.branch.region for p in found.profiles}
    box = _near_veins(_clipped(box, edited.labels.shape), edited, [*regions.values()])
    updates = {name: updated_region(region, edited, box) for name, region in regions.items()}
    reasons = [*found.needs_retrace]
    for vessels, update in updates.items():
        curves = [p.branch for p in found.profiles if p.branch.region.vessels == vessels]
        words = (*update.reasons, *_out_of_sight(curves, update))
        reasons += [f"{', '.join(vessels)}: {text}" for text in words]
    profiles = []
    for profile in found.profiles:
        again, off = _again(found, profile, updates[profile.branch.region.vessels])
        reasons += [f"{profile.vessel}: {text}" for text in off]
        profiles.append(again)
    branches = tuple(profile.branch for profile in profiles)
    reasons += _comes_and_goes(found, edited, box)
    tree = replace(found.tree, branches=branches)
    changed = replace(found, tree=tree, segmentation=edited, needs_retrace=_once(reasons))
    return _with_profiles(changed, tuple(profiles))


def with_contour(
    found: Measurements,
    vessel: str,
    position_mm: float,
    outline_lps_mm: FloatArray | None,
) -> Measurements:
    """Take a contour that a person drew for the lumen at one station.

    The station's flags say ``manual_contour``, its figures are those of the drawing, and it has no
    interval. Its neighbours stay as they are.

    Parameters
    ----------
    found
        What was measured.
    vessel, position_mm
        Where: the station nearest to this position.
    outline_lps_mm
        (k, 3) points of the closed line, in order, in the plane across the vein; None takes an
        earlier drawing back.

    Raises
    ------
    UsageError
        When there is no such vein.
    MeasurementError
        When the outline holds no area or lies outside of the station's plane.
    """
    names = [p.vessel for p in found.profiles]
    if vessel not in names:
        raise UsageError(f"{vessel} was not measured", remedy=f"name one of {', '.join(names)}")
    profiles = list(found.profiles)
    number = names.index(vessel)
    old = profiles[number]
    station = int(np.argmin(np.abs(old.branch.curve.position_mm - position_mm)))
    drawn = old.drawn.with_contour(old.branch.curve, station, outline_lps_mm)
    again = conclude(found.volume, old.branch, _boundary(found), old.evidence, drawn, old)
    profiles[number] = with_stents(again, found.owned_stents, found.volume)
    return _with_profiles(found, tuple(profiles))


def _again(
    found: Measurements, profile: VesselProfile, update: RegionUpdate
) -> tuple[VesselProfile, list[str]]:
    """Measure one vein again where the change of its voxels, or of its neighbours', is seen."""
    if update.box is None:
        return profile, []
    branch = replace(profile.branch, region=update.region)
    curve, half_width = branch.curve, branch.half_width_mm
    met = stations_met(curve, half_width, update.region.grid, update.box)
    if len(met) == 0:
        return replace(profile, branch=branch), []
    stations = slice(int(met[0]), int(met[-1]) + 1)
    boundary = _boundary(found)
    evidence = renew(profile.evidence, found.volume, branch, boundary, stations)
    new = conclude(found.volume, branch, boundary, evidence, profile.drawn, profile)
    new = with_stents(new, found.owned_stents, found.volume)
    return new, _left_middle(profile.evidence.view, evidence.view)


def _left_middle(before: LabelView, after: LabelView) -> list[str]:
    """Say whether the centerline runs beside the lumen now, where it did not before."""
    was, now = (
        (view.areas_mm2 <= 0)
        | (view.off_middle_mm > _OFF_MIDDLE * np.sqrt(np.maximum(view.areas_mm2, 0.0) / np.pi))
        for view in (before, after)
    )
    return (
        ["the centerline no longer runs in the middle of the labels"] if (now & ~was).any() else []
    )


def _out_of_sight(branches: list[Branch], update: RegionUpdate) -> list[str]:
    """Say whether voxels came beyond the ends of the centerlines of a region, or out of reach."""
    if update.box is None:
        return []
    grid = update.region.grid
    voxels = np.argwhere(update.region.owner[update.box]) + [s.start for s in update.box]
    if len(voxels) == 0:
        return []
    points = grid.to_lps(voxels[:: max(1, len(voxels) // _LOOKED_AT)])
    stations = np.concatenate([b.curve.points_lps_mm for b in branches])
    tangents = np.concatenate([b.curve.tangents for b in branches])
    distance = cdist(points, stations)
    nearest = distance.argmin(axis=1)
    ahead = np.einsum("ij,ij->i", points - stations[nearest], tangents[nearest])
    first, last = branches[0], branches[-1]
    slack = 1.5 * first.curve.step_mm + float(grid.spacing_mm.max())
    longer = np.zeros(len(points), dtype=bool)
    if first.central_end != "junction":
        longer |= (nearest == 0) & (-ahead > slack)
    if last.peripheral_end != "junction":
        longer |= (nearest == len(stations) - 1) & (ahead > slack)
    reasons = []
    if longer.any():
        reasons.append("the edit makes the vein longer than its centerline")
    if (distance.min(axis=1) > max(b.half_width_mm for b in branches))[~longer].any():
        reasons.append("the edit reaches farther from the centerline than sections are cut")
    return reasons


def _near_veins(box: Box, edited: Segmentation, regions: Sequence[Region]) -> Box:
    """Return the part of a box that holds or held a vein: of a whole slice it is little."""
    boxes = [region.box for region in regions]
    part = edited.labels[box]
    new = box_around(part) if part.size else None
    if new is not None:
        boxes.append(shifted(new, box))
    near = []
    for axis, own in enumerate(box):
        start = max(own.start, min(one[axis].start for one in boxes))
        near.append(slice(start, max(start, min(own.stop, max(one[axis].stop for one in boxes)))))
    a, b, c = near
    return a, b, c


def _comes_and_goes(found: Measurements, edited: Segmentation, box: Box) -> list[str]:
    """Name veins that the edit adds to those traced."""
    traced = {vessel for p in found.profiles for vessel in p.branch.region.vessels}
    there = np.bincount(edited.labels[box].ravel(), minlength=256) > 0
    new = {name for value, name in edited.names.items() if there[value]} - traced
    return [
        f"{name}: not traced yet"
        for name in sorted(new - {failure.vessel for failure in found.tree.failures})
    ]


def _with_profiles(found: Measurements, profiles: tuple[VesselProfile, ...]) -> Measurements:
    """Return the measurements with other profiles, making anew only the rows of those."""
    profiles = tuple(
        new if new is old else _with_surroundings(old, new, found)
        for old, new in zip(found.profiles, profiles, strict=True)
    )
    lines = reference_lines(profiles, found.rule)
    same = {
        new.vessel: new is old and _same_line(found.references[new.vessel], lines[new.vessel])
        for old, new in zip(found.profiles, profiles, strict=True)
    }
    changed = [p for p in profiles if not same[p.vessel]]

    def renewed(old: Table, new: Table) -> Table:
        rows: dict[str, list[Row]] = {p.vessel: [] for p in profiles}
        for vessel, own in groupby(old.rows, itemgetter("vessel")):
            if same.get(str(vessel), False):
                rows[str(vessel)].extend(own)
        for vessel, own in groupby(new.rows, itemgetter("vessel")):
            rows[str(vessel)].extend(own)
        return Table(old.columns, tuple(chain.from_iterable(rows.values())))

    segments = renewed(found.segments, segment_table(changed, lines))
    failed = segment_table((), lines, found.tree.failures)
    return replace(
        found,
        profiles=profiles,
        cross_sections=renewed(found.cross_sections, cross_section_table(changed, lines)),
        segments=replace(segments, rows=segments.rows + failed.rows),
        lesions=renewed(found.lesions, lesion_table(changed, lines)),
        references=lines,
        warnings=warnings_of(found.volume, found.segmentation, found.tree, profiles)
        + stent_warnings(found.owned_stents),
    )


def _with_surroundings(
    old: VesselProfile, new: VesselProfile, found: Measurements
) -> VesselProfile:
    """Say again what lies around a vein; metal implants are where they were before."""
    judged = with_gaps(new, found.volume, found.segmentation)
    return flagged(judged, beside_implant(old))


def _same_line(one: ReferenceLine | None, other: ReferenceLine | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one.areas_mm2, other.areas_mm2, equal_nan=True)


def _boundary(found: Measurements) -> Boundary:
    return "mask" if found.parameters["boundary"] == "mask" else "gray"


def _clipped(box: Box, shape: tuple[int, ...]) -> Box:
    a, b, c = (
        slice(max(int(s.start), 0), min(int(s.stop), n)) for s, n in zip(box, shape, strict=True)
    )
    return a, b, c


def _once(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
