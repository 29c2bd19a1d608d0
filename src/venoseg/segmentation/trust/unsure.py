"""Along how much of an iliac vein something is in doubt: it is as sure as the rest of it is long.

What is in doubt here is a part of a vein. It lowers the confidence of what was drawn, and changes
nothing that is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.model import LEAST_CONFIDENCE
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.trust.telling import artery_unknown
from venoseg.segmentation.tubes.curves import odd_count
from venoseg.segmentation.tubes.evidence import UNENHANCED_HU
from venoseg.segmentation.tubes.wall import Tube
from venoseg.volume import BoolArray

# What is shorter than this share proves nothing.
_LEAST_SHARE = 0.03
# Where less of a wall than this shows, a course has left its vein, or half of it is missed. What
# shows is evened over this.
_SHOWN, _EVEN_MM = 0.75, 9.0
# Blood of a vein may differ by this; what outdoes its usual enhancement by this factor as well is
# another vessel, or bone.
_BRIGHTER_HU, _BRIGHTER = 40.0, 1.5


def less_sure(found: Sequence[Judged], tubes: Sequence[Tube], scene: Scene) -> list[Judged]:
    """Let no iliac vein be surer than the share of its length along which nothing is in doubt.

    Doubt about a part alone does not make a vein one that is not accepted.

    Parameters
    ----------
    found, tubes
        The stretches as they are drawn, and the tubes that they are parts of.
    scene
        What lies beside them.
    """
    return [
        one
        if one.stretch.vessel == "ivc" or not one.open_stations.any()
        else _less_sure(one, tubes[one.stretch.tube], scene)
        for one in found
    ]


def _less_sure(one: Judged, tube: Tube, scene: Scene) -> Judged:
    points, where = tube.course.points_lps_mm, one.open_stations
    doubts = (
        (artery_unknown(tube, scene), "the artery beside it is not known", ""),
        (_faint(tube), "much of its wall does not show", ": its course may lie beside it"),
        (_too_bright(tube, where), "much brighter than elsewhere", ": bone, or another vessel?"),
    )
    unsure, reasons = np.zeros(len(where), dtype=bool), []
    for there, words, guess in doubts:
        share = float(there[where].mean())
        if share > _LEAST_SHARE:
            unsure |= there & where
            along = f" along {100 * share:.0f} %{heights(points, there & where)}"
            reasons.append(words + along + guess)
    if not reasons:
        return one
    before = one.confidence.confidence
    sure = round(1.0 - float(unsure[where].mean()), 2)
    value = min(before, max(sure, LEAST_CONFIDENCE))
    told = replace(one.confidence, confidence=value, reasons=(*one.confidence.reasons, *reasons))
    return replace(one, confidence=told)


def _faint(tube: Tube) -> BoolArray:
    """Tell at which stations too little of the wall shows to prove that it is the vein's."""
    size = odd_count(_EVEN_MM, tube.course.step_mm)
    shown = ndimage.median_filter(tube.shows.mean(axis=1), size=size, mode="nearest")
    faint: BoolArray = shown < _SHOWN
    return faint


def _too_bright(tube: Tube, where: BoolArray) -> BoolArray:
    """Tell at which stations the blood is no vein's that is as bright as it mostly is ``where``."""
    usual = float(np.median(tube.level_hu[where]))
    most = max(usual + _BRIGHTER_HU, UNENHANCED_HU + _BRIGHTER * (usual - UNENHANCED_HU))
    bright: BoolArray = tube.level_hu > most
    return bright
