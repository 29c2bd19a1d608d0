"""How bright the blood of veins can be, given that of the arteries."""

from __future__ import annotations

UNMIXED_HU = 15.0
"""Blood without contrast is brighter than this."""

TISSUE_HU = 40.0
"""Grey value of blood and tissue without contrast, about."""

# Renal veins carry the contrast that the aorta held some seconds ago.
_OVER_ARTERY = 1.2
_ARTERIAL_HU = 100.0


def is_arterial(artery_hu: float | None, vein_hu: float) -> bool:
    """Tell whether arteries are so much brighter than the best blood of veins."""
    return artery_hu is not None and artery_hu - vein_hu > _ARTERIAL_HU


def brightest_hu(artery_hu: float) -> float:
    """Return how bright blood can be, given that of the aorta."""
    return TISSUE_HU + _OVER_ARTERY * (artery_hu - TISSUE_HU)
