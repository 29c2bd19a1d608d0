"""From two scans to their matched levels: bones, their motion, and what lies around the veins."""

from __future__ import annotations

import numpy as np

from venoseg.followup.bones import bones_of
from venoseg.followup.case import Landmarks
from venoseg.followup.evidence import POINTED_MM, Mark, stent_marks
from venoseg.followup.levels import Match, match_levels, starts_of
from venoseg.followup.registration import register
from venoseg.followup.surroundings import Sight
from venoseg.lumen import Measurements


def sight_of(found: Measurements) -> Sight:
    """Return a scan's image and bones, as the match of levels needs them."""
    return Sight(found.volume, bones_of(found.volume, found.segmentation))


def match_visits(
    before: Measurements,
    after: Measurements,
    limit_mm: float,
    sights: tuple[Sight, Sight] | None = None,
    landmarks: tuple[Landmarks, Landmarks] = ({}, {}),
) -> Match:
    """Match the levels of two scans.

    Parameters
    ----------
    before, after
        What was measured on them.
    limit_mm
        Bones that lie farther apart than this after their motion are not used.
    sights
        What `sight_of` returns for either, where it is known already.
    landmarks
        Named places that a person pointed at in either; those of one name belong together.
    """
    first, second = sights or (sight_of(before), sight_of(after))
    motion = None
    if first.bones is not None and second.bones is not None:
        motion = register(first.bones, second.bones, starts_of(before.tree, after.tree))
    seen = [
        *stent_marks(before.stents, after.stents),
        *(
            Mark(np.array(place), np.array(landmarks[1][name]), POINTED_MM)
            for name, place in landmarks[0].items()
            if name in landmarks[1]
        ),
    ]
    return match_levels(before.tree, after.tree, motion, limit_mm, (first, second), seen)
