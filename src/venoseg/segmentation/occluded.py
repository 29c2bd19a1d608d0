"""Open iliac veins below an occluded cava, which no lumen joins to what is open of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.segmentation.model import Segmentation

# Two that hold so much of the same cava tell of the same lumen.
_SAME_CAVA = 0.9


def open_below(with_veins: Segmentation, alone: Segmentation) -> Segmentation | None:
    """Return cava and iliac veins as sure as each of them is, where the cava is occluded between.

    A cava that is followed on to the groins counts as doubtful for what is closed of it. It is in
    doubt for nothing else where as much of it has a lumen as when it is followed down to its last
    open place only, and an iliac vein that was sure enough to be drawn has one below.

    Parameters
    ----------
    with_veins
        The cava and the iliac veins, followed together.
    alone
        The cava alone.

    Returns
    -------
    Segmentation | None
        ``with_veins``, whose cava is as sure as ``alone``; None where it is in doubt.
    """
    held = [np.count_nonzero(one.mask("ivc")) for one in (with_veins, alone)]
    occluded = any(course.vessel == "ivc" for course in with_veins.occluded)
    drawn = any(with_veins.mask(name).any() for name in with_veins.names.values() if name != "ivc")
    if not occluded or not drawn or held[0] < _SAME_CAVA * held[1]:
        return None
    (sure,) = (one for one in alone.confidence if one.vessel == "ivc")
    confidence = tuple(
        replace(sure, reasons=tuple(dict.fromkeys((*sure.reasons, *one.reasons))))
        if one.vessel == "ivc"
        else one
        for one in with_veins.confidence
    )
    return replace(with_veins, confidence=confidence)
