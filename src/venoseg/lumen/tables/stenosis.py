"""How narrow a vein is against a reference, and which state that is.

Stenosis by area and by diameter are separate figures and never turned into one another: for a vein,
which is seldom round, neither follows from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.lumen.assess import NOT_ENHANCED
from venoseg.lumen.profile import VesselProfile
from venoseg.volume import FloatArray

State = Literal["patent", "stenotic", "occluded", "bridged", "not_assessable", "not_covered"]

ReferenceKind = Literal[
    "expected_normal",
    "central_adjacent",
    "peripheral_adjacent",
    "mean_adjacent",
    "interpolated",
    "contralateral",
    "baseline_same_site",
    "nominal_stent",
    "deployed_stent_same_site",
]

# By convention half of the area; the cut-off is arbitrary and half of the people without symptoms
# have a compressed left common iliac vein.
STENOTIC_AREA_PERCENT = 50.0


@dataclass(frozen=True, slots=True)
class Reference:
    """What a vein is compared with."""

    kind: ReferenceKind
    area_mm2: float
    source: str

    @property
    def diameter_mm(self) -> float:
        """Diameter of the circle of the reference area."""
        return float(2.0 * np.sqrt(self.area_mm2 / np.pi))


def expected_normal(vessel: str) -> Reference | None:
    """Return the expected normal area of a vein; None where no figure is known."""
    reference = BY_NAME[vessel].reference
    if reference is None:
        return None
    return Reference("expected_normal", reference.area_mm2, reference.source)


def area_stenosis_percent(area_mm2: float, reference: Reference | None) -> float | None:
    """Return 100 (1 - area / reference area); negative for a vein wider than the reference."""
    if reference is None:
        return None
    return 100.0 * (1.0 - area_mm2 / reference.area_mm2)


def diameter_stenosis_percent(diameter_mm: float, reference: Reference | None) -> float | None:
    """Return 100 (1 - minimum diameter / reference diameter)."""
    if reference is None:
        return None
    return 100.0 * (1.0 - diameter_mm / reference.diameter_mm)


def station_states(profile: VesselProfile, reference_mm2: FloatArray | None) -> list[State]:
    """Return the state of every station.

    Parameters
    ----------
    profile
        A vein of n stations.
    reference_mm2
        (n,) areas of the reference, NaN where there is none; None where there is none at all.
    """
    least = np.full(len(profile.measured), np.nan) if reference_mm2 is None else reference_mm2
    with np.errstate(invalid="ignore"):
        narrow = 100.0 * (1.0 - profile.shapes.area_mm2 / least) >= STENOTIC_AREA_PERCENT
    states: list[State] = ["stenotic" if one else "patent" for one in narrow.tolist()]
    for n, (words, measured) in enumerate(zip(profile.flags, profile.measured, strict=True)):
        if not measured:
            states[n] = "not_covered" if "image_border" in words else "not_assessable"
        # The size of a vein without contrast can be measured, not whether blood flows in it.
        elif NOT_ENHANCED in words:
            states[n] = "not_assessable"
    for n, shut in enumerate(profile.shut):
        states[n] = states[n] if shut is None else shut
    return states
