"""How blood and organs of a painted patient enhance in each phase."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

Float32Array = np.ndarray

LIVER, KIDNEYS = 5, (2, 3)
PHASES = ("portal", "late", "arterial", "streams")
"""In an arterial one contrast has not come to the veins below the kidneys; in the last one blood of
the kidneys, as bright as that of arteries, runs beside the rest up to the heart."""
AVERAGED = ("streams",)
"""Phases whose slices are averages over their thickness, as a CT's are; others are sampled."""
# How TotalSegmentator's other organs enhance beside the liver: spleen, pancreas, bowel, muscle.
_OTHER_ORGANS = {1: 15, 4: -10, 6: -20, 18: -30, 19: -30, 20: -40, 21: -70}
_MUSCLES = range(80, 90)
# Streams differ by so much of what separates the darkest from the brightest blood, and even out
# over so many slices of 3 mm.
_SPREAD, _SOON, _LATE = 0.35, 12.0, 28.0


def enhanced_in(
    image: Float32Array, labels: np.ndarray, renal: float, phase: str, random: np.random.Generator
) -> tuple[Float32Array, Float32Array]:
    """Return the CT with enhanced organs, and (6, ...) the grey value of each vessel's blood.

    Parameters
    ----------
    image, labels
        (slices, rows, columns) the CT, not enhanced, and its organs.
    renal
        The slice in which the renal veins join the cava.
    phase
        One of `PHASES`.
    """
    ranges = {
        #           below, above kidneys, aorta, liver, kidney, portal
        "portal": ((80, 110, 120, 85, 140, 140), (130, 160, 180, 120, 200, 180)),
        "late": ((100, 105, 100, 80, 120, 105), (140, 145, 145, 110, 160, 145)),
        "arterial": ((40, 80, 250, 55, 140, 60), (60, 130, 380, 75, 200, 120)),
        "streams": ((75, 115, 150, 85, 160, 130), (95, 150, 180, 115, 200, 170)),
    }[phase]
    below, above, aorta, liver, kidney, portal = random.uniform(*ranges)
    above = max(above, below)
    enhanced = np.zeros(labels.shape, np.float32)
    for value, extra in _OTHER_ORGANS.items():
        enhanced[labels == value] = max(liver - 50 + extra, 0)
    enhanced[labels == LIVER] = liver - 45
    enhanced[np.isin(labels, KIDNEYS)] = kidney - 30
    enhanced[np.isin(labels, list(_MUSCLES))] = 12
    enhanced = ndimage.gaussian_filter(enhanced, 0.5)
    k = np.arange(labels.shape[0])[:, None, None]
    share = 1.0 / (1.0 + np.exp(-(k - renal) / 2.5)) * np.ones(labels.shape)
    # Streams that have not mixed lie side by side, and even out upwards.
    streams = ndimage.gaussian_filter(random.normal(size=labels.shape), (14.0, 1.6, 1.6))
    apart = phase == "streams"
    reach = np.exp(-np.abs(k - renal - 4.0) / (_LATE if apart else _SOON))
    # Blood of the kidneys is as bright as that of arteries, and brighter than the mixture.
    most = max((aorta - below) / (above - below), 1.0) if apart else 1.0
    share = np.clip(share + _SPREAD * most * streams / streams.std() * reach, 0.0, most)
    cava = below + (above - below) * share
    left, right = (below * random.uniform(0.85, 1.1) for _ in range(2))
    flat = [left, right, aorta, portal, above if phase != "arterial" else kidney]
    blood = [cava, *(np.full(labels.shape, value) for value in flat)]
    # Hepatic and renal veins are as bright as the cava above; internal iliac ones as that below.
    blood[-1] = np.where(k < renal - 15, below, blood[-1])
    return image + enhanced, np.array(blood, dtype=np.float32)
