"""Where spine, aorta and cava lie: what the automatic segmentation starts from.

Everything happens on a coarse upright picture, about 3 mm: slices to the head, rows to the back,
columns to the patient's left. Tracks through the slices are sought by dynamic programming.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from venoseg.segmentation.blood import brightest_hu
from venoseg.segmentation.landmarks.aorta import lowest_of_aorta_mm
from venoseg.segmentation.landmarks.spine import body_of, rows_held, spine_of
from venoseg.segmentation.landmarks.tracks import (
    Discs,
    Track,
    beyond,
    discs_in,
    sure_of,
    track_of,
    track_through,
)
from venoseg.segmentation.landmarks.variants import left_of_aorta
from venoseg.segmentation.together import both
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

_AORTA_RADII_MM = (6.0, 8.5, 11.0, 14.0)
_CAVA_RADII_MM = (4.5, 6.0, 8.5, 11.0, 14.0)
# Where its middle may lie left of that of the spine, and before the front of its bodies, of which
# thin bone may show but the arches.
_AORTA_ASIDE_MM, _AORTA_BEFORE_MM = (-8.0, 30.0), (-10.0, 45.0)
_AORTA_DEPTH = 0.65
# Where nothing makes up for it no vessel is looked for; nor in what is darker than any blood.
_TOO_UNLIKELY, _LEAST_BLOOD_HU = 5.0, 20.0
_BRIGHTEST_BLOOD_HU = 400.0
_ON_SPINE_MM, _FARTHER_BACK_MM = 4.0, 6.0
_APART_MM, _NEVER = 14.0, 20.0
_LEAST_SPINE_MM = 15.0
_BEYOND_SPINE_MM = 100.0
_MOVE_MM = 4.0
# Where the middle of the cava may lie against that of the spine and the front of its bodies: right
# of it and, in the liver, well before it.
_CAVA_ASIDE_MM, _CAVA_BEFORE_MM = (-34.0, -10.0), (6.0, 58.0)
# Where nothing shows it is sought here; a place so far off costs as much as 50 HU of contrast.
_CAVA_MM, _PULL_MM = (-22.0, 20.0), 60.0
# Its blood lies between these, and along it changes but slowly.
_ENHANCED_HU, _BONE_HU, _UNLIKELY_HU = 85.0, 260.0, 20.0
# Where the aorta is faint, what is no brighter than this may be blood all the same.
_LEAST_MOST_HU = 150.0
_LEAST_ENHANCED_HU = 70.0
# With an aorta so bright it may be an arterial phase, in which blood below the kidneys holds no
# contrast: that it is dark says little then.
_ARTERIAL_HU, _UNMIXED_HU, _UNMIXED = 220.0, 25.0, 0.3
_USUAL_HU, _UNLIKE_HU, _EVEN_MM = 12.0, 15.0, 24.0
_TURNS = 2
# Of an iliac wing so much lies in one slice, so far from the middle of the spine (arms lie farther
# off); a fifth of it is denser than any kidney. Somewhere it is larger than the cut of a rib.
_DENSE_HU, _CORTEX_HU, _WING_ASIDE_MM, _WING_MM2 = 220.0, 270.0, (45.0, 170.0), 120.0
_NO_RIB_MM2 = 320.0
_WING_GAP_MM, _UNDER_PELVIS_MM = 9.0, 60.0
# In the chest the cava lies against lung, no farther from its middle than this, slice after slice.
_LUNG_HU, _LEAST_LUNG_MM3, _BESIDE_MM, _STEADY = -500.0, 50_000.0, 15.0, 3


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What was found around the spine.

    Attributes
    ----------
    aorta, cava
        Tracks through the same slices.
    middle_x_mm, front_y_mm
        (n,) LPS coordinates of the middle and of the front of the vertebral bodies.
    chest_z_mm
        Height at which the cava comes to lie beside lung; infinite where it does not.
    crest_z_mm
        Height of the iliac crests; minus infinity where the pelvis is not in view.
    left_lps_mm
        (n, 3) points, from the head down, of a large vein left of the aorta; empty in most people.
    """

    aorta: Track
    cava: Track
    middle_x_mm: FloatArray
    front_y_mm: FloatArray
    chest_z_mm: float = np.inf
    crest_z_mm: float = -np.inf
    left_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))


def find_landmarks(image: Float32Array, grid: Grid) -> Landmarks | None:
    """Find spine, aorta and cava on a coarse upright picture; None where there is no spine.

    The aorta is a round thing before the spine or left of it, the cava one before it or right of
    it, whose grey value changes slowly; both go on from slice to slice. Whether a track is what it
    is meant to be, its contrast must tell.
    """
    dz, dy, dx = grid.spacing_mm
    body = body_of(image)
    column, row = spine_of(image, grid, body)
    known = np.flatnonzero(~np.isnan(column) & ~np.isnan(row))
    if len(known) * dz < _LEAST_SPINE_MM:
        return None
    first = max(0, known[0] - int(_BEYOND_SPINE_MM / dz))
    last = min(len(image) - 1, known[-1] + int(_BEYOND_SPINE_MM / dz))
    slices = np.arange(first, last + 1)
    column = ndimage.gaussian_filter1d(np.interp(slices, known, column[known]), 9.0 / dz)
    row = ndimage.gaussian_filter1d(np.interp(slices, known, row[known]), 9.0 / dz)
    top = int(max(0, np.floor(row.min() - 60 / dy)))
    bottom = int(min(image.shape[1], np.ceil(row.max() + 25 / dy)))
    left = int(max(0, np.floor(column.min() - 60 / dx)))
    right = int(min(image.shape[2], np.ceil(column.max() + 60 / dx)))
    part = image[first : last + 1, top:bottom, left:right]
    place = grid.crop((slice(first, last + 1), slice(top, bottom), slice(left, right)))
    aside = ((np.arange(left, right) - column[:, None]) * dx)[:, None, :]
    before = ((row[:, None] - np.arange(top, bottom)) * dy)[:, :, None]

    unlikely = beyond(aside, *_AORTA_ASIDE_MM) + beyond(before, *_AORTA_BEFORE_MM)
    unlikely += _too_far_back(body[first : last + 1], dy)[:, top:bottom, None]
    bone = np.maximum(ndimage.uniform_filter(part, (1, 3, 3)) - _BRIGHTEST_BLOOD_HU, 0.0)
    unlikely += bone / _UNLIKELY_HU
    likely = (part > _LEAST_BLOOD_HU) & (unlikely < _TOO_UNLIKELY)
    discs = discs_in(part, place, _AORTA_RADII_MM, 0.25, darker_too=False, where=likely)
    score = np.clip(discs.contrast_hu, -50.0, 100.0) / 50.0 - unlikely
    path = track_through(score.astype(np.float32), place, _MOVE_MM)
    aorta = track_of(part, place, discs, path)
    # The aorta lies on the spine; of that bone may be missed, or blood be taken for it.
    held = sure_of(aorta)
    by_aorta = row
    if held.any():
        behind = path[:, 0] + top + (aorta.radius_mm + _ON_SPINE_MM) / dy
        by_aorta = row + np.interp(slices, slices[held], (behind - row)[held])
        by_aorta = ndimage.median_filter(by_aorta, 15, mode="nearest")
        before = ((by_aorta[:, None] - np.arange(top, bottom)) * dy)[:, :, None]
    inside_spine = (np.abs(aside) < 24.0) * np.maximum(4.0 - before, 0.0) / 4.0

    unlikely = beyond(aside, *_CAVA_ASIDE_MM) + beyond(before, *_CAVA_BEFORE_MM) + inside_spine
    unlikely += (np.abs(aside - _CAVA_MM[0]) + np.abs(before - _CAVA_MM[1])) / _PULL_MM
    discs = discs_in(part, place, _CAVA_RADII_MM, 0.42, 0.5, where=unlikely < _TOO_UNLIKELY)
    down = (np.arange(part.shape[1]) - path[:, :1]) * dy
    across = (np.arange(part.shape[2]) - path[:, 1:]) * dx
    apart = np.hypot(down[:, :, None], across[:, None, :])
    artery_hu = float(np.median(aorta.level_hu[held])) if held.any() else None
    cava = _cava_through(part, place, discs, unlikely + _NEVER * (apart < _APART_MM), artery_hu)

    # The cava may lie a little farther back than the aorta.
    row = np.clip(row, by_aorta, by_aorta + _FARTHER_BACK_MM / dy)
    spine = grid.to_lps(np.stack([slices, row, column], axis=1))
    middle = np.interp(np.arange(len(image)), slices, column)
    chest, crest = both(
        lambda: chest_above(image, grid, body, cava.points_lps_mm),
        lambda: crest_of(image, grid, body, middle),
    )
    left_vein = left_of_aorta(part, place, aorta, cava, (lowest_of_aorta_mm(aorta), crest))
    return Landmarks(aorta, cava, spine[:, 0], spine[:, 1], chest, crest, left_vein)


def _too_far_back(body: BoolArray, dy: float) -> FloatArray:
    """Return (slices, rows) how much farther back than the aorta lies in a trunk a row is."""
    front, back = (rows.astype(np.float64) for rows in rows_held(body))
    limit = front + _AORTA_DEPTH * (back - front)
    depth_mm: FloatArray = (np.arange(body.shape[1]) - limit[:, None]) * dy
    cut = back >= body.shape[1] - 2
    cost: FloatArray = beyond(depth_mm, -np.inf, 0.0) * ~cut[:, None]
    return cost


def crest_of(image: Float32Array, grid: Grid, body: BoolArray, middle: FloatArray) -> float:
    """Return the height up to which, from the lower end of the image, a bone lies beside the spine.

    Minus infinity where none does. Ribs are smaller, and kidneys not so dense.

    Parameters
    ----------
    image, grid, body
        The coarse picture, its place, and where the body is in it.
    middle
        (slices,) column of the middle of the spine.
    """
    dz, dy, dx = (float(size) for size in grid.spacing_mm)
    aside = np.abs(np.arange(image.shape[2]) - middle[:, None]) * dx
    beside = (aside > _WING_ASIDE_MM[0]) & (aside < _WING_ASIDE_MM[1])
    dense = (image > _DENSE_HU) & body & beside[:, None, :]
    largest = [_largest_wing_mm2(*own, dy * dx) for own in zip(image, dense, strict=True)]
    wings = np.array(largest) > _WING_MM2
    reach = max(1, round(_WING_GAP_MM / dz))
    wings = ndimage.binary_closing(np.pad(wings, reach, mode="edge"), iterations=reach)
    wings = wings[reach : len(wings) - reach]
    first = int(np.argmax(wings))
    # The lowest slices may lie below the body, or hold only a part of a thigh.
    if not wings.any() or first * dz > _UNDER_PELVIS_MM:
        return -np.inf
    gone = np.flatnonzero(~wings[first:])
    top = first + int(gone[0]) - 1 if len(gone) else len(wings) - 1
    if max(largest[first : top + 1]) < _NO_RIB_MM2:
        return -np.inf
    return float(grid.to_lps([top, 0, 0])[2])


def _largest_wing_mm2(image: Float32Array, dense: BoolArray, pixel_mm2: float) -> float:
    """Return the size of the largest piece of a slice that is as dense as bone, 0 if none is."""
    if np.count_nonzero(dense) * pixel_mm2 <= _WING_MM2:
        return 0.0
    pieces, count = ndimage.label(dense, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * pixel_mm2
    for n in np.argsort(-sizes):
        if sizes[n] <= _WING_MM2:
            break
        if float(np.percentile(image[pieces == n + 1], 80)) > _CORTEX_HU:
            return float(sizes[n])
    return 0.0


def chest_above(image: Float32Array, grid: Grid, body: BoolArray, cava_lps_mm: FloatArray) -> float:
    """Return the height from which on (n, 3) points, from the feet up, lie beside lung.

    Infinite where they nowhere do.
    """
    dark = (image < _LUNG_HU) & body
    air, count = ndimage.label(dark)
    sizes = np.bincount(air[dark], minlength=count + 1) * grid.voxel_volume_mm3
    # Bowel holds less air than a lung; what of a lung lies in the image may be a slice of it.
    lungs = sizes > _LEAST_LUNG_MM3
    index = np.rint(grid.to_index(cava_lps_mm)).astype(int)
    _, dy, dx = grid.spacing_mm
    reach = int(_BESIDE_MM / dy), int(_BESIDE_MM / dx)
    rows, columns = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    near = np.hypot(rows * dy, columns * dx) <= _BESIDE_MM
    top = np.array(image.shape[1:]) - 1
    beside = np.array(
        [
            lungs[air[k, np.clip(j + rows, 0, top[0]), np.clip(i + columns, 0, top[1])]][near].any()
            for k, j, i in index
        ]
    )
    steady = np.flatnonzero(ndimage.binary_opening(beside, np.ones(_STEADY)))
    return float(cava_lps_mm[steady[0], 2]) if len(steady) else np.inf


def _cava_through(
    part: Float32Array, place: Grid, discs: Discs, unlikely: FloatArray, artery_hu: float | None
) -> Track:
    """Track the cava twice more, held to the grey value that it had where it stood out.

    What is brighter than blood can be, given ``artery_hu``, is bone, or bowel that holds contrast.
    """
    arterial = artery_hu is not None and artery_hu > _ARTERIAL_HU
    most_hu = _BONE_HU
    if artery_hu is not None:
        most_hu = min(max(brightest_hu(artery_hu), _LEAST_MOST_HU), _BONE_HU)
    score = np.clip(discs.contrast_hu, -60.0, 80.0) / 50.0 - unlikely
    enhanced = np.clip(_ENHANCED_HU - discs.level_hu, 0.0, 60.0) / _UNLIKELY_HU
    score -= _UNMIXED * enhanced if arterial else enhanced
    score -= np.clip(discs.level_hu - most_hu, 0.0, 60.0) / _UNLIKELY_HU
    least_hu = _UNMIXED_HU if arterial else _LEAST_ENHANCED_HU
    path = track_through(score.astype(np.float32), place, _MOVE_MM)
    for _ in range(_TURNS):
        at = (np.arange(len(path)), path[:, 0], path[:, 1])
        level, weight = discs.level_hu[at], np.clip(discs.contrast_hu[at], 1.0, 60.0)
        weight = np.where((level > least_hu) & (level < most_hu), weight, 1e-3)
        sigma = _EVEN_MM / float(place.spacing_mm[0])
        usual = ndimage.gaussian_filter1d(weight * level, sigma, mode="nearest")
        usual /= ndimage.gaussian_filter1d(weight, sigma, mode="nearest")
        unlike = np.abs(discs.level_hu - usual[:, None, None]) - _USUAL_HU
        held = score - np.clip(unlike, 0.0, 60.0) / _UNLIKE_HU
        path = track_through(held.astype(np.float32), place, _MOVE_MM)
    return track_of(part, place, discs, path)
