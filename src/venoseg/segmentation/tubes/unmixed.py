"""The cava in an arterial phase: below the kidneys its blood holds no contrast yet.

That is so in every patient, and no sign of an occlusion. The cava is then told by its outline
against fat, where it goes on from a stretch with contrast at about the same width.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.runs import runs_of
from venoseg.segmentation.blood import UNMIXED_HU
from venoseg.segmentation.tubes.curves import odd_count
from venoseg.segmentation.tubes.evidence import Evidence
from venoseg.segmentation.tubes.wall import Tube
from venoseg.volume import BoolArray

_BRIGHTEST_HU = 90.0
# Fat is darker than blood by this, along so much of the wall.
_OUTLINED_HU, _OUTLINED = 22.0, 0.45
_WIDTH = (0.2, 2.5)
_EVEN_MM, _GAP_MM = 9.0, 24.0


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
    size = odd_count(_EVEN_MM, step)
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
