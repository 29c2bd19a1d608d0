"""Slices that hold a metal implant: its streaks falsify what lies beside it in the same slice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.lumen.profile import VesselProfile
from venoseg.volume import BoolArray, Volume

IMPLANT = "metal_implant_in_slice"
"""Flag of a station in whose slices a prosthesis, a plate or a screw lies."""

# Bone and the blurred wires of a stent stay below this; an implant fills this much of a slice.
_METAL_HU = 2000
_LEAST_MM2 = 60.0

# The image is looked at every so many millimetres.
_LOOKED_AT_MM = 3.0

# Streaks spread this far beyond the slices of the metal.
_BEYOND_MM = 3.0


def with_implants(profile: VesselProfile, volume: Volume) -> VesselProfile:
    """Flag the stations of a vein whose slices hold a metal implant.

    Parameters
    ----------
    profile
        A vein, measured.
    volume
        The image; only one in Hounsfield units tells metal.
    """
    if volume.unit != "HU":
        return profile
    curve = profile.branch.curve
    height = volume.grid.to_index(curve.points_lps_mm)[:, 0]
    step = max(1, int(_LOOKED_AT_MM / volume.grid.spacing_mm[0]))
    # Metal may begin right after the slice before the one in which it was seen.
    beside = np.ceil(_BEYOND_MM / volume.grid.spacing_mm[0]) + step - 1
    last = volume.grid.shape[0] - 1
    first = int(np.clip(height.min() - beside, 0, last))
    stop = int(np.clip(height.max() + beside, 0, last)) + 1
    slices = np.arange(first, stop, step)
    metal = slices[_with_metal(volume, slice(first, stop, step))]
    if len(metal) == 0:
        return profile
    struck = (np.abs(height[:, None] - metal) <= beside).any(axis=1)
    return flagged(profile, struck)


def flagged(profile: VesselProfile, struck: BoolArray) -> VesselProfile:
    """Return a vein whose (n,) stations say that an implant lies beside them."""
    flags = tuple(
        (*words, IMPLANT) if here else words
        for words, here in zip(profile.flags, struck, strict=True)
    )
    return replace(profile, flags=flags)


def beside_implant(profile: VesselProfile) -> BoolArray:
    """Tell which stations of a vein are flagged so."""
    return np.array([IMPLANT in words for words in profile.flags])


def _with_metal(volume: Volume, slices: slice) -> BoolArray:
    """Tell which of the slices hold enough metal."""
    spacing = volume.grid.spacing_mm[1:]
    rows, columns = (max(1, int(_LOOKED_AT_MM / mm)) for mm in spacing)
    lines = volume.voxels[slices, ::rows]
    # The greatest value of whole rows is found several times faster than values here and there.
    metal: BoolArray = lines.max(axis=(1, 2)) > _METAL_HU
    seen = lines[metal, :, ::columns] > _METAL_HU
    area = seen.sum(axis=(1, 2)) * float(spacing.prod()) * rows * columns
    metal[metal] = area >= _LEAST_MM2
    return metal
