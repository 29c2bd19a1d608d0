"""From the outline of the labels to the wall of the lumen, in every section at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.lumen.boundary.levels import level_doubts_mm
from venoseg.lumen.boundary.lopsided import Lopsided, edge_beside_half
from venoseg.lumen.boundary.narrow import missed_mm
from venoseg.lumen.boundary.rereading import Reading, read_again, slit_share
from venoseg.lumen.boundary.search import DEEPEST, Found, depths_mm, search_edge
from venoseg.lumen.boundary.shifts import shift_along, shift_around
from venoseg.lumen.boundary.turns import LOPSIDED_STRIDE, Search
from venoseg.lumen.boundary.vein_wall import (
    FACES_FAT,
    FACES_TISSUE,
    EdgeModel,
    doubts_mm,
    outer_share,
    seen_shift,
)
from venoseg.lumen.boundary.webs import web_share
from venoseg.lumen.geometry.contours import outward_normals
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.lumen.geometry.rings import medians
from venoseg.lumen.geometry.stationwise import part_of, with_stations
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.blur import default_blur, label_blur, label_pull
from venoseg.lumen.rays.edges import matched_offsets, sample_profiles, to_lps
from venoseg.lumen.rays.grain import Grain, NoiseDraws
from venoseg.lumen.rays.sight import inner_radii_mm
from venoseg.lumen.rays.smoothing import Spacing, ramp, settled, smooth_offsets
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# How far to either side of the outline the edge of labels is sought, and how often.
_LABEL_REACH_MM = 2.0
_LABEL_ROUNDS = 2


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
    hidden_sd_mm, hidden_least_sd_mm
        (n,) standard deviations of the mean radius and of half the least width for want of the
        thickness of the vein's wall and of the exact levels on either side; of the second also for
        an oval that noise would explain, and for a flat side.
    hidden_own_sd_mm
        (n,) the part of the first which another image of the same vein does not share.
    webbed
        (n,) share of the rim on which webs within the lumen grow.
    ambiguous
        (n,) how far causes are reckoned with that would put the edge elsewhere, 0 to 1.
    """

    contours_mm: FloatArray
    rim: FloatArray
    ray_sd_mm: FloatArray
    inside: FloatArray
    outside: FloatArray
    bright: FloatArray
    hidden_sd_mm: FloatArray
    hidden_least_sd_mm: FloatArray
    hidden_own_sd_mm: FloatArray
    webbed: FloatArray
    ambiguous: FloatArray

    @classmethod
    def unknown(cls, count: int) -> Wall:
        """Return stations at which nothing is known."""
        blank = np.full(count, np.nan)
        return cls(np.full((count, CONTOUR_POINTS, 2), np.nan), *(blank.copy() for _ in range(10)))

    def part(self, keep: slice) -> Wall:
        """Return the stations of ``keep``."""
        return part_of(self, keep)

    def replaced(self, stations: slice, part: Wall) -> Wall:
        """Return the wall with other ``stations``."""
        return with_stations(self, stations, part)


def wall_of_labels(region: Region, curve: Curve, outlines_mm: FloatArray) -> Wall:
    """Find the labels' own edge, free of the steps of their voxels."""
    blur = label_blur(region.grid)
    array = region.mask.view(np.uint8)
    contours = settled(outlines_mm, curve, region.grid)
    depths = depths_mm(_LABEL_REACH_MM)
    shape = contours.shape[:2]
    inside, outside, usable = np.ones(shape), np.zeros(shape), np.ones(shape, dtype=bool)
    for _ in range(_LABEL_ROUNDS):
        start, normals = contours, outward_normals(contours)
        profiles = sample_profiles(array, region.grid, curve, contours, normals, depths)
        width = blur.along(to_lps(normals, curve), region.grid)
        deepest = DEEPEST * inner_radii_mm(contours)
        offsets = matched_offsets(profiles, inside, outside, width, deepest)
        mean = smooth_offsets(offsets, usable, curve, contours, region.grid)
        moved = contours + normals * mean[..., None]
        contours = settled(moved, curve, region.grid)
    pull = label_pull(region.grid)
    along = shift_along(moved, curve, pull, region.grid)
    shift = shift_around(moved, curve, pull, region.grid) + along
    found = moved + outward_normals(moved) * shift[..., None]
    reading = Reading(
        curve=curve,
        contours_mm=start,
        radius_mm=inner_radii_mm(start),
        depths_mm=depths,
        usable=usable,
        mean_mm=mean,
        width_mm=width,
        blur=pull,
        grid=region.grid,
        levels_read=False,
    )
    slits = slit_share(found, np.full(len(curve), pull.in_plane_mm))
    found = read_again(reading, found, along, slits)
    return Wall(
        contours_mm=found,
        rim=np.ones(len(curve)),
        ray_sd_mm=_scatter(offsets, mean, usable),
        inside=np.ones(len(curve)),
        outside=np.zeros(len(curve)),
        bright=np.zeros(len(curve)),
        hidden_sd_mm=np.zeros(len(curve)),
        hidden_least_sd_mm=np.zeros(len(curve)),
        hidden_own_sd_mm=np.zeros(len(curve)),
        webbed=np.zeros(len(curve)),
        ambiguous=np.zeros(len(curve)),
    )


def wall_of_image(
    volume: Volume,
    curve: Curve,
    start_mm: FloatArray,
    grain: Grain,
    known: EdgeModel | None = None,
    before: Search | None = None,
    again: slice | None = None,
) -> tuple[Wall, EdgeModel, Search]:
    """Find the edge of the bright lumen in the image, and what such an edge looks like in it.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    start_mm
        (n, m, 2) contours near the edge.
    grain
        Of the noise.
    known
        What an edge looks like, if it is known; otherwise it is told from the wall.
    before, again
        An earlier search at the same stations, and those at which to search again: what there is
        to see at the others is taken from the earlier one. Without them all are searched.
    """
    everywhere = slice(0, len(curve))
    found, search = search_edge(
        volume,
        curve,
        start_mm,
        grain,
        known,
        before or Search.unknown(len(curve)),
        again or everywhere,
    )
    turn, model, levels = found.turn, found.model, found.levels
    share = np.where(turn.usable, outer_share(levels.inside, levels.outside), 0.0)
    around_sd, opposite_sd = level_doubts_mm(levels, found.width_mm).T
    wall_sd, least_sd, own_sd = doubts_mm(model, share)
    draws = grain.on(volume.grid)
    sided = _sided(found, curve, share, volume, draws)
    inside, outside = medians(levels.inside), medians(levels.outside)
    wall = Wall(
        contours_mm=_lumen_of(found, curve, volume.grid, share, sided.shift_mm),
        rim=turn.usable.mean(axis=1),
        ray_sd_mm=_scatter(turn.offsets_mm, found.mean_mm, turn.usable),
        inside=inside,
        outside=outside,
        bright=search.turns[0].bright,
        hidden_sd_mm=_joined(wall_sd, around_sd, sided.sd_mm),
        hidden_least_sd_mm=_joined(least_sd, opposite_sd, sided.sd_mm),
        hidden_own_sd_mm=_joined(own_sd, around_sd),
        webbed=web_share(
            turn.within,
            turn.seen,
            inside - outside,
            levels.noise,
            draws.alike_mm3,
            curve,
            turn.contours_mm,
        ),
        ambiguous=sided.ambiguous,
    )
    return wall, model, search


def _sided(
    found: Found, curve: Curve, share: FloatArray, volume: Volume, draws: NoiseDraws
) -> Lopsided:
    """Tell where rises are lopsided; those into fat have the vein's wall in them, told elsewhere.

    ``share`` (n, m) is that of the step which the vein's wall makes.
    """
    turn = found.turn
    rays = slice(None, None, LOPSIDED_STRIDE)
    tissue = 1.0 - ramp(share[:, rays], (FACES_TISSUE, FACES_FAT))
    beside_tissue = np.where(turn.usable[:, rays], tissue, 0.0)
    expected = default_blur(volume.grid, volume.source.slice_thickness_mm)
    told = edge_beside_half(
        turn.lopsided_mm,
        beside_tissue,
        inner_radii_mm(turn.moved_mm) / found.width_mm.mean(axis=1),
        found.model.blur.in_plane_mm / expected.in_plane_mm,
        volume.grid.slice_and_pixel_mm[0],
        draws,
        Spacing.of(curve, turn.contours_mm[:, rays]),
    )
    shift: FloatArray = np.repeat(told.shift_mm * beside_tissue, LOPSIDED_STRIDE, axis=1)
    return replace(told, shift_mm=shift)


def _lumen_of(
    found: Found, curve: Curve, grid: Grid, share: FloatArray, beside_mm: FloatArray
) -> FloatArray:
    """Return (n, m, 2) the lumen: the edge that was found, with what shifts it taken off.

    ``share`` (n, m) is that of the step which the vein's wall makes, ``beside_mm`` (n, m) how far
    outside of the half of the rise the edge lies.
    """
    turn, model, width = found.turn, found.model, found.width_mm
    contours, moved = turn.contours_mm, turn.moved_mm
    elsewhere = shift_along(moved, curve, model.blur, grid)
    if share.any():
        hidden = seen_shift(share, model.wall_mm, width)
        elsewhere = elsewhere - smooth_offsets(hidden, turn.usable, curve, contours, grid)
    elsewhere = elsewhere + beside_mm
    shift = shift_around(moved, curve, model.blur, grid) + elsewhere
    in_plane = np.sqrt((width**2).mean(axis=1))
    read = inner_radii_mm(moved) + shift.mean(axis=1)
    shift = shift - missed_mm(moved, read, in_plane, found.depths_mm, DEEPEST)[:, None]
    lumen = moved + outward_normals(moved) * shift[..., None]
    reading = Reading(
        curve=curve,
        contours_mm=contours,
        radius_mm=inner_radii_mm(contours),
        depths_mm=found.depths_mm,
        usable=turn.usable,
        mean_mm=found.mean_mm,
        width_mm=width,
        blur=model.blur,
        grid=grid,
        levels_read=True,
    )
    return read_again(reading, lumen, elsewhere, slit_share(lumen, in_plane))


def _joined(*deviations: FloatArray) -> FloatArray:
    """Return the standard deviation of what is wrong for several reasons."""
    joined: FloatArray = np.sqrt(np.square(deviations).sum(axis=0))
    return joined


def _scatter(offsets: FloatArray, mean: FloatArray, usable: BoolArray) -> FloatArray:
    """Return (n,) a robust standard deviation of single offsets, smoothed along the vein."""
    known = np.flatnonzero(usable.any(axis=1))
    if len(known) == 0:
        return np.zeros(len(offsets))
    # Sorted, those that count come first: NumPy's median of some values takes far longer.
    deviation = np.sort(np.where(usable, np.abs(offsets - mean), np.inf)[known], axis=1)
    count, rows = usable[known].sum(axis=1), np.arange(len(known))
    median = 0.5 * (deviation[rows, (count - 1) // 2] + deviation[rows, count // 2])
    filled = np.interp(np.arange(len(offsets)), known, 1.4826 * median)
    return average_along(filled, 3.0)
