"""Whether left and right are what they are called."""

from __future__ import annotations

from collections.abc import Iterator

from venoseg.anatomy import BY_NAME
from venoseg.centerline import VesselTree
from venoseg.errors import LabelError
from venoseg.followup.case import Case
from venoseg.followup.comparable import stented_station
from venoseg.followup.visit import CtVisit


def refuse_swapped_sides(tree: VesselTree, where: str) -> None:
    """Refuse veins that lie on the other side of the patient than they are called.

    Raises
    ------
    LabelError
        When every pair of a left and a right vein lies the wrong way round.
    """
    middles = {b.vessel: float(b.curve.points_lps_mm[:, 0].mean()) for b in tree.branches}
    pairs = [
        (x, middles[right])
        for left, x in middles.items()
        if left.startswith("left_") and (right := f"right_{left[5:]}") in middles
    ]
    if pairs and all(left < right for left, right in pairs):
        raise LabelError(
            "the veins called left lie right of those called right",
            where=where,
            remedy="left and right are swapped in the labels, or the image is mirrored",
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
