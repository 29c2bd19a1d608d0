"""The wall of a stented vein: blood reaches to the wires.

Wires are far thinner than a voxel, so that they show as a bright blurred ring. Its inner edge is
where the wall of a tube is found first; the wires themselves lie at its crest.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.segmentation.tubes.wall import RADIUS_STEP_MM
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# The crest lies so near beyond the inner edge, and the ring is so much brighter than blood.
_NEAR, _BRIGHTER_HU = 8, 40.0
# Behind it, within as much again, most of that is gone: bone and arteries are thicker.
_GONE = 0.5
# A ring is one where so much of it shows, nearly all along so many sections.
_RING, _SECTIONS = 0.4, 7
# Tissue that lines a stent is darker than blood. Between the two bright ones little of that is
# left, but along a ring it shows: so near to the inner edge, by so much.
_BEFORE, _DARKER_HU = 4, 3.0


def out_to_wires(sampled: Float32Array, length: FloatArray, level_hu: FloatArray) -> FloatArray:
    """Return (n, rays) lengths that reach to the crest of a ring of wires where there is one.

    Parameters
    ----------
    sampled
        (n, rays, lengths) grey values along rays, as
        `venoseg.segmentation.tubes.wall.unrolled` returns.
    length
        (n, rays) to the wall.
    level_hu
        (n,) grey value inside.
    """
    count = sampled.shape[2]
    first = np.clip(np.rint(length / RADIUS_STEP_MM).astype(int), 0, count - 1)
    window = np.arange(-_BEFORE, 2 * _NEAR + 1)
    at = np.clip(first[:, :, None] + window, 0, count - 1)
    over = np.take_along_axis(sampled, at, axis=2) - level_hu[:, None, None].astype(np.float32)
    crest = over[:, :, _BEFORE : _BEFORE + _NEAR + 1].argmax(axis=2)
    height = np.take_along_axis(over, crest[:, :, None] + _BEFORE, axis=2)[:, :, 0]
    past = window - crest[:, :, None]
    behind = np.where((past > 0) & (past <= _NEAR), over, np.inf).min(axis=2)
    wire = (height > _BRIGHTER_HU) & (behind < (1.0 - _GONE) * height)
    rings = _rings(wire)
    if not rings.any():
        return length
    before = np.where(past <= 0, over, np.inf).min(axis=2)
    bare = rings & ~_lined(before, wire)
    return np.where(bare[:, None] & wire, (first + crest) * RADIUS_STEP_MM, length)


def _rings(wire: BoolArray) -> BoolArray:
    """Tell in which of n sections wires ring the blood."""
    share = ndimage.median_filter(wire.mean(axis=1), size=_SECTIONS, mode="nearest")
    rings: BoolArray = share > _RING
    return rings


def _lined(darkest_hu: FloatArray, wire: BoolArray) -> BoolArray:
    """Tell in which of n sections tissue lies between blood and wires.

    ``darkest_hu``: (n, rays) how much brighter than blood the darkest place before the wires is.
    """
    usual = np.zeros(len(wire))
    for n in np.flatnonzero(wire.any(axis=1)):
        usual[n] = np.median(darkest_hu[n, wire[n]])
    even = ndimage.median_filter(usual, size=_SECTIONS, mode="nearest")
    lined: BoolArray = even < -_DARKER_HU
    return lined
