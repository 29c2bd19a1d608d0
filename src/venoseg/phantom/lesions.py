"""What disease does to a healthy tube."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.errors import UsageError
from venoseg.phantom.tube import Tube


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A smooth focal loss of lumen area.

    Attributes
    ----------
    centre_mm, length_mm
        Where on the tube, and over which length it comes and goes.
    area_percent
        Area lost at the centre, of the healthy area there; 0 to 99.
    widening
        How far the lumen gives way sideways: 1 keeps its width; above 1 the first semi-axis grows
        by up to this factor while the second pays for it, as when an artery presses on a vein;
        None shrinks both alike.
    """

    centre_mm: float
    length_mm: float
    area_percent: float
    widening: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.area_percent < 100 or self.length_mm <= 0:
            raise UsageError("a narrowing loses 0 to 99 % of the area over a positive length")


def narrowed(tube: Tube, *lesions: Narrowing) -> Tube:
    """Return the tube with lesions; its healthy areas stay as they were."""
    first, second = tube.profile.first_mm.copy(), tube.profile.second_mm.copy()
    for lesion in lesions:
        along = (tube.curve.positions_mm - lesion.centre_mm) / lesion.length_mm
        shape = np.where(np.abs(along) < 0.5, np.cos(np.pi * along) ** 2, 0.0)
        left = 1 - lesion.area_percent / 100 * shape
        wider = np.sqrt(left) if lesion.widening is None else 1 + (lesion.widening - 1) * shape
        first *= wider
        second *= left / wider
    profile = replace(tube.profile, first_mm=first, second_mm=second)
    return replace(tube, profile=profile)
