"""The vein's own wall: too thin for the image to resolve, thick enough to shift the lumen's edge.

Between blood and fat lies the wall, of soft tissue. The image blurs both of its faces into one
rise, and a step fitted to that rise comes to lie within the wall. How far follows from the
thickness of the wall and from what lies outside: beside muscle, of the wall's own gray value, not
at all; in fat by more than half of the thickness.

The thickness is told from two sides, neither of them sharp: what anatomy lets one expect, and how
much wider the rise towards fat is than the scanner's blur alone would make it. There may also be no
wall to take off, in a phantom or where it is too thin to matter; both possibilities are weighed,
and the doubt holds both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from venoseg.lumen.rays.averages import average_around
from venoseg.lumen.rays.edges import Blur
from venoseg.volume import FloatArray

# Soft tissue such as the wall is made of, at the dark end of muscle so that noise beside muscle is
# not taken for fat, and how far a wall may be from that.
_WALL_HU = 45.0
_WALL_HU_DOUBT = 15.0
_FAT_HU = -100.0

# A wall is 0.5 mm thick in a vein of 5 mm and 1.5 mm in the cava at 30 mm (Burton, Physiol Rev
# 1954;34:619); linear between them, with this standard deviation among persons.
_AT_5_MM, _AT_30_MM = 0.5, 1.5
_THICKNESS_SD_MM = 0.35
_THICKNESSES_MM = np.linspace(0.0, 2.5, 126)

# How likely it is, before looking, that there is no wall.
_NO_WALL = 0.2

# Standard deviations of what the blur of the scanner is taken for, and of the apparent one. The
# rays of the same vein beside muscle do not tell it: thin layers of fat on the way make their rise
# wider.
_SCANNER_BLUR_SD_MM = 0.16
_APPARENT_BLUR_SD_MM = 0.04
_LEAST_BLUR_MM = 0.3

_MOST_SHARE = 0.9

# A width is told by the walls over this much of a turn at its two ends.
_BESIDE_TURN = 1 / 32

# A ray with this share of its step at the outer face looks into fat.
FACES_FAT = 0.45
# Shares that vary by no more than this are those of one thing.
_EVEN = 0.08
# Below this the wall is not told from what lies behind it.
FACES_TISSUE = 0.20


@dataclass(frozen=True, slots=True, eq=False)
class EdgeModel:
    """What an edge of the lumen looks like in an image.

    Attributes
    ----------
    blur
        How blurred the image is.
    wall_mm, wall_sd_mm
        Thickness of the vein's wall, and its standard deviation.
    wall_own_sd_mm
        The part of that deviation that another image of the same vein does not share.
    blur_told
        Whether the image told its blur; otherwise it is the one to expect.
    """

    blur: Blur
    wall_mm: float = 0.0
    wall_sd_mm: float = 0.0
    wall_own_sd_mm: float = 0.0
    blur_told: bool = True


def expected_thickness_mm(diameter_mm: float) -> float:
    """Return the thickness to expect of the wall of a vein of this inner diameter."""
    slope = (_AT_30_MM - _AT_5_MM) / 25.0
    return float(np.clip(_AT_5_MM + slope * (diameter_mm - 5.0), 0.4, _AT_30_MM))


def outer_share(inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Return the share of the step from blood to surroundings that is made at the outer face.

    Parameters
    ----------
    inside, outside
        Levels in HU on either side of the wall.
    """
    share = (_WALL_HU - outside) / np.maximum(inside - outside, 1.0)
    return np.clip(share, 0.0, _MOST_SHARE)


def faces_one_thing(share: FloatArray) -> bool:
    """Tell whether all rays look into one and the same thing that is darker than a wall.

    Parameters
    ----------
    share
        (k,) what `outer_share` gives. Thin layers of fat beside other tissue differ from place to
        place.
    """
    return len(share) > 0 and share.mean() >= FACES_TISSUE and share.std() <= _EVEN


def seen_shift(share: FloatArray, wall_mm: float, blur_mm: FloatArray) -> FloatArray:
    """Return how far outside the inner face a step fitted to both faces lies, in mm.

    Parameters
    ----------
    share
        What `outer_share` gives.
    wall_mm
        Thickness of the wall.
    blur_mm
        Standard deviation of the blur across it, which the fitted step shares.
    """
    width = np.sqrt(2.0) * blur_mm
    shift = share * wall_mm
    for _ in range(3):
        missed = (1.0 - share) * ndtr(shift / width) + share * ndtr((shift - wall_mm) / width) - 0.5
        inner = np.exp(-0.5 * (shift / width) ** 2)
        outer = np.exp(-0.5 * ((shift - wall_mm) / width) ** 2)
        slope = ((1.0 - share) * inner + share * outer) / (np.sqrt(2.0 * np.pi) * width)
        shift = shift - missed / slope
    return shift


def split_blur(
    apparent: Blur, scanner: Blur, share: float, diameter_mm: float, told: bool
) -> EdgeModel:
    """Tell how much of the width of an edge is the scanner's blur and how much the wall.

    The variance of the rise is that of the blur plus share * (1 - share) * thickness**2. Every
    thickness is weighed by how well it agrees with the expected one and with the expected blur.

    Parameters
    ----------
    apparent
        The blur when the rise is taken for one step.
    scanner
        The blur to expect of the scanner.
    share
        Typical `outer_share` of the rays that ``apparent`` was told from.
    diameter_mm
        Of the vein.
    told
        Whether the rays face fat; otherwise their width says nothing about the wall.
    """
    expected = expected_thickness_mm(diameter_mm)
    if not told:
        unseen = _moments(_THICKNESSES_MM, _prior(_THICKNESSES_MM, expected))
        return EdgeModel(apparent, *unseen, unseen[1])

    def told_by(apparent_mm: float) -> tuple[float, float]:
        return _thickness(apparent_mm, scanner.in_plane_mm, share, expected)

    wall_mm, wall_sd_mm = told_by(apparent.in_plane_mm)
    # Scanner and person are the same in another image; what noise does to the blur is not.
    narrow, wide = (
        told_by(apparent.in_plane_mm + step)[0]
        for step in (-_APPARENT_BLUR_SD_MM, _APPARENT_BLUR_SD_MM)
    )
    own_sd_mm = min(0.5 * abs(wide - narrow), wall_sd_mm)
    widened = share * (1.0 - share) * wall_mm**2

    def without_wall(blur_mm: float) -> float:
        return float(np.sqrt(max(blur_mm**2 - widened, _LEAST_BLUR_MM**2)))

    blur = Blur(without_wall(apparent.in_plane_mm), without_wall(apparent.through_plane_mm))
    return EdgeModel(blur, wall_mm, wall_sd_mm, own_sd_mm)


def with_told_blur(models: Mapping[str, EdgeModel | None]) -> dict[str, EdgeModel]:
    """Return models of the veins too narrow to tell the image's blur, with what the others tell.

    It is one image: the median counts. Where no vein tells it there are none.
    """
    known = {vessel: model for vessel, model in models.items() if model is not None}
    told = [model.blur for model in known.values() if model.blur_told]
    if not told:
        return {}
    median = Blur(
        float(np.median([blur.in_plane_mm for blur in told])),
        float(np.median([blur.through_plane_mm for blur in told])),
    )
    return {
        vessel: replace(model, blur=median, blur_told=True)
        for vessel, model in known.items()
        if not model.blur_told
    }


def _thickness(
    apparent_mm: float, scanner_mm: float, share: float, expected_mm: float
) -> tuple[float, float]:
    """Return the thickness of the wall, and its standard deviation."""
    thickness = _THICKNESSES_MM
    extra = share * (1.0 - share) * thickness**2
    rest = np.sqrt(np.maximum(apparent_mm**2 - extra, _LEAST_BLUR_MM**2))
    blur_sd = np.hypot(_SCANNER_BLUR_SD_MM, _APPARENT_BLUR_SD_MM * apparent_mm / rest)
    fits = np.exp(-0.5 * ((rest - scanner_mm) / blur_sd) ** 2) + 1e-9
    fits[extra > max(apparent_mm**2 - _LEAST_BLUR_MM**2, 0.0)] = 0.0
    return _moments(thickness, fits * _prior(thickness, expected_mm))


def _prior(thickness_mm: FloatArray, expected_mm: float) -> FloatArray:
    """Return how likely each thickness is before looking; the first, of 0, is that of no wall."""
    walled = np.exp(-0.5 * ((thickness_mm - expected_mm) / _THICKNESS_SD_MM) ** 2)
    likely: FloatArray = (1.0 - _NO_WALL) * walled / walled.sum()
    likely[0] += _NO_WALL
    return likely


def _moments(thickness_mm: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation of weighed thicknesses."""
    weight = weight / weight.sum()
    mean = float(weight @ thickness_mm)
    return mean, float(np.sqrt(weight @ (thickness_mm - mean) ** 2))


def doubts_mm(model: EdgeModel, share: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return standard deviations of radii, for the wall is not known.

    Parameters
    ----------
    model
        With the wall's thickness.
    share
        (n, m) what `outer_share` gives for the rays of n sections.

    Returns
    -------
    tuple of FloatArray
        (n,) the deviation of the mean radius, that of half the least width, and the part of the
        first that another image of the same vein does not share.
    """
    gray = _WALL_HU_DOUBT / (_WALL_HU - _FAT_HU)
    whole = np.hypot(model.wall_sd_mm, gray * model.wall_mm)
    typical: FloatArray = share.mean(axis=1)
    # A vein that lies in fat on two sides only has its least width between these, if its wall was
    # taken for too thick.
    points = share.shape[1]
    beside = average_around(share, _BESIDE_TURN * points)
    most: FloatArray = (0.5 * (beside + np.roll(beside, points // 2, axis=1))).max(axis=1)
    return typical * whole, most * whole, typical * model.wall_own_sd_mm
