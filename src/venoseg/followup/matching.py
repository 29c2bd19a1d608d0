"""From two scans to their matched levels: bones, their motion, and what lies around the veins."""

from __future__ import annotations

from venoseg.followup.bones import bones_of
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
    """
    first, second = sights or (sight_of(before), sight_of(after))
    motion = None
    if first.bones is not None and second.bones is not None:
        motion = register(first.bones, second.bones, starts_of(before.tree, after.tree))
    return match_levels(before.tree, after.tree, motion, limit_mm, (first, second))
