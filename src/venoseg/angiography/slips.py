"""Narrowings in which the course leaves the vein's line: a collateral round a shut stretch."""

from __future__ import annotations

import numpy as np

from venoseg.angiography.lesions import Lesion
from venoseg.angiography.projection import Projection

# A bend of a quarter turn spread over a narrowing makes its course 1.11 times as long as its chord;
# veins are no more bent than that where they are pressed.
_DETOUR = 1.15


def goes_round(projection: Projection, lesion: Lesion) -> bool:
    """Return whether the course makes a detour in a narrowing, as by a collateral.

    The path of most contrast medium between two points leads round an occlusion where a collateral
    fills, and shows a long stenosis that is none.
    """
    diameter = projection.diameter_px
    known = diameter[np.isfinite(diameter) & (diameter > 0)]
    shoulder = int(np.percentile(known, 75))
    first = max(lesion.start - shoulder, 0)
    last = min(lesion.stop + shoulder, len(diameter) - 1)
    points = projection.edges.course.points_px
    chord = float(np.hypot(*(points[last] - points[first])))
    length = float(projection.position_px[last] - projection.position_px[first])
    return length > _DETOUR * max(chord, 1.0)
