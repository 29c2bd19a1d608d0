"""The sheet of tissue between two lumens: a dark line as wide as the blur.

Only the line's whole amount, the thickness times the contrast, can be told; thickness and place are
those of the line's area and middle, shared over its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import ndtr

from venoseg.centerline.curve import Curve
from venoseg.lumen.division.divided_sections import Sections
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.stents.struts import TISSUE_HU
from venoseg.volume import BoolArray, FloatArray, Volume

# What is found of a sheet is averaged over so much along the vein.
_ALONG_MM = 3.0

# Beside the sheet the image is looked at so many widths of the blur away, and so many inside of the
# outer wall, where nothing but blood and sheet shows.
BESIDE, _INSIDE = 2.5, 1.5

# The level of the blood is read where the wall is so many widths away, or a smaller part of the
# lumen's own depth.
_CLEAR, _CLEAR_SHARE = 2.5, 0.5

# Half the 95 % interval of a sheet's thickness: its level is known to a seventh of the contrast,
# its place and amount in the image to so much; in labels to this share of a pixel.
_LEVEL_DOUBT, _PLACE_DOUBT_MM, _LABEL_DOUBT = 0.15, 0.2, 0.5

# Without this much contrast a sheet does not show.
_LEAST_CONTRAST_HU = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The sheet between two lumens in n sections.

    Attributes
    ----------
    half_mm, place_mm
        (n,) half its thickness, and how far it lies from midway, towards the second lumen.
    doubt_mm, length_mm
        (n,) half the 95 % interval of the thickness, and how long it is in the section.
    """

    half_mm: FloatArray
    place_mm: FloatArray
    doubt_mm: FloatArray
    length_mm: FloatArray


def plane_blur_mm(volume: Volume, stations: Curve, blur: Blur | None) -> float:
    """Return how blurred the image is in the planes of the stations."""
    if blur is None:
        return 0.0
    axes = (blur.along(axis, volume.grid) for axis in (stations.across, stations.upward))
    return float(np.mean([np.mean(width) for width in axes]))


def blood_levels(image: npt.NDArray[np.float32], sections: Sections, width_mm: float) -> FloatArray:
    """Return (n, c) the level of the blood in each lumen."""
    levels = np.full(sections.apart_mm.shape[:2], np.nan)
    for n, c in np.ndindex(*levels.shape):
        apart = sections.apart_mm[n, c]
        deep = apart <= -min(_CLEAR * width_mm, -_CLEAR_SHARE * float(apart.min()))
        # In a small lumen the blur of its wall reaches its middle.
        full = ndtr(-apart[deep] / max(width_mm, 1e-3)).mean()
        levels[n, c] = TISSUE_HU + (image[n][deep].mean() - TISSUE_HU) / full
    step = _ALONG_MM
    return np.asarray(ndimage.gaussian_filter1d(levels, step, axis=0, mode="nearest"))


def sheet_between(
    volume: Volume,
    sections: Sections,
    pair: tuple[int, int],
    image: npt.NDArray[np.float32],
    blood: FloatArray,
    width_mm: float,
    from_image: BoolArray,
) -> Sheet:
    """Tell thickness and place of the sheet between two lumens in every section."""
    a, b = pair
    across = 0.5 * (sections.apart_mm[:, a] - sections.apart_mm[:, b])
    others = np.delete(sections.apart_mm, pair, axis=1)
    nearest = np.maximum(sections.apart_mm[:, a], sections.apart_mm[:, b])
    ours = np.ones(across.shape, dtype=bool)
    if others.shape[1]:
        ours = nearest <= others.min(axis=1)
    inside = ours & (sections.wall_mm < 0.0)
    pixel = sections.pixel_mm**2
    # Where the lumens' corners part, what is midway widens: its length is counted across its rise.
    rise = np.hypot(*np.gradient(across, sections.pixel_mm, axis=(1, 2)))
    line = np.where(inside & (np.abs(across) < 1.0), rise, 0.0)
    length = line.sum(axis=(1, 2)) * pixel / 2.0
    clear = inside & (sections.wall_mm < -_INSIDE * width_mm)
    drawn = (sections.sheet * inside).sum(axis=(1, 2)) * pixel / np.maximum(length, 1e-6)
    shares = np.where(from_image, 0.0, drawn)
    place = np.zeros(len(length))
    contrast = blood[:, [a, b]].min(axis=1) - TISSUE_HU
    shown = from_image & (contrast >= _LEAST_CONTRAST_HU) & (volume.unit == "HU")
    shown &= (clear * line).sum(axis=(1, 2)) * pixel / 2.0 >= 1.0
    for n in np.flatnonzero(shown):
        beside = 0.5 * drawn[n] + BESIDE * width_mm
        use = clear[n] & (np.abs(across[n]) <= beside)
        level = blood[n, a] + (blood[n, b] - blood[n, a]) * ndtr(across[n] / width_mm)
        lack = (level - image[n]) / (level - TISSUE_HU)
        long = (use * line[n]).sum() / 2.0 * pixel
        shares[n] = max((lack * use).sum() * pixel / long, 0.0)
        place[n] = (lack * use * across[n]).sum() / max((lack * use).sum(), 1.0)
    shares = np.where(shown | ~from_image, shares, drawn)
    reach = 0.5 * drawn
    place = np.clip(place, -reach, reach)
    step = _ALONG_MM
    shares, place = (
        ndimage.gaussian_filter1d(values, step, mode="nearest") for values in (shares, place)
    )
    in_labels = _LABEL_DOUBT * volume.grid.slice_and_pixel_mm[1]
    doubt = np.where(shown, np.hypot(_LEVEL_DOUBT * shares, _PLACE_DOUBT_MM), in_labels)
    return Sheet(0.5 * shares, place, doubt, length)


def own_side(sections: Sections, lumen: int, sheets: dict[tuple[int, int], Sheet]) -> FloatArray:
    """Return (n, m, m) the distance from the edge of one lumen, positive inside."""
    beyond = sections.wall_mm
    for (a, b), sheet in sheets.items():
        if lumen not in (a, b):
            continue
        across = 0.5 * (sections.apart_mm[:, a] - sections.apart_mm[:, b])
        away = across - sheet.place_mm[:, None, None]
        away = away if lumen == a else -away
        beyond = np.maximum(beyond, away + sheet.half_mm[:, None, None])
    return -beyond
