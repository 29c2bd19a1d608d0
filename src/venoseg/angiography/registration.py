"""How the patient has moved between two frames, while contrast medium comes and goes.

The brightness of a moved picture changes by its gradient times the shift (Lucas and Kanade 1981).
Pixels whose change does not fit get little weight (Huber 1964), those where contrast medium flows
none. What changes over wide distances, as exposure and the veil of scatter that contrast medium
takes away, is left out: it goes with the patient's own slopes, and would be taken for motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from venoseg.angiography.resampling import Shift, shifted_back, shrunk, warped
from venoseg.angiography.run import Image
from venoseg.volume import BoolArray, FloatArray

_ROUNDS = 6
_SETTLED_PX = 0.005
_RESTING_PX = 0.05
# So many pixels of a small picture tell its scatter as well as all.
_SOME = np.s_[::3, ::3]

# Pictures are compared at about this many columns.
_COLUMNS = 256

# No patient moves further than this share of the picture's width; so much of the border is not
# compared, because what lay there may have left the picture.
_FURTHEST = 0.06

# Wider than this, in pixels of the small picture, is not compared.
_WIDE = 17
# Contrast medium makes a stretch this wide so much more opaque, in the scatter of such means.
_STRETCH = 2.0
_MORE_OPAQUE = 4.0
_PAIRS = 2
_RIM = np.ones((5, 5), dtype=bool)
# After a step as long as this that is looked for anew.
_MOVED_ON_PX = 0.2

# What a shift must explain, in units of the noise's variance and in standard deviations of what
# noise alone seems to explain, to be believed: of many shifts noise suits one well.
_BELIEVED = 60.0
_BEYOND_CHANCE = 5.0

# Local motion is estimated over windows of this share of the picture's width.
_WINDOW = 1 / 16
# A local field must leave less than this share of the residual of its opposite to be believed.
_WORTH = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """The picture that others are compared with, made smaller, with its gradients.

    Attributes
    ----------
    whole
        Small picture.
    picture, along_rows, along_columns
        The same without what changes over wide distances, and its derivatives by row and by column.
    weight
        1 where it may be compared, 0 elsewhere.
    noise
        Standard deviation of the small picture's fine grain.
    shrink
        How many pixels make one of the small picture, per axis.
    """

    whole: Image
    picture: Image
    along_rows: Image
    along_columns: Image
    weight: Image
    noise: float
    shrink: int


def shrink_of(columns: int) -> int:
    """Return how many pixels make one of the small pictures of this run, per axis."""
    return max(round(columns / _COLUMNS), 1)


def still(whole: Image, seen: BoolArray, shrink: int) -> Still:
    """Prepare a small picture for comparison.

    Parameters
    ----------
    whole
        The picture, made smaller by ``shrink``.
    seen
        (rows, columns) at full size, False where it must not be compared.
    shrink
        From `shrink_of`.
    """
    small = _fine(whole)
    along_rows: Image = np.gradient(small, axis=0)
    along_columns: Image = np.gradient(small, axis=1)
    weight = (shrunk(seen.astype(np.float32), shrink) > 0.99).astype(np.float32)
    edge = max(round(_FURTHEST * small.shape[1]), 4)
    weight[:edge] = weight[-edge:] = weight[:, :edge] = weight[:, -edge:] = 0.0
    if not weight.any():
        weight += 1.0
    return Still(whole, small, along_rows, along_columns, weight, _grain(small), shrink)


def _fine(small: Image) -> Image:
    """Return a picture without what changes over wide distances."""
    from scipy import ndimage

    fine: Image = small - ndimage.uniform_filter(small, _WIDE, mode="nearest")
    return fine


def found_shift(fixed: Still, whole: Image, start: Shift | None = None) -> Shift:
    """Return by how many full pixels a picture lies further down and right than the fixed one.

    No shift is returned where none explains clearly more of the difference than noise would.

    Parameters
    ----------
    fixed
        From `still`.
    whole
        The picture, as small as the fixed one.
    start
        Where to begin, a few pixels off at most; None: wherever the pictures correlate best.
    """
    small = _fine(whole)
    noise = float(np.hypot(fixed.noise, _grain(small)))
    if start is None:
        found, far = np.zeros(2), _correlated(fixed, small)
        if _gains(fixed, whole, small, (found, far), noise).sum() > 0:
            found = far
    else:
        found = np.array(start) / fixed.shrink
    resting, compared_at = _without_contrast(fixed, whole, found), found
    for _ in range(_ROUNDS):
        if np.abs(found - compared_at).max() > _MOVED_ON_PX:
            resting, compared_at = _without_contrast(fixed, whole, found), found
        step = _step(resting, small, found)
        found = found + step
        if np.abs(step).max() < _SETTLED_PX:
            break
    if np.abs(found).max() * fixed.shrink < _RESTING_PX:
        return 0.0, 0.0
    if start not in (None, (0.0, 0.0)) and np.abs(found - compared_at).max() < _MOVED_ON_PX:
        # It was believed of the frame before.
        return float(found[0] * fixed.shrink), float(found[1] * fixed.shrink)
    # Interpolation smooths noise; other shifts as long do so as much, and explain nothing.
    rivals = (np.zeros(2), -found, found[::-1], -found[::-1])
    if np.abs(found).max() > _FURTHEST * small.shape[1] or not all(
        _explains(fixed, whole, small, (way, found), noise) for way in rivals
    ):
        return 0.0, 0.0
    return float(found[0] * fixed.shrink), float(found[1] * fixed.shrink)


def _explains(
    fixed: Still, whole: Image, small: Image, ways: tuple[FloatArray, FloatArray], noise: float
) -> bool:
    """Return whether the second shift explains so much more than the first that noise does not."""
    gains = _gains(fixed, whole, small, ways, noise)
    total = float(gains.sum())
    return total > _BELIEVED and total > _BEYOND_CHANCE * float(np.sqrt((gains**2).sum()))


def _gains(
    fixed: Still, whole: Image, small: Image, ways: tuple[FloatArray, FloatArray], noise: float
) -> Image:
    """Return (k,) how much more the second shift explains than the first at k pixels.

    Both are judged where neither leaves contrast medium, which moves along with the picture.
    """
    one, other = (_without_contrast(fixed, whole, way) for way in ways)
    both = (one.weight > 0) & (other.weight > 0)
    costs = [_costs(_difference(fixed, small, way)[both] / noise) for way in ways]
    gains: Image = costs[0] - costs[1]
    return gains


def _without_contrast(fixed: Still, whole: Image, shift: FloatArray) -> Still:
    """Return the fixed picture to be compared only where no contrast medium has come.

    Motion makes one side of a bone more opaque and the other less; over a stretch that cancels out.
    """
    from scipy import ndimage

    change = shifted_back(whole, (float(shift[0]), float(shift[1]))) - fixed.whole
    # Over a stretch so wide pairs of pixels tell as much, in a quarter of the time.
    change = ndimage.gaussian_filter(shrunk(change, _PAIRS), _STRETCH / _PAIRS)
    change -= np.float32(np.median(change))
    scatter = 1.4826 * float(np.median(np.abs(change)))
    filled = ndimage.binary_dilation(change > _MORE_OPAQUE * scatter, _RIM)
    weight = fixed.weight.copy()
    rows, columns = (_PAIRS * n for n in filled.shape)
    for row, column in product(range(_PAIRS), repeat=2):
        weight[row:rows:_PAIRS, column:columns:_PAIRS][filled] = 0.0
    # Where everything seems to fill nothing is known, and all counts as before.
    return replace(fixed, weight=weight) if weight.any() else fixed


def background_residual(fixed: Still, whole: Image, shift: Shift) -> float:
    """Return what a shift leaves: the robust standard deviation of two small pictures' difference.

    ``shift`` in full pixels.
    """
    return _residual(fixed, _fine(whole), np.array(shift) / fixed.shrink)


def _difference(fixed: Still, small: Image, shift: FloatArray) -> Image:
    difference: Image = shifted_back(small, (float(shift[0]), float(shift[1]))) - fixed.picture
    return difference


def _residual(fixed: Still, small: Image, shift: FloatArray) -> float:
    difference = _difference(fixed, small, shift)[fixed.weight > 0]
    return 1.4826 * float(np.median(np.abs(difference)))


def _costs(difference: Image) -> Image:
    """Return what differences in units of the noise cost; large changes count no more."""
    costs: Image = 9.0 * (1.0 - 1.0 / (1.0 + difference**2 / 9.0))
    return costs


def _grain(picture: Image) -> float:
    """Return the standard deviation of a picture's noise, from its second differences."""
    some = picture[1:-1:3]
    second = some[:, 2::3] - 2 * some[:, 1:-1:3] + some[:, :-2:3]
    return float(1.4826 * np.median(np.abs(second)) / np.sqrt(6.0) + 1e-7)


def _robust(fixed: Still, difference: Image) -> Image:
    counted = difference[_SOME][fixed.weight[_SOME] > 0]
    scatter = max(1.4826 * float(np.median(np.abs(counted))), 1e-7) if len(counted) else 1e-7
    size = np.maximum(np.abs(difference) / (1.5 * scatter), 1.0)
    weight: Image = fixed.weight / size**2
    return weight


def _step(fixed: Still, small: Image, shift: FloatArray) -> FloatArray:
    difference = _difference(fixed, small, shift)
    weight = _robust(fixed, difference)
    slopes = np.stack([fixed.along_rows.ravel(), fixed.along_columns.ravel()])
    weighted = slopes * weight.ravel()
    matrix = (weighted @ slopes.T).astype(np.float64)
    matrix += np.eye(2) * (1e-6 * np.trace(matrix) + 1e-12)
    change = (weighted @ difference.ravel()).astype(np.float64)
    return np.clip(-np.linalg.solve(matrix, change), -3.0, 3.0)


def _correlated(fixed: Still, small: Image) -> FloatArray:
    from skimage.registration import phase_cross_correlation

    taper = np.outer(np.hanning(small.shape[0]), np.hanning(small.shape[1]))
    pair = [(picture - picture.mean()) * taper for picture in (fixed.picture, small)]
    correlated: Any = phase_cross_correlation
    shift = correlated(*pair, upsample_factor=4, normalization=None)[0]
    result: FloatArray = -np.asarray(shift, dtype=np.float64)
    return result


def found_field(fixed: Still, whole: Image) -> FloatArray | None:
    """Return how a small picture, already shifted, still differs in place from the fixed one.

    Returns
    -------
    FloatArray | None
        (2, r, c) row and column displacement in full pixels on the small picture's grid, by which
        its structures lie further down and right; None where a field does not fit clearly
        better than no field.
    """
    from scipy import ndimage

    small = _fine(whole)
    field = np.zeros((2, *small.shape))
    sigma = _WINDOW * small.shape[1] / 2
    for _ in range(_ROUNDS):
        difference = warped(small, field) - fixed.picture
        difference -= np.float32(np.median(difference[fixed.weight > 0]))
        weight = _robust(fixed, difference)
        rows, columns = fixed.along_rows, fixed.along_columns
        sums = [
            ndimage.gaussian_filter(weight * product, sigma)
            for product in (rows * rows, rows * columns, columns * columns)
        ]
        pull = [ndimage.gaussian_filter(weight * g * difference, sigma) for g in (rows, columns)]
        # Where there is no structure the field stays as it is.
        ridge = 0.1 * float(np.mean(sums[0] + sums[2])) + 1e-12
        first, last = sums[0] + ridge, sums[2] + ridge
        scale = first * last - sums[1] ** 2
        field[0] -= np.clip((last * pull[0] - sums[1] * pull[1]) / scale, -1.0, 1.0)
        field[1] -= np.clip((first * pull[1] - sums[1] * pull[0]) / scale, -1.0, 1.0)
    opposite = _residual(fixed, warped(small, -field), np.zeros(2))
    after = _residual(fixed, warped(small, field), np.zeros(2))
    return field * fixed.shrink if after < _WORTH * opposite else None
