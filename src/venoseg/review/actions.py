"""What a reviewer does, as records that can be done, undone, kept and replayed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from venoseg.segmentation import Edit, OccludedCourse, Seed
from venoseg.segmentation.edits import Box
from venoseg.volume import FloatArray

Layer = Literal["veins", "stent"]


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """The outline of a vein that a reviewer drew across it.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`.
    station_lps_mm
        (3,) the point of the centerline at which it was drawn.
    outline_lps_mm
        (n, 3) corners of the closed outline.
    """

    vessel: str
    station_lps_mm: FloatArray
    outline_lps_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """What a reviewer says of the veins besides drawing voxels.

    Attributes
    ----------
    seeds
        Ends and waypoints that were set.
    occluded
        Stretches that were marked as occluded.
    contours
        Outlines that were drawn across the veins.
    remark
        Free text on the case; no patient's name belongs in it.
    """

    seeds: tuple[Seed, ...] = ()
    occluded: tuple[OccludedCourse, ...] = ()
    contours: tuple[Contour, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One step of a review.

    Attributes
    ----------
    what
        In a few words, for the list of steps.
    layer
        Which voxels change.
    edit
        How; None when only notes change.
    before, after
        The notes; None when only voxels change.
    """

    what: str
    layer: Layer = "veins"
    edit: Edit | None = None
    before: Notes | None = None
    after: Notes | None = None


@dataclass(slots=True)
class History:
    """The steps done, and those undone that can be done again."""

    done: list[Action] = field(default_factory=list)
    undone: list[Action] = field(default_factory=list)

    def add(self, action: Action) -> None:
        """Note a step; what was undone before it cannot be done again."""
        self.done.append(action)
        self.undone.clear()

    def step_back(self) -> Action:
        """Move the last step to the undone ones and return it."""
        action = self.done.pop()
        self.undone.append(action)
        return action

    def step_forward(self) -> Action:
        """Move the step undone last back to the done ones and return it."""
        action = self.undone.pop()
        self.done.append(action)
        return action


def packed(action: Action) -> tuple[dict[str, Any], bytes]:
    """Return an action as JSON values and bytes."""
    head: dict[str, Any] = {"what": action.what, "layer": action.layer}
    blob = b""
    if action.edit is not None:
        edit = action.edit
        head["box"] = [[s.start, s.stop] for s in edit.box]
        head["count"] = len(edit)
        steps = np.diff(edit.places.astype(np.int64), prepend=0).astype("<u4")
        blob = zlib.compress(steps.tobytes() + edit.old.tobytes() + edit.new.tobytes(), 3)
    for name in ("before", "after"):
        notes = getattr(action, name)
        if notes is not None:
            head[name] = notes_document(notes)
    return head, blob


def unpacked(head: Mapping[str, Any], blob: bytes) -> Action:
    """Return the action of `packed`'s values."""
    edit = None
    if "box" in head:
        count = int(head["count"])
        raw = zlib.decompress(blob)
        places = np.cumsum(np.frombuffer(raw[: 4 * count], dtype="<u4"), dtype=np.uint32)
        old = np.frombuffer(raw[4 * count : 5 * count], dtype=np.uint8)
        new = np.frombuffer(raw[5 * count :], dtype=np.uint8)
        edit = Edit(box_of(head["box"]), places, old, new)
    before, after = (notes_of(head[name]) if name in head else None for name in ("before", "after"))
    return Action(str(head["what"]), head["layer"], edit, before, after)


def notes_document(notes: Notes) -> dict[str, Any]:
    """Return notes as JSON values."""
    return {
        "seeds": [
            {"vessel": s.vessel, "role": s.role, "lps_mm": list(s.lps_mm)} for s in notes.seeds
        ],
        "occluded": [
            {"vessel": o.vessel, "source": o.source, "points_lps_mm": o.points_lps_mm.tolist()}
            for o in notes.occluded
        ],
        "contours": [
            {
                "vessel": c.vessel,
                "station_lps_mm": c.station_lps_mm.tolist(),
                "outline_lps_mm": c.outline_lps_mm.tolist(),
            }
            for c in notes.contours
        ],
        "remark": notes.remark,
    }


def notes_of(document: Mapping[str, Any]) -> Notes:
    """Return the notes of `notes_document`'s values."""
    seeds = tuple(
        Seed(s["vessel"], s["role"], (s["lps_mm"][0], s["lps_mm"][1], s["lps_mm"][2]))
        for s in document["seeds"]
    )
    occluded = tuple(
        OccludedCourse(o["vessel"], np.array(o["points_lps_mm"], dtype=np.float64), o["source"])
        for o in document["occluded"]
    )
    contours = tuple(
        Contour(
            c["vessel"],
            np.array(c["station_lps_mm"], dtype=np.float64),
            np.array(c["outline_lps_mm"], dtype=np.float64),
        )
        for c in document["contours"]
    )
    return Notes(seeds, occluded, contours, str(document["remark"]))


def box_of(pairs: Sequence[Sequence[int]]) -> Box:
    """Return a box from (start, stop) along each axis."""
    a, b, c = (slice(int(start), int(stop)) for start, stop in pairs)
    return a, b, c
