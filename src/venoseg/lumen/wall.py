"""From the outline of the labels to the wall of the lumen, in every section at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.lumen.blur import default_blur, estimate_blur, label_blur
from venoseg.lumen.contours import outward_normals
from venoseg.lumen.edges import (
    FIT_ROUNDS,
    SAMPLE_MM,
    Blur,
    Profiles,
    matched_offsets,
    sample_profiles,
    to_lps,
)
from venoseg.lumen.levels import (
    Levels,
    bright_share,
    hidden_by_metal,
    inner_radii_mm,
    levels_beside,
    seen_rays,
)
from venoseg.lumen.narrow import missed_mm
from venoseg.lumen.outline import CONTOUR_POINTS
from venoseg.lumen.smoothing import blur_shift, settled, smooth_offsets
from venoseg.lumen.vein_wall import (
    FACES_FAT,
    FACES_TISSUE,
    EdgeModel,
    doubts_mm,
    faces_one_thing,
    outer_share,
    seen_shift,
    split_blur,
)
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# How far to either side of the outline the edge is sought.
_REACH_MM = 3.2
_LABEL_REACH_MM = 2.0

# A profile is followed inwards over this share of the lumen's radius.
_DEEPEST = 1.2

# Weight of "the edge is where the outline is" against that of one ray with contrast: it decides
# only where no ray nearby shows an edge.
_PRIOR_WEIGHT = 0.01

# Where this share of the rays faces fat, it is they that tell the blur: beside other tissue thin
# layers of fat deceive.
_LEAST_FAT = 0.1

_ROUNDS = 2

# Blur is told from sections whose radius is at least this many times as long.
_RESOLVED_RADIUS = 3.4

# Steps of the fit while the contour is brought nearer.
_NEARING_ROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The wall at n stations; NaN where it was not sought.

    Attributes
    ----------
    contours_mm
        (n, m, 2) in (across, upward) mm from the stations.
    rim
        (n,) share of the rays on which the image (or the label) shows an edge.
    ray_sd_mm
        (n,) scatter of single edge positions about the smooth wall.
    inside, outside
        (n,) median level on either side of the wall.
    bright
        (n,) share of the rim beside which something far brighter than the lumen lies: metal, bone,
        calcium.
    hidden_sd_mm
        (n,) standard deviation of the mean radius for want of the thickness of the vein's wall and
        of the exact levels on either side.
    hidden_own_sd_mm
        (n,) the part of that which another image of the same vein does not share.
    """

    contours_mm: FloatArray
    rim: FloatArray
    ray_sd_mm: FloatArray
    inside: FloatArray
    outside: FloatArray
    bright: FloatArray
    hidden_sd_mm: FloatArray
    hidden_own_sd_mm: FloatArray

    @classmethod
    def unknown(cls, count: int) -> Wall:
        """Return stations at which nothing is known."""
        blank = np.full(count, np.nan)
        return cls(np.full((count, CONTOUR_POINTS, 2), np.nan), *(blank.copy() for _ in range(7)))

    def part(self, keep: slice) -> Wall:
        """Return the stations of ``keep``."""
        return Wall(*(getattr(self, f.name)[keep] for f in fields(self)))

    def replaced(self, stations: slice, part: Wall) -> Wall:
        """Return the wall with other ``stations``."""
        arrays = [getattr(self, f.name).copy() for f in fields(self)]
        for array, f in zip(arrays, fields(self), strict=True):
            array[stations] = getattr(part, f.name)
        return Wall(*arrays)


def wall_of_labels(region: Region, curve: Curve, outlines_mm: FloatArray) -> Wall:
    """Find the labels' own edge, free of the steps of their voxels."""
    blur = label_blur(region.grid)
    array = region.mask.view(np.uint8)
    contours = settled(outlines_mm, curve)
    depths = _depths(_LABEL_REACH_MM)
    shape = contours.shape[:2]
    inside, outside, usable = np.ones(shape), np.zeros(shape), np.ones(shape, dtype=bool)
    for _ in range(_ROUNDS):
        normals = outward_normals(contours)
        profiles = sample_profiles(array, region.grid, curve, contours, normals, depths)
        width = blur.along(to_lps(normals, curve), region.grid)
        deepest = _DEEPEST * inner_radii_mm(contours)
        offsets = matched_offsets(profiles, inside, outside, width, deepest)
        mean = smooth_offsets(offsets, np.ones(shape), curve, contours)
        moved = contours + normals * mean[..., None]
        contours = settled(moved, curve)
    shift = blur_shift(moved, curve, blur, region.grid)
    return Wall(
        contours_mm=moved + outward_normals(moved) * shift[..., None],
        rim=np.ones(len(curve)),
        ray_sd_mm=_scatter(offsets, mean, usable),
        inside=np.ones(len(curve)),
        outside=np.zeros(len(curve)),
        bright=np.zeros(len(curve)),
        hidden_sd_mm=np.zeros(len(curve)),
        hidden_own_sd_mm=np.zeros(len(curve)),
    )


def wall_of_image(
    volume: Volume, curve: Curve, start_mm: FloatArray, known: EdgeModel | None = None
) -> tuple[Wall, EdgeModel]:
    """Find the edge of the bright lumen in the image, and what such an edge looks like in it.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    start_mm
        (n, m, 2) contours near the edge.
    known
        What an edge looks like, if it is known; otherwise it is told from the wall.
    """
    grid = volume.grid
    model = EdgeModel(default_blur(grid, volume.source.slice_thickness_mm))
    contours = settled(start_mm, curve)
    depths = _depths(_REACH_MM)
    voxel_mm3 = float(np.prod(grid.spacing_mm))
    for turn in range(_ROUNDS + 1):
        normals = outward_normals(contours)
        normals_lps = to_lps(normals, curve)
        profiles = sample_profiles(volume.voxels, grid, curve, contours, normals, depths)
        seen = seen_rays(volume, curve, contours, normals, depths[-1])
        radius = inner_radii_mm(contours)
        width = model.blur.along(normals_lps, grid)
        levels = levels_beside(profiles, curve, contours, seen, voxel_mm3)
        inner, outer = levels.inside, levels.outside
        if turn == 0:
            # Judged where the labels put the lumen: an edge drawn to metal has metal inside.
            bright = bright_share(profiles, np.median(inner, axis=1), levels.noise)
            metal = hidden_by_metal(bright)
        fits = FIT_ROUNDS if turn == _ROUNDS else _NEARING_ROUNDS
        offsets = matched_offsets(profiles, inner, outer, width, _DEEPEST * radius, fits)
        usable = levels.contrast & (np.abs(offsets) < _REACH_MM - 2.0 * SAMPLE_MM)
        # The edge of metal says nothing about that of the blood beyond its end.
        usable &= ~metal[:, None]
        weights = np.where(usable, 1.0, 0.0)
        offsets = np.where(usable, offsets, 0.0)
        mean = smooth_offsets(offsets, weights + _PRIOR_WEIGHT, curve, contours)
        moved = contours + normals * mean[..., None]
        if turn < _ROUNDS:
            contours = settled(moved, curve)
        if turn == _ROUNDS - 1:
            model = known or _model_of(
                Rays(profiles, inner, outer, mean, usable), normals_lps, grid, radius, model.blur
            )
    share = np.where(usable, outer_share(inner, outer), 0.0)
    hidden = seen_shift(share, model.wall_mm, width)
    hidden = smooth_offsets(hidden, weights + _PRIOR_WEIGHT, curve, contours)
    shift = blur_shift(moved, curve, model.blur, grid) - hidden
    in_plane = np.sqrt((width**2).mean(axis=1))
    read = inner_radii_mm(moved) + shift.mean(axis=1)
    shift = shift - missed_mm(read, in_plane, depths, _DEEPEST)[:, None]
    levels_sd = level_doubt_mm(levels, width)
    whole_sd, own_sd = (np.hypot(sd, levels_sd) for sd in doubts_mm(model, share))
    wall = Wall(
        contours_mm=moved + outward_normals(moved) * shift[..., None],
        rim=usable.mean(axis=1),
        ray_sd_mm=_scatter(offsets, mean, usable),
        inside=np.median(inner, axis=1),
        outside=np.median(outer, axis=1),
        bright=bright,
        hidden_sd_mm=whole_sd,
        hidden_own_sd_mm=own_sd,
    )
    return wall, model


def level_doubt_mm(levels: Levels, blur_mm: FloatArray) -> FloatArray:
    """Return (n,) how far levels that are a little wrong all around move the mean radius.

    Parameters
    ----------
    levels
        Of n sections.
    blur_mm
        (n, m) blur across the wall: the edge lies where the rise, of contrast / (sqrt(2 pi) blur),
        meets the mean of both levels.
    """
    contrast = np.maximum((levels.inside - levels.outside).mean(axis=1), 1.0)
    doubt: FloatArray = levels.doubt_hu * np.sqrt(2.0 * np.pi) * blur_mm.mean(axis=1) / contrast
    return doubt


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """Rays of n sections: what they show, the levels, the edge (mm), and which can be used."""

    profiles: Profiles
    inside: FloatArray
    outside: FloatArray
    edge_mm: FloatArray
    usable: BoolArray


def _model_of(
    rays: Rays, normals_lps: FloatArray, grid: Grid, radius_mm: FloatArray, expected: Blur
) -> EdgeModel:
    """Tell what an edge looks like from the rays that meet either plain tissue or fat."""
    share = outer_share(rays.inside, rays.outside)
    # Across a narrow lumen the image rises to no level that would tell the width of the rise.
    wide = (radius_mm >= _RESOLVED_RADIUS * expected.in_plane_mm)[:, None]
    if not wide.any():
        return split_blur(expected, expected, 0.0, 2.0 * float(np.median(radius_mm)), told=False)
    rays = replace(rays, usable=rays.usable & wide)
    fat = rays.usable & (share >= FACES_FAT)
    told = bool(fat.sum() >= _LEAST_FAT * rays.usable.sum())
    if not told and faces_one_thing(share[rays.usable]):
        fat, told = rays.usable, True
    chosen = fat if told else rays.usable & (share < FACES_TISSUE)
    contrast = np.maximum(rays.inside - rays.outside, 1.0)[..., None]
    height = (rays.profiles.values - rays.outside[..., None]) / contrast
    lean = (normals_lps @ grid.directions[:, grid.through_axis]) ** 2
    apparent = estimate_blur(rays.profiles, height, rays.edge_mm, lean, chosen, expected)
    typical = float(share[chosen].mean()) if chosen.any() else 0.0
    return split_blur(apparent, expected, typical, 2.0 * float(np.median(radius_mm)), told)


def _depths(reach_mm: float) -> FloatArray:
    count = round(reach_mm / SAMPLE_MM)
    return np.linspace(-count, count, 2 * count + 1) * SAMPLE_MM


def _scatter(offsets: FloatArray, mean: FloatArray, usable: BoolArray) -> FloatArray:
    """Return (n,) a robust standard deviation of single offsets, smoothed along the vein."""
    deviation = np.where(usable, np.abs(offsets - mean), np.nan)
    typical = np.full(len(offsets), np.nan)
    some = usable.any(axis=1)
    typical[some] = 1.4826 * np.nanmedian(deviation[some], axis=1)
    known = ~np.isnan(typical)
    if not known.any():
        return np.zeros(len(offsets))
    positions = np.arange(len(typical))
    filled = np.interp(positions, positions[known], typical[known])
    smooth: FloatArray = ndimage.gaussian_filter1d(filled, 3.0, mode="nearest")
    return smooth
