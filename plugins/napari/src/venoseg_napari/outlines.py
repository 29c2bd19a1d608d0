"""Outlines of the lumen that the reviewer drags: across the vein, or along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from venoseg.lumen.profile import VesselProfile
from venoseg.review import Contour, Session
from venoseg.segmentation import Edit, OccludedCourse, Pen, apply, draw_contour, undo
from venoseg.segmentation.edits import Box, merged
from venoseg.volume import FloatArray
from venoseg_napari.desk import Desk
from venoseg_napari.tool import VALUES

# A new outline replaces the voxels of the old one up to this far from it.
_REPLACE_MM = 8.0

# An edge that is pushed takes its neighbours along by a bell of this standard deviation ...
_BELL_MM = 3.0
# ... as far as they move by more than this.
_LEAST_MM = 0.2

# A wall is not stretched more than this times beyond where it was held.
_STRETCH = 3.0


@dataclass(frozen=True, slots=True)
class Push:
    """The edge of a vein in the straightened view, pushed across it.

    Attributes
    ----------
    vessel, station
        Where it was held.
    side
        0: the lower edge, 1: the upper one.
    shift_mm
        How far upwards.
    """

    vessel: str
    station: int
    side: int
    shift_mm: float


def pushed_stations(profile: VesselProfile, push: Push) -> list[tuple[int, float]]:
    """Return the stations that a push moves, and each one's shift in mm."""
    position = profile.branch.curve.position_mm
    apart = (position - position[push.station]) / _BELL_MM
    shift = push.shift_mm * np.exp(-0.5 * apart**2)
    moved = profile.measured & (np.abs(shift) > _LEAST_MM)
    return [(int(n), float(shift[n])) for n in np.flatnonzero(moved)]


def pushed(contour_mm: FloatArray, side: int, shift_mm: float) -> FloatArray:
    """Return a contour, (n, 2) in (across, upward) mm, with one half drawn out or pressed in.

    The half on the side that is pushed is stretched across, so that the contour crosses the plane
    of the straightened view ``shift_mm`` further up; the other half stays.
    """
    sign = 1.0 if side else -1.0
    middle = float(contour_mm[:, 0].mean())
    reach = np.maximum(sign * (contour_mm[:, 0] - middle), 0.0)
    at_plane = reach[np.abs(contour_mm[:, 1]) <= np.abs(contour_mm[:, 1])[reach > 0].min() + 1e-9]
    held = max(float(at_plane.max(initial=0.0)), float(reach.max()) / _STRETCH)
    moved = contour_mm.copy()
    moved[:, 0] += shift_mm * reach / held
    return moved


def drag_outline(desk: Desk, outline_mm: FloatArray) -> None:
    """Take an outline, (n, 2) in (across, upward) mm, for the lumen at the station looked at."""
    profile = desk.profile()
    if profile is not None and desk.station is not None:
        _draw(desk, profile, [(desk.station[1], outline_mm)])


def push_edge(desk: Desk, push: Push) -> None:
    """Take the outlines that a push leaves for the lumen at the stations it moves."""
    profile = desk.profile(push.vessel)
    if profile is None:
        return
    drawn = [
        (station, pushed(profile.contours_mm[station], push.side, shift_mm))
        for station, shift_mm in pushed_stations(profile, push)
    ]
    if drawn:
        _draw(desk, profile, drawn)


def _draw(desk: Desk, profile: VesselProfile, outlines: Sequence[tuple[int, FloatArray]]) -> None:
    """Draw outlines at stations of a vein, as one step: into the labels and into the notes."""
    curve = profile.branch.curve
    contours = tuple(
        Contour(
            profile.vessel,
            curve.points_lps_mm[station].copy(),
            curve.points_lps_mm[station]
            + outline_mm[:, :1] * curve.across[station]
            + outline_mm[:, 1:] * curve.upward[station],
        )
        for station, outline_mm in outlines
    )
    stations = [station for station, _ in outlines]
    half_step_mm = 0.5 * profile.step_mm
    session = desk.session
    shut = [] if session is None else session.notes.occluded
    if any(_on(course, contour) for course in shut for contour in contours):
        desk.told.emit(
            f"{profile.vessel} is marked as occluded here; "
            "press 'Forget ends' first to draw a lumen",
            True,
        )
        return

    def replaced(old: Contour) -> bool:
        gaps = [np.linalg.norm(old.station_lps_mm - new.station_lps_mm) for new in contours]
        return old.vessel == profile.vessel and bool(min(gaps) <= half_step_mm)

    def step(session: Session) -> Box:
        kept = tuple(old for old in session.notes.contours if not replaced(old))
        tangents = [curve.tangents[station] for station in stations]
        edit = _written(session, VALUES[profile.vessel], contours, tangents)
        notes = replace(session.notes, contours=(*kept, *contours))
        return session.draw_and_note(f"draw the outline of {profile.vessel}", edit, notes)

    desk.change(step)


def _on(course: OccludedCourse, contour: Contour) -> bool:
    """Tell whether an outline was drawn across an occluded stretch."""
    points = course.points_lps_mm
    gaps = np.linalg.norm(points - contour.station_lps_mm, axis=1)
    at = int(gaps.argmin())
    step_mm = np.linalg.norm(np.diff(points, axis=0), axis=1).max(initial=0.0)
    # Beyond its ends the nearest point is an end, and further off than a station.
    return course.vessel == contour.vessel and (
        0 < at < len(points) - 1 or bool(gaps[at] <= step_mm)
    )


def _written(
    session: Session, value: int, contours: Sequence[Contour], tangents: Sequence[FloatArray]
) -> Edit:
    """Return the edit that makes a vein fill outlines in planes with the given normals."""
    labels, edits = session.labels, []
    for contour, normal in zip(contours, tangents, strict=True):
        edit = draw_contour(
            labels,
            session.image.grid,
            Pen(value),
            contour.outline_lps_mm,
            normal,
            replace_within_mm=_REPLACE_MM,
        )
        apply(labels, edit)
        edits.append(edit)
    for edit in reversed(edits):
        undo(labels, edit)
    return merged(labels, edits)
