"""Where the outline of a drawn cava is no oval.

Blood makes the section of a vein an oval, flat or round. A lobe of the liver beside a cava that is
shut, bounded by fat and as bright as blood, has corners and hollows; so has a part of a cava.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from venoseg.segmentation.trust.judging import Doubt
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.sections import USUAL_UNLIKE, unlike_ovals
from venoseg.segmentation.tubes.wall import Tube
from venoseg.volume import BoolArray

# By which it is no vein's.
_NO_VEIN = 0.2
# What is shorter proves nothing.
_LEAST_MM = 15.0


def of_outline(tube: Tube, where: BoolArray) -> Iterator[Doubt]:
    """Doubt a cava most of whose sections are no ovals.

    Those that were completed to ovals tell nothing. ``where``: (n,) its open stations.
    """
    told = where if tube.completed is None else where & ~tube.completed
    if told.sum() * tube.course.step_mm < _LEAST_MM:
        return
    unlike = np.zeros(len(told))
    unlike[told] = unlike_ovals(tube.radius_mm[told])
    usual = float(np.median(unlike[told]))
    if usual > USUAL_UNLIKE:
        high = heights(tube.course.points_lps_mm, unlike > USUAL_UNLIKE)
        words = f"its outline differs from an oval by {100 * usual:.0f} % of its area{high}"
        value = 1.0 - (usual - USUAL_UNLIKE) / (_NO_VEIN - USUAL_UNLIKE)
        yield value, f"{words}: another organ, or a part?"
