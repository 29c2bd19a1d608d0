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
        position_mm = _position_mm(found, contour)
        if position_mm is None:
            warnings.append(f"{contour.vessel}: a drawn outline lies on no measured vein")
            continue
        try:
            found = with_contour(found, contour.vessel, position_mm, contour.outline_lps_mm)
        except VenosegError as error:
            warnings.append(f"{contour.vessel}: a drawn outline was left out: {error.what}")
    return replace(found, warnings=(*found.warnings, *warnings)) if warnings else found


def with_other_contours(
    found: Measurements, before: Sequence[Contour], after: Sequence[Contour]
) -> Measurements:
    """Take the outlines ``before``, which the measurements hold, back and those ``after`` instead.

    Only veins on which they differ are touched.
    """
    differ = {c.vessel for c in before if c not in after}
    differ |= {c.vessel for c in after if c not in before}
    for contour in before:
        position_mm = _position_mm(found, contour)
        if contour.vessel in differ and position_mm is not None:
            found = with_contour(found, contour.vessel, position_mm, None)
    return with_contours(found, [c for c in after if c.vessel in differ])


def _position_mm(found: Measurements, contour: Contour) -> float | None:
    """Return where along its vein an outline was drawn; None when the vein is not measured."""
    curve = next((p.branch.curve for p in found.profiles if p.vessel == contour.vessel), None)
    if curve is None:
        return None
    gap = np.linalg.norm(curve.points_lps_mm - contour.station_lps_mm, axis=1)
    return float(curve.position_mm[int(gap.argmin())])
