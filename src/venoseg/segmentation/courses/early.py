"""What of the veins is left out in an arterial phase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.segmentation.blood import is_arterial
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.landmarks.cava import BLOOD_HU
from venoseg.segmentation.model import VesselConfidence
from venoseg.segmentation.tubes.following import level_at
from venoseg.volume import FloatArray

WHY = "an arterial phase: contrast has not come to the iliac veins yet"
"""What is said of iliac veins that are left out."""

# Points nearer to the seed than this lead nowhere.
_CLEAR_MM = 12.0
# A cava that is known over less is not followed alone.
_LEAST_CAVA_MM = 60.0


def is_unmixed(scene: Scene, points_lps_mm: FloatArray) -> bool:
    """Tell whether contrast has not come yet to any of (n, 3) points in veins, as in the cava."""
    cava = scene.cava_lps_mm
    if len(cava) < 2 or np.ptp(cava[:, 2]) < _LEAST_CAVA_MM:
        return False
    best = float(np.percentile(level_at(scene.picture, cava), 75))
    brightest = float(level_at(scene.picture, points_lps_mm).max())
    return brightest < BLOOD_HU and is_arterial(scene.artery_hu, best)


def without_unmixed(
    chains: Sequence[Chain], scene: Scene
) -> tuple[list[Chain], tuple[VesselConfidence, ...]]:
    """Let the cava alone be followed where no contrast has come to the iliac veins yet.

    Their ways through blood like what surrounds it would only lead that of the cava astray.

    Parameters
    ----------
    chains
        The chains that are wanted.
    scene
        What lies beside them.

    Returns
    -------
    chains
        The same, or one of the cava down to where it is known for certain.
    confidence
        What is said of the iliac veins that are left out.
    """
    ends = np.array([chain.points_lps_mm[-1] for chain in chains])
    sides = [chain.side for chain in chains if chain.side is not None and chain.from_cava]
    if len(sides) < len(chains) or not is_unmixed(scene, ends):
        return list(chains), ()
    start, cava = chains[0].points_lps_mm[:1], scene.cava_lps_mm
    points = np.concatenate([start, cava[cava[:, 2] < start[0, 2] - _CLEAR_MM]])
    left_out = tuple(VesselConfidence(f"{side}_iliac_vein", 0.0, (WHY,)) for side in sides)
    return [Chain(None, points, (), "ivc")], left_out
