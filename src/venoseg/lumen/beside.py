"""What lies beside the lumen that a vein's course runs through: other channels, or a branch.

A channel of the same vein leaves it and comes back to it; what leaves it and ends, or goes its own
way, is a branch that has the vein's label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.centerline.label_sections import LabelSections
from venoseg.lumen.geometry.stationwise import part_of, with_stations
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

# What lies farther off than this is the vein's other limb, not a lumen beside.
_NEAR_MM = 15.0

# Lumens beside the one outlined, with this share of its area or more, are not left out of account.
_LEAST_SHARE = 0.1

# This share of a lumen lies within the vein in the next section where both have become one.
_JOINED = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What lies beside the vein in n sections.

    Attributes
    ----------
    share
        (n,) area of further lumens near the one outlined, relative to its own.
    joins
        (n, 2) share of that area which is part of the outlined one in the section before and in
        the one behind.
    """

    share: FloatArray
    joins: FloatArray

    def part(self, keep: slice) -> Beside:
        """Return the stations of ``keep``."""
        return part_of(self, keep)

    def replaced(self, stations: slice, part: Beside) -> Beside:
        """Return the same with other ``stations``."""
        return with_stations(self, stations, part)

    @property
    def channels(self) -> BoolArray:
        """(n,) whether further channels of the vein run beside the one outlined."""
        there = self.share >= _LEAST_SHARE
        found = np.zeros(len(there), dtype=bool)
        for start, stop in runs_of(there):
            both = self.joins[start, 0] >= _JOINED and self.joins[stop - 1, 1] >= _JOINED
            found[start:stop] = both
        return found


def look_beside(sections: LabelSections) -> Beside:
    """Look for further lumens in sections that follow one another."""
    inside, core = sections.planes > 0.5, sections.core
    step_mm = float(sections.offsets_mm[1] - sections.offsets_mm[0])
    share, joins = np.zeros(len(core)), np.zeros((len(core), 2))
    further = inside & ~core
    for n in np.flatnonzero(further.any(axis=(1, 2)) & core.any(axis=(1, 2))):
        near = _near(further[n], core[n], step_mm)
        size = np.count_nonzero(near)
        if size == 0:
            continue
        share[n] = size / np.count_nonzero(core[n])
        for side, other in enumerate((n - 1, n + 1)):
            if 0 <= other < len(core):
                joins[n, side] = np.count_nonzero(near & core[other]) / size
    return Beside(share, joins)


def _near(further: BoolArray, core: BoolArray, step_mm: float) -> BoolArray:
    """Return those of the further regions of one section that lie near the vein's own."""
    labels, count = ndimage.label(further)
    away = ndimage.distance_transform_edt(~core, sampling=step_mm)
    nearest = ndimage.minimum(away, labels, np.arange(1, count + 1))
    near: BoolArray = np.isin(labels, np.flatnonzero(nearest <= _NEAR_MM) + 1)
    return near
