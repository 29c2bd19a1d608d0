"""Whether left and right are what they are called."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from venoseg.anatomy import BY_NAME
from venoseg.errors import LabelError
from venoseg.followup.case import LIMBS, Case
from venoseg.followup.comparable import stented_station
from venoseg.followup.visit import CtVisit, RunVisit
from venoseg.segmentation import Segmentation

# Seen from farther aside, left and right lie behind each other.
_FROM_FRONT_DEGREES = 45.0


def refuse_swapped_sides(labels: Segmentation, where: str) -> None:
    """Refuse labels whose veins lie on the other side of the patient than they are called.

    Raises
    ------
    LabelError
        When what is called left lies, taken together, right of what is called right.
    """
    found = ndimage.find_objects(labels.labels)
    middles: dict[str, list[float]] = {limb: [] for limb in LIMBS}
    sizes: dict[str, list[int]] = {limb: [] for limb in LIMBS}
    for label, name in labels.names.items():
        side = BY_NAME[name].side if name in BY_NAME else None
        box = found[label - 1] if 0 < label <= len(found) else None
        if side is None or box is None:
            continue
        inside = np.argwhere(labels.labels[box] == label)
        middle = inside.mean(axis=0) + [part.start for part in box]
        middles[side].append(float(labels.grid.to_lps(middle[None])[0, 0]))
        sizes[side].append(len(inside))
    if not all(middles.values()):
        return
    left, right = (np.average(middles[limb], weights=sizes[limb]) for limb in ("left", "right"))
    if left < right:
        raise LabelError(
            "the veins called left lie right of those called right",
            where=where,
            remedy="left and right are swapped in the labels, or the image is mirrored",
        )


def sides_in_the_picture(visit: RunVisit) -> Iterator[str]:
    """Yield a sentence where a run from the front shows what is called left on the wrong side.

    A picture may have been mirrored: it is said and not refused.
    """
    primary = visit.found.subtraction.run.angles_degrees[0]
    if primary is None or abs(primary) > _FROM_FRONT_DEGREES:
        return
    columns: dict[str, list[float]] = {limb: [] for limb in LIMBS}
    for one in visit.found.projections:
        side = BY_NAME[one.vessel].side if one.vessel in BY_NAME else None
        if side is not None:
            columns[side].append(float(one.edges.course.points_px[:, 0].mean()))
    if all(columns.values()) and np.mean(columns["left"]) < np.mean(columns["right"]):
        yield (
            f"{visit.label}: the veins called left lie left of those called right in the picture: "
            "left and right may be swapped in the seeds, or the picture is mirrored"
        )


def stents_on_the_other_side(case: Case, visit: CtVisit) -> Iterator[str]:
    """Yield a sentence for every stent of which metal is seen on the other side only."""
    metal = {
        side
        for profile in visit.found.profiles
        if (side := BY_NAME[profile.vessel].side) is not None
        and any(stented_station(row) for row in visit.stations(profile.vessel))
    }
    recorded = {
        limb
        for stent in case.stents
        if stent.day <= visit.day and len(stent.limbs) == 1
        for limb in stent.limbs
    }
    if recorded and metal and not recorded & metal:
        yield (
            f"{visit.label}: stents are recorded on the {' and '.join(sorted(recorded))} and seen "
            f"on the {' and '.join(sorted(metal))}: left and right may be swapped"
        )
