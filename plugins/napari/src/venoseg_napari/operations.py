"""What the tools do to the open case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from venoseg.lumen.profile import VesselProfile
from venoseg.review import Contour, Notes, Session, canonical_labels
from venoseg.review.actions import Layer
from venoseg.segmentation import (
    Edit,
    OccludedCourse,
    Pen,
    Role,
    Seed,
    Segmentation,
    apply,
    cut_with_plane,
    fill_between_slices,
    fill_holes,
    grow,
    paint_ball,
    paint_disc,
    relabel_branch,
    remove_islands,
    segment,
    shrink,
    smooth,
    undo,
)
from venoseg.segmentation.edits import (
    EMPTY_BOX,
    Box,
    LabelArray,
    edit_to,
    label_box,
    merged,
    union,
)
from venoseg.volume import BoolArray, FloatArray
from venoseg_napari.desk import Desk
from venoseg_napari.tool import STROKES, TITLES, VALUES

# What the buttons below the tools do to the whole of the vein that is chosen.
SHAPES: dict[str, str] = {
    "fill": "Fill between slices",
    "grow": "Grow",
    "shrink": "Shrink",
    "smooth": "Smooth",
    "islands": "Remove islands",
    "holes": "Fill holes",
}


class Stroke:
    """One stroke of a brush, from press to release: seen at once, one step in the end.

    Parameters
    ----------
    desk
        Whose tool draws.
    normal
        (3,) LPS direction across the view that is drawn in.
    """

    def __init__(self, desk: Desk, normal: FloatArray) -> None:
        self._desk, self._normal = desk, normal
        self._last: FloatArray | None = None
        self._edits: list[Edit] = []

    def move_to(self, lps_mm: FloatArray) -> None:
        """Draw on to a place."""
        desk, session = self._desk, self._desk.session
        if session is None or desk.busy:
            return
        way = [lps_mm] if self._last is None else [self._last, lps_mm]
        self._last = lps_mm
        tool, grid = desk.tool, session.image.grid
        layer = session.layer("stent" if tool.kind == "stent" else "veins")
        image = session.image
        if tool.kind == "disc":
            edit = paint_disc(layer, grid, way, tool.radius_mm, self._normal, tool.pen, image)
        else:
            edit = paint_ball(layer, grid, way, tool.radius_mm, tool.pen, image)
        if len(edit):
            apply(layer, edit)
            self._edits.append(edit)
            desk.meter.touch(edit.box)
            desk.voxels_changed.emit("stent" if tool.kind == "stent" else "veins")

    def finish(self) -> None:
        """Make the stroke a step of the case."""
        desk, session = self._desk, self._desk.session
        if session is None or not self._edits:
            return
        kind = desk.tool.kind
        name: Layer = "stent" if kind == "stent" else "veins"
        layer = session.layer(name)
        for edit in reversed(self._edits):
            undo(layer, edit)
        whole = merged(layer, self._edits)
        box = union([edit.box for edit in self._edits])
        self._edits = []
        if desk.busy:
            desk.voxels_changed.emit(name)
        desk.change(lambda s: s.draw(TITLES[kind].lower(), whole, name), seen=not desk.busy)
        desk.meter.let_go(session, box, name)


def click(desk: Desk, lps_mm: FloatArray) -> None:
    """Do what the tool does where it is clicked."""
    kind, tool = desk.tool.kind, desk.tool
    if kind in STROKES or desk.session is None:
        return
    if kind == "look":
        desk.look_at(lps_mm)
    elif kind == "relabel":
        desk.change(
            lambda s: s.draw(
                f"rename to {tool.vessel}",
                relabel_branch(s.labels, s.image.grid, lps_mm, tool.value),
            )
        )
    elif kind == "cut":
        desk.look_at(lps_mm)
        cut_here(desk)
    else:
        set_seed(desk, lps_mm)


def cut_here(desk: Desk) -> None:
    """Cut the vein at the station looked at and remove what lies peripheral of it."""
    profile = desk.profile()
    if profile is None or desk.station is None:
        desk.told.emit("there is no measured vein at this place to cut", True)
        return
    curve, station = profile.branch.curve, desk.station[1]
    point, normal = curve.points_lps_mm[station], curve.tangents[station]
    desk.change(
        lambda s: s.draw(
            f"cut {profile.vessel}",
            cut_with_plane(s.labels, s.image.grid, VALUES[profile.vessel], point, normal),
        )
    )


def reshape(desk: Desk, what: str) -> None:
    """Change the shape of the chosen vein as a whole."""
    tool = desk.tool
    pen = Pen(tool.value, (0,) if tool.protect else None, tool.window_hu)

    def edit(s: Session) -> Edit:
        labels, grid, value = s.labels, s.image.grid, tool.value
        if what == "fill":
            return fill_between_slices(labels, grid, pen, axis=grid.axial_axis)
        if what == "grow":
            return grow(labels, grid, pen, tool.step_mm, s.image)
        if what == "shrink":
            return shrink(labels, grid, value, tool.step_mm)
        if what == "smooth":
            return smooth(labels, grid, value, tool.step_mm)
        if what == "islands":
            return remove_islands(labels, grid, value)
        return fill_holes(labels, value)

    def step(session: Session) -> Box:
        made = edit(session)
        if not len(made):
            desk.told.emit(f"{SHAPES[what].lower()}: nothing of the vein changes", False)
            return EMPTY_BOX
        return session.draw(f"{SHAPES[what].lower()}: {tool.vessel}", made)

    desk.change(step)


def mark_occluded(desk: Desk, first: int, last: int) -> None:
    """Say that the vein looked at carries no lumen between two of its stations."""
    profile = desk.profile()
    if profile is None:
        desk.told.emit("click on a vein first, in the profile or the straightened view", True)
        return
    start, stop = sorted((first, last))
    curve = profile.branch.curve
    course = OccludedCourse(
        profile.vessel, curve.points_lps_mm[start : stop + 1].copy(), "waypoints"
    )

    def step(session: Session) -> Box:
        # What carries no lumen is not labelled as such; the course says where the vein runs.
        edit = _without_stretch(session, profile, start, stop)
        notes = replace(
            session.notes,
            occluded=(*session.notes.occluded, course),
            contours=_outside_stretch(session.notes.contours, profile, start, stop),
        )
        return session.draw_and_note(f"mark {profile.vessel} as occluded", edit, notes)

    desk.change(step)


def _without_stretch(session: Session, profile: VesselProfile, start: int, stop: int) -> Edit:
    """Return the edit that erases a vein's voxels nearest to some of its stations."""
    value, labels = VALUES[profile.vessel], session.labels
    box = label_box(labels, value)
    part = labels[box].copy()
    index = np.argwhere(part == value)
    places = session.image.grid.to_lps(index + [s.start for s in box])
    part[tuple(index[_beside_stretch(profile, places, start, stop)].T)] = 0
    return edit_to(labels, box, part)


def _outside_stretch(
    contours: Sequence[Contour], profile: VesselProfile, start: int, stop: int
) -> tuple[Contour, ...]:
    """Return the drawn outlines without those across a vein between two of its stations."""
    return tuple(
        contour
        for contour in contours
        if contour.vessel != profile.vessel
        or not _beside_stretch(profile, contour.station_lps_mm[None], start, stop).any()
    )


def _beside_stretch(
    profile: VesselProfile, places_lps_mm: FloatArray, start: int, stop: int
) -> BoolArray:
    """Tell which (n, 3) places are nearest to one of some consecutive stations of a vein."""
    _, nearest = cKDTree(profile.branch.curve.points_lps_mm).query(places_lps_mm)
    beside: BoolArray = (nearest >= start) & (nearest <= stop)
    return beside


def forget_course(desk: Desk) -> None:
    """Take back what was said of the course of the chosen vein: ends, waypoints, occlusions."""
    vessel = desk.tool.vessel

    def step(session: Session) -> Box:
        notes = session.notes
        seeds = tuple(seed for seed in notes.seeds if seed.vessel != vessel)
        occluded = tuple(course for course in notes.occluded if course.vessel != vessel)
        if (len(seeds), len(occluded)) == (len(notes.seeds), len(notes.occluded)):
            desk.told.emit(f"nothing was said of the course of {vessel}", False)
            return EMPTY_BOX
        return session.note(
            f"forget the ends of {vessel}", replace(notes, seeds=seeds, occluded=occluded)
        )

    desk.change(step)


def set_seed(desk: Desk, lps_mm: FloatArray) -> None:
    """Set an end or a waypoint of the chosen vein; an end replaces the one before."""
    roles: dict[str, Role] = {
        "seed": "central_end",
        "end": "peripheral_end",
        "waypoint": "waypoint",
    }
    role = roles[desk.tool.kind]
    vessel = desk.tool.vessel
    x, y, z = (float(value) for value in lps_mm)
    seed = Seed(vessel, role, (x, y, z))

    def step(session: Session) -> Box:
        notes: Notes = session.notes
        kept = tuple(
            s for s in notes.seeds if role == "waypoint" or (s.vessel, s.role) != (vessel, role)
        )
        return session.note(
            f"set the {role.replace('_', ' ')} of {vessel}", replace(notes, seeds=(*kept, seed))
        )

    desk.change(step)


def segment_case(desk: Desk, *, from_seeds: bool) -> None:
    """Find the veins anew, from the seeds that were set or without any, as one step."""
    session = desk.session
    if session is None or desk.busy:
        return
    seeds = session.notes.seeds
    if from_seeds and not seeds:
        desk.told.emit(
            "set a central end and at least one peripheral end first, with the tools of that name",
            True,
        )
        return
    image = session.image

    def found(made: Segmentation) -> None:
        whole = label_edit(session, canonical_labels(made))
        notes = replace(session.notes, occluded=made.occluded)
        words = "segment from the seeds" if from_seeds else "segment"
        desk.change(lambda s: s.draw_and_note(words, whole, notes))
        if made.stent is not None:
            stent = made.stent.view(np.uint8)
            k, j, i = (slice(0, size) for size in stent.shape)
            box = (k, j, i)
            desk.change(lambda s: s.draw("stents", edit_to(s.stent, box, stent), "stent"))
        doubts = [f"{c.vessel}: {', '.join(c.reasons)}" for c in made.confidence if c.reasons]
        desk.told.emit("; ".join(doubts) or "the veins were found", bool(doubts))

    desk.work.start_locked(
        "segmenting", lambda: segment(image, seeds if from_seeds else None), found
    )


def label_edit(session: Session, wanted: LabelArray) -> Edit:
    """Return the edit that turns a session's labels into others."""
    a, b, c = (slice(0, n) for n in wanted.shape)
    return edit_to(session.labels, (a, b, c), wanted)
