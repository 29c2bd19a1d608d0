"""What lies around a vein at two visits, and how far the one must slide to look like the other.

Sections across the vein are laid one behind the other. A stretch of them at the first visit is
held against the second at every shift along the vein; where one shift fits clearly better than all
others it is an observation of how the vein has moved. Bones, which do not move with it, are left
out; so is the vein itself, whose calibre is what the visits are compared for, and which an
occlusion or a stent changes beyond recognition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.followup.bones import Bones
from venoseg.volume import FloatArray, Grid, Volume

IndexArray = npt.NDArray[np.intp]

# Half the side of a section, its raster, and how soon what lies farther from the vein counts less.
_HALF_MM = 34.0
_RASTER_MM = 2.0
_NEAR_MM = 20.0

# Sections are this far apart; a stretch reaches this far to either side.
_STEP_MM = 1.0
_STRETCH_MM = 9.0

# Shifts looked at, and how far apart two shifts are different answers.
REACH_MM = 22.0
_OTHER_MM = 7.0

# Least correlation of the best shift, and how much it must exceed every other answer.
_LEAST_FIT = 0.45
_LEAST_LEAD = 0.06

_GRAY = (-160.0, 260.0)

# From this density on it is bone, which with all that lies this near to it is left out.
_HARD = 0.1
_BY_BONE_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A scan as the match of levels sees it: the image and its bones."""

    volume: Volume
    bones: Bones | None


@dataclass(frozen=True, slots=True, eq=False)
class Slid:
    """Stretches of a vein that were found again.

    Attributes
    ----------
    station
        (n,) the middle of each, as station of the first visit.
    to_mm
        (n,) its position on the vein of the second.
    sd_mm
        (n,) how well that is known.
    """

    station: IndexArray
    to_mm: FloatArray
    sd_mm: FloatArray


def slid(
    sights: tuple[Sight, Sight],
    curves: tuple[Curve, Curve],
    turn: FloatArray,
    expected_mm: FloatArray,
    inner_mm: float,
) -> Slid:
    """Find stretches of a vein again by what lies around it.

    Parameters
    ----------
    sights, curves
        Of the first and the second visit.
    turn
        (3, 3) the patient's rotation from the one to the other.
    expected_mm
        (n,) where the stations are expected on the second curve; NaN: nowhere.
    inner_mm
        What lies no farther from the curves is the vein.
    """
    here, there = curves
    left = np.eye(3)[0]
    first = _sections(sights[0], here, left, inner_mm)
    second = _sections(sights[1], there, turn @ left, inner_mm)
    step = float(np.median(np.diff(here.position_mm)))
    reach = max(1, round(_STRETCH_MM / step))
    found = []
    shifts = np.arange(-REACH_MM, REACH_MM + 0.5 * _STEP_MM, _STEP_MM)
    for station in range(reach, len(here) - reach, reach):
        stretch = np.arange(station - reach, station + reach + 1)
        if not np.isfinite(expected_mm[stretch]).all():
            continue
        fits = np.array([_fit(first, second, stretch, expected_mm, s, there) for s in shifts])
        answer = _answer(shifts, fits)
        if answer is not None:
            found.append((station, expected_mm[station] + answer[0], answer[1]))
    columns = np.array(found, dtype=np.float64).reshape(-1, 3)
    return Slid(columns[:, 0].astype(int), columns[:, 1], columns[:, 2])


def _sections(
    sight: Sight, curve: Curve, left: FloatArray, inner_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Return (n, m) gray values around the stations, and (n, m) how much each may count."""
    offsets = np.arange(-_HALF_MM, _HALF_MM + 0.1, _RASTER_MM)
    across, upward = (a.ravel() for a in np.meshgrid(offsets, offsets))
    # A plane's axes from the patient's left, so that they are the same at both visits.
    first = left - (curve.tangents @ left)[:, None] * curve.tangents
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-6)
    second = np.cross(curve.tangents, first)
    points = (
        curve.points_lps_mm[:, None]
        + across[None, :, None] * first[:, None]
        + upward[None, :, None] * second[:, None]
    )
    flat = points.reshape(-1, 3)
    index = sight.volume.grid.to_index(flat).T
    values = ndimage.map_coordinates(
        sight.volume.voxels, index, order=1, mode="constant", cval=-1e4, output=np.float64
    )
    apart = np.hypot(across, upward)
    weight = np.where(apart > inner_mm, np.exp(-0.5 * (apart / _NEAR_MM) ** 2), 0.0)
    weights = np.where(values < -5000.0, 0.0, 1.0)
    if sight.bones is not None:
        grid = sight.bones.grid
        near = ndimage.maximum_filter(sight.bones.density, _around(grid))
        hard = ndimage.map_coordinates(near, grid.to_index(flat).T, order=0, mode="nearest")
        weights = np.where(hard > _HARD, 0.0, weights)
    shape = len(curve), len(across)
    return np.clip(values, *_GRAY).reshape(shape), weights.reshape(shape) * weight


def _around(grid: Grid) -> tuple[int, ...]:
    """Return how many voxels along each axis reach as far as bone is left out."""
    return tuple(2 * int(np.ceil(_BY_BONE_MM / step)) + 1 for step in grid.spacing_mm)


def _fit(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    stretch: IndexArray,
    expected_mm: FloatArray,
    shift: float,
    there: Curve,
) -> float:
    """Return the correlation of a stretch with the one ``shift`` mm from where it is expected."""
    at = expected_mm[stretch] + shift
    if at[0] < there.position_mm[0] or at[-1] > there.position_mm[-1]:
        return float("nan")
    place = np.interp(at, there.position_mm, np.arange(len(there)))
    low = np.minimum(place.astype(int), len(there) - 2)
    part = (place - low)[:, None]
    values = second[0][low] * (1.0 - part) + second[0][low + 1] * part
    weight = first[1][stretch] * np.minimum(second[1][low], second[1][low + 1])
    total = weight.sum()
    if total < 0.3 * first[1][stretch].sum() or total <= 0.0:
        return float("nan")
    one, other = first[0][stretch], values
    one = one - (weight * one).sum() / total
    other = other - (weight * other).sum() / total
    spread = np.sqrt((weight * one**2).sum() * (weight * other**2).sum())
    return float((weight * one * other).sum() / spread) if spread > 0.0 else float("nan")


def _answer(shifts: FloatArray, fits: FloatArray) -> tuple[float, float] | None:
    """Return the shift that fits clearly best and its deviation; None where none does."""
    if not np.isfinite(fits).any():
        return None
    best = int(np.nanargmax(fits))
    if best in (0, len(fits) - 1) or not np.isfinite(fits[best - 1 : best + 2]).all():
        return None
    others = fits[(np.abs(shifts - shifts[best]) >= _OTHER_MM) & np.isfinite(fits)]
    lead = fits[best] - (others.max() if len(others) else 0.0)
    if fits[best] < _LEAST_FIT or lead < _LEAST_LEAD or len(others) < 6:
        return None
    before, peak, after = fits[best - 1 : best + 2]
    bend = before - 2.0 * peak + after
    if bend >= 0.0:
        return None
    offset = 0.5 * (before - after) / bend
    # The flatter the peak and the worse the fit, the less is known; never better than this.
    sd = float(np.hypot(1.0, 0.35 * np.sqrt(max(1.0 - peak, 0.0) / -bend)))
    return float(shifts[best] + offset * _STEP_MM), sd
