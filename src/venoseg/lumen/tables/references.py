"""What a vein's calibre is held against: every kind of reference, station by station.

The kinds are those in use for iliac veins: the expected normal area, healthy stretches of the same
vein on either side of its narrowest place, the vein of the other side, the same site at an earlier
time, and a stent's nominal or deployed size. A stretch counts as healthy by its own size only: in
disease of the whole vein there is none, and the line says so in its flags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.errors import UsageError
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.stenosis import Reference, ReferenceKind, expected_normal
from venoseg.volume import FloatArray

REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)

# Kinds that need nothing but the measurement itself.
FROM_ITSELF: tuple[ReferenceKind, ...] = (
    "expected_normal",
    "central_adjacent",
    "peripheral_adjacent",
    "mean_adjacent",
    "interpolated",
    "contralateral",
)

# An adjacent reference is the mean over a stretch this long ...
_STRETCH_MM = 10.0

# ... the nearest to the narrowest place that nowhere falls below this share of the widest one.
_HEALTHY = 0.9

# A reference below this share of the expected normal area may itself be diseased.
_DOUBTFUL = 0.5

Sites = Mapping[str, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceRule:
    """Which reference to take.

    Attributes
    ----------
    kind
        One of `REFERENCE_KINDS`.
    sites
        For ``baseline_same_site`` and ``deployed_stent_same_site``: vein to (positions in mm from
        its central end, areas in mm2).
    nominal_diameter_mm
        For ``nominal_stent``: vein to the nominal diameter of its stent.
    """

    kind: ReferenceKind = "expected_normal"
    sites: Sites = field(default_factory=dict)
    nominal_diameter_mm: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in REFERENCE_KINDS:
            raise UsageError(
                f"{self.kind} is no kind of reference",
                remedy=f"use one of {', '.join(REFERENCE_KINDS)}",
            )
        if self.kind in ("baseline_same_site", "deployed_stent_same_site") and not self.sites:
            raise UsageError(
                f"the reference {self.kind} needs the areas of each site",
                remedy="give them in ReferenceRule.sites",
            )
        if self.kind == "nominal_stent" and not self.nominal_diameter_mm:
            raise UsageError(
                "the reference nominal_stent needs the stent's nominal diameter",
                remedy="give it in ReferenceRule.nominal_diameter_mm",
            )


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceLine:
    """The reference at n stations of a vein.

    Attributes
    ----------
    kind
        What it is.
    areas_mm2
        (n,) its area; NaN where there is none.
    source
        Where the figures come from, in words.
    flags
        ``doubtful_reference`` where it is itself below half of the expected normal area.
    """

    kind: ReferenceKind
    areas_mm2: FloatArray
    source: str
    flags: tuple[str, ...] = ()

    def at(self, station: int) -> Reference | None:
        """Return the reference at one station."""
        area = float(self.areas_mm2[station])
        return None if np.isnan(area) else Reference(self.kind, area, self.source)


def reference_lines(
    profiles: Sequence[VesselProfile], rule: ReferenceRule
) -> dict[str, ReferenceLine | None]:
    """Return the reference of every vein; None where there is none of this kind."""
    lines = {p.vessel: _line(p, profiles, rule) for p in profiles}
    return {vessel: _judged(vessel, line) for vessel, line in lines.items()}


def _judged(vessel: str, line: ReferenceLine | None) -> ReferenceLine | None:
    """Flag a reference that is itself narrow."""
    normal = expected_normal(vessel)
    if line is None or np.isnan(line.areas_mm2).all():
        return None
    if normal is None or np.nanmin(line.areas_mm2) >= _DOUBTFUL * normal.area_mm2:
        return line
    return ReferenceLine(line.kind, line.areas_mm2, line.source, ("doubtful_reference",))


def _line(
    profile: VesselProfile, profiles: Sequence[VesselProfile], rule: ReferenceRule
) -> ReferenceLine | None:
    count = len(profile.branch.curve)
    if rule.kind == "expected_normal":
        normal = expected_normal(profile.vessel)
        if normal is None:
            return None
        return ReferenceLine(rule.kind, np.full(count, normal.area_mm2), normal.source)
    if rule.kind == "nominal_stent":
        diameter = rule.nominal_diameter_mm.get(profile.vessel)
        if diameter is None:
            return None
        area = np.full(count, np.pi / 4.0 * diameter**2)
        return ReferenceLine(rule.kind, area, f"nominal stent diameter {diameter:g} mm")
    if rule.kind in ("baseline_same_site", "deployed_stent_same_site"):
        return _same_site(profile, rule)
    if rule.kind == "contralateral":
        return _other_side(profile, profiles)
    return _adjacent(profile, rule.kind)


def _same_site(profile: VesselProfile, rule: ReferenceRule) -> ReferenceLine | None:
    """Take the area at the same distance from the central end."""
    if profile.vessel not in rule.sites:
        return None
    positions, areas = (np.asarray(v, dtype=np.float64) for v in rule.sites[profile.vessel])
    known = ~np.isnan(areas)
    if not known.any():
        return None
    at = profile.branch.curve.position_mm
    line = np.interp(at, positions[known], areas[known], left=np.nan, right=np.nan)
    # Nothing is known of a site whose nearest stations were not measured.
    apart = np.abs(at[:, None] - positions[known][None]).min(axis=1)
    line[apart > 2.0 * profile.step_mm] = np.nan
    words = {
        "baseline_same_site": "the same distance from the central end on the earlier scan",
        "deployed_stent_same_site": "the area of the deployed stent at the same station",
    }
    return ReferenceLine(rule.kind, line, words[rule.kind])


def _other_side(profile: VesselProfile, profiles: Sequence[VesselProfile]) -> ReferenceLine | None:
    """Take the median area of the vein of the other side."""
    side = BY_NAME[profile.vessel].side
    if side is None:
        return None
    other = profile.vessel.replace(side, "right" if side == "left" else "left", 1)
    twin = next((p for p in profiles if p.vessel == other), None)
    if twin is None or not twin.measured.any():
        return None
    area = float(np.nanmedian(twin.shapes.area_mm2))
    words = f"median of {int(twin.measured.sum())} stations of {other}"
    return ReferenceLine("contralateral", np.full(len(profile.branch.curve), area), words)


def _adjacent(profile: VesselProfile, kind: ReferenceKind) -> ReferenceLine | None:
    """Take healthy stretches of the vein on either side of its narrowest place."""
    if not profile.measured.any():
        return None
    at, areas = profile.branch.curve.position_mm, profile.shapes.area_mm2
    narrowest = int(np.nanargmin(areas))
    central = _healthy(at, areas, narrowest, -1)
    peripheral = _healthy(at, areas, narrowest, 1)
    chosen = {
        "central_adjacent": [central],
        "peripheral_adjacent": [peripheral],
        "mean_adjacent": [central, peripheral],
        "interpolated": [central, peripheral],
    }[kind]
    found = [anchor for anchor in chosen if anchor is not None]
    if len(found) < len(chosen):
        return None
    places, means = np.array(found).T
    if kind == "interpolated":
        line = np.interp(at, places, means)
    else:
        line = np.full(len(at), means.mean())
    where = " and ".join(f"{place:.0f}" for place in places)
    words = f"mean over {_STRETCH_MM:.0f} mm of the same vein around {where} mm"
    return ReferenceLine(kind, line, words)


def _healthy(
    at_mm: FloatArray, areas_mm2: FloatArray, narrowest: int, side: int
) -> tuple[float, float] | None:
    """Return the middle and the mean area of the healthy stretch nearest to the narrowest place."""
    span = max(2, round(_STRETCH_MM / float(at_mm[1])) + 1)
    starts = range(narrowest + 1, len(at_mm) - span + 1)
    if side < 0:
        starts = range(narrowest - span, -1, -1)
    stretches = [(float(at_mm[n : n + span].mean()), areas_mm2[n : n + span]) for n in starts]
    known = [(place, part) for place, part in stretches if not np.isnan(part).any()]
    if not known:
        return None
    widest = max(known, key=lambda one: float(one[1].mean()))
    least = _HEALTHY * float(widest[1].mean())
    place, part = next((one for one in known if one[1].min() >= least), widest)
    return place, float(part.mean())
