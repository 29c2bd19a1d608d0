"""The cava in an arterial phase: below the kidneys its blood holds no contrast yet.

That is so in every patient, and no sign of an occlusion. The cava is then told by its outline
against fat, where it goes on from a stretch with contrast at about the same width.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.runs import runs_of
from venoseg.segmentation.evidence import Evidence
from venoseg.segmentation.wall import Tube
from venoseg.volume import BoolArray

UNMIXED_HU = 15.0
"""Blood without contrast is brighter than this."""

TISSUE_HU = 40.0
"""Grey value of blood and tissue without contrast, about."""

# Renal veins carry the contrast that the aorta held some seconds ago.
_OVER_ARTERY = 1.2
_ARTERIAL_HU = 100.0
_BRIGHTEST_HU = 90.0
# Fat is darker than blood by this, along so much of the wall.
_OUTLINED_HU, _OUTLINED = 22.0, 0.45
_WIDTH = (0.2, 2.5)
_EVEN_MM, _GAP_MM = 9.0, 24.0


def is_arterial(artery_hu: float | None, vein_hu: float) -> bool:
    """Tell whether arteries are so much brighter than the best blood of veins."""
    return artery_hu is not None and artery_hu - vein_hu > _ARTERIAL_HU


def brightest_hu(artery_hu: float) -> float:
    """Return how bright blood can be, given that of the aorta."""
    return TISSUE_HU + _OVER_ARTERY * (artery_hu - TISSUE_HU)


def unmixed_by(tube: Tube, evidence: Evidence, lumen: BoolArray, cava: BoolArray) -> BoolArray:
    """Tell which stations are a cava without contrast.

    Parameters
    ----------
    tube, evidence
        The tube and what the image shows along it.
    lumen
        (n,) where contrast proves a lumen.
    cava
        (n,) where the tube is the cava.
    """
    step = tube.course.step_mm
    outlined = np.mean(tube.step_hu > _OUTLINED_HU, axis=1)
    size = 2 * round(_EVEN_MM / step / 2) + 1
    outlined = ndimage.median_filter(outlined, size=size, mode="nearest")
    blood = (tube.level_hu > UNMIXED_HU) & (tube.level_hu < _BRIGHTEST_HU)
    like = blood & (outlined > _OUTLINED) & ~evidence.climbs & cava & ~lumen
    like &= (evidence.width > _WIDTH[0]) & (evidence.width < _WIDTH[1])
    # A vessel that touches it, or a disc behind it, hides the outline over a short way.
    reach = round(_GAP_MM / step)
    either = np.pad(like | lumen, reach)
    bridged = ndimage.binary_closing(either, np.ones(reach))[reach:-reach] & cava & blood
    unmixed = np.zeros(len(lumen), dtype=bool)
    for start, stop in runs_of(bridged | lumen):
        if lumen[start:stop].any():
            unmixed[start:stop] = ~lumen[start:stop]
    return unmixed
