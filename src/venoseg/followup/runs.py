"""Change between two runs: filling of collaterals and least widths on venograms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.angiography.views import View, views_apart
from venoseg.followup.change import change_row
from venoseg.followup.rules import Rules
from venoseg.followup.verdict import Figure, difference
from venoseg.followup.visit import RunVisit
from venoseg.tables import Row

_NOTHING_LEFT = "no residual filling of collaterals: the interval after ends below the limit"


def run_changes(before: RunVisit, after: RunVisit, rules: Rules) -> list[Row]:
    """Return the rows of two runs."""
    labels = before.label, after.label
    shares = share_beside(before), share_beside(after)
    views = [View(*visit.found.subtraction.run.angles_degrees) for visit in (before, after)]
    found = difference(*shares, obstacle=views_apart(*views) or "")
    if found.verdict == "changed" and _stopped(*shares, rules):
        found = replace(found, reason=_NOTHING_LEFT)
    rows = [change_row("", "run", None, labels, "collateral_fraction", found)]
    for vessel in dict.fromkeys(p.vessel for v in (before, after) for p in v.found.projections):
        widths = [_least_width(visit, vessel) for visit in (before, after)]
        kinds = {visit.found.calibration.length_kind for visit in (before, after)}
        obstacle = "" if len(kinds) == 1 else f"lengths of two kinds: {' and '.join(sorted(kinds))}"
        found = difference(*widths, obstacle=obstacle or views_apart(*views) or "")
        rows.append(change_row(vessel, "run", None, labels, "smallest_diameter_mm", found))
    return rows


def share_beside(visit: RunVisit) -> Figure | None:
    """Return the run's share of contrast medium beside the measured veins; None if unknown."""
    filling = visit.found.collaterals
    if filling is None or not np.isfinite(filling.whole):
        return None
    return Figure(filling.whole, filling.whole_low, filling.whole_high)


def no_filling(share: Figure, rules: Rules) -> bool:
    """Tell whether a run shows that nothing fills beside the measured veins."""
    return share.high is not None and share.high < rules.open_collateral_fraction


def _stopped(before: Figure | None, after: Figure | None, rules: Rules) -> bool:
    """Tell whether collaterals filled before and no longer do."""
    if before is None or after is None or before.low is None:
        return False
    filled = before.low > 0.0 and before.value >= rules.open_collateral_fraction
    return filled and no_filling(after, rules)


def _least_width(visit: RunVisit, vessel: str) -> Figure | None:
    for projection in visit.found.projections:
        in_mm = projection.diameters_mm()
        if projection.vessel != vessel or in_mm is None:
            continue
        # A station whose interval is as wide as the vein does not tell how wide it is.
        told = (projection.diameter_px > 0) & (in_mm[2] - in_mm[1] < in_mm[0])
        open_mm = np.where(told, in_mm[0], np.nan)
        if not np.isfinite(open_mm).any():
            return None
        least = int(np.nanargmin(open_mm))
        return Figure(float(in_mm[0][least]), float(in_mm[1][least]), float(in_mm[2][least]))
    return None
