"""What hides the edge of a vein's wall: metal, calcium, the mouths of other veins, gas nearby."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.lumen.geometry.rings import medians
from venoseg.lumen.rays.edges import Profiles
from venoseg.lumen.rays.sight import Sight
from venoseg.lumen.rays.smoothing import Spacing
from venoseg.volume import BoolArray, FloatArray

# What exceeds the lumen by this much, and this many times the noise, is not blood: a stent's wires
# show 100 to 600 HU above it on a body kernel.
_BRIGHT_HU = 80.0
_BRIGHT_TO_NOISE = 3.1

# A plaque on the wall is bright this far outside of it; blood that streams along it is not.
_ON_THE_WALL_MM = (0.4, 1.6)

# Metal or calcium along this share of the rim hides the lumen's edge: the steepest rise is then
# that of the stent, not of the blood. Where such a stretch ends, a few more stations with some of
# it belong to it.
_METAL_RIM, _SOME_METAL_RIM = 0.4, 0.08
_METAL_END_STATIONS = 4

# Gas so near to a wall that it shows at the end of a ray is blurred over the tissue before it, and
# leaves no level outside that could be read. It is darker than fat, and than fat with so many times
# the noise.
_FAT_HU, _GAS_HU, _GAS_TO_NOISE = -100.0, -180.0, 3.8

# Of the variance of white noise so much is left between voxels, on average.
_WHITE_LEFT = (2.0 / 3.0) ** 3

# Rays this near to one that ends in lumen or at a plaque still meet some of it.
_BESIDE_RIM_MM = 1.5


def bright_share(profiles: Profiles, inside: FloatArray, noise: FloatArray) -> FloatArray:
    """Return (n,) the share of rays that meet something far brighter than the lumen."""
    excess = profiles.values.max(axis=-1) - inside[:, None]
    share: FloatArray = np.mean(_not_blood(excess, noise), axis=1)
    return share


def _not_blood(excess_hu: FloatArray, noise_hu: FloatArray) -> BoolArray:
    """Tell (n, m) what exceeds the lumen by more than blood and (n,) noise do."""
    result: BoolArray = excess_hu > np.maximum(_BRIGHT_HU, _BRIGHT_TO_NOISE * noise_hu)[:, None]
    return result


def covered_rays(profiles: Profiles, sight: Sight, spacing: Spacing) -> BoolArray:
    """Tell (n, m) on which rays, and beside which, a plaque or clip on the wall or gas hides it.

    The image rises where the lumen ends at a plaque, and falls too deep before gas. Where metal
    lies along much of the rim, as in a stent, none is told: the whole section is hidden.
    """
    inside = medians(sight.within)
    noise = np.sqrt(medians(sight.scatter) / _WHITE_LEFT)
    first, last = _ON_THE_WALL_MM
    on_wall = (profiles.depths_mm >= first - 1e-6) & (profiles.depths_mm <= last + 1e-6)
    excess = profiles.values[..., on_wall].max(axis=-1) - inside[:, None]
    bright = _not_blood(excess, noise)
    bright &= (bright.mean(axis=1) < _METAL_RIM)[:, None]
    darkest = np.minimum(_GAS_HU, _FAT_HU - _GAS_TO_NOISE * noise)
    gas = profiles.values[..., -1] < darkest[:, None]
    return widened_rays(bright | gas, spacing)


def hidden_by_metal(bright: FloatArray) -> BoolArray:
    """Tell at which of n stations metal or calcium hides the lumen's edge.

    Parameters
    ----------
    bright
        (n,) what `bright_share` gives.
    """
    hidden: BoolArray = bright >= _METAL_RIM
    if hidden.any():
        hidden = ndimage.median_filter(bright, 5, mode="nearest") >= _METAL_RIM
    if not hidden.any():
        return hidden
    beside = ndimage.binary_dilation(hidden, iterations=_METAL_END_STATIONS)
    result: BoolArray = hidden | (beside & (bright >= _SOME_METAL_RIM))
    return result


def widened_rays(rays: BoolArray, spacing: Spacing) -> BoolArray:
    """Add the rays nearby, in whose way the same thing still lies in part."""
    if not rays.any():
        return rays
    apart_mm = (spacing.station_mm, float(np.median(spacing.point_mm)))
    along, around = (1 + 2 * round(_BESIDE_RIM_MM / mm) for mm in apart_mm)
    wide = ndimage.maximum_filter1d(rays.view(np.uint8), along, axis=0, mode="nearest")
    widened: BoolArray = ndimage.maximum_filter1d(wide, around, axis=1, mode="wrap") > 0
    return widened
