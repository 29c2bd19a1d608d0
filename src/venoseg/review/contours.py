"""Outlines that a reviewer drew, put onto the stations where they were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from venoseg.errors import VenosegError
from venoseg.lumen import Measurements, with_contour
from venoseg.review.actions import Contour


def with_contours(found: Measurements, contours: Sequence[Contour]) -> Measurements:
    """Take the drawn outlines for the lumen at the stations next to where they were drawn.

    An outline that no longer fits, because the centerline runs elsewhere now, is left out, and a
    warning names the vein.
    """
    warnings = []
    for contour in contours:
        profiles = [p for p in found.profiles if p.vessel == contour.vessel]
        if not profiles:
            warnings.append(f"{contour.vessel}: a drawn outline lies on no measured vein")
            continue
        curve = profiles[0].branch.curve
        gap = np.linalg.norm(curve.points_lps_mm - contour.station_lps_mm, axis=1)
        position_mm = float(curve.position_mm[int(gap.argmin())])
        try:
            found = with_contour(found, contour.vessel, position_mm, contour.outline_lps_mm)
        except VenosegError as error:
            warnings.append(f"{contour.vessel}: a drawn outline was left out: {error.what}")
    return replace(found, warnings=(*found.warnings, *warnings)) if warnings else found
