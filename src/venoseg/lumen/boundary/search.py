"""The search for the edge of the bright lumen in the image: turn by turn from the labels' outline.

Every turn follows rays across a contour, finds the edge on each, and smooths where they found it
over the wall. The next one starts from there. What a turn saw is kept: where the labels change in
one place, only the rays there have to be followed again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.lumen.boundary.covering import bright_share, covered_rays, hidden_by_metal
from venoseg.lumen.boundary.levels import Levels, levels_beside
from venoseg.lumen.boundary.lopsided import lopsided_mm
from venoseg.lumen.boundary.shell import shell_rays
from venoseg.lumen.boundary.tips import with_whole_tips
from venoseg.lumen.boundary.turns import (
    LOPSIDED_STRIDE,
    NEARING_STRIDE,
    NEARING_TURNS,
    Search,
    Turn,
)
from venoseg.lumen.boundary.vein_wall import (
    FACES_FAT,
    FACES_TISSUE,
    EdgeModel,
    faces_one_thing,
    outer_share,
    split_blur,
)
from venoseg.lumen.geometry.contours import outward_normals
from venoseg.lumen.geometry.rings import medians
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.blur import default_blur, estimate_blur
from venoseg.lumen.rays.edges import (
    FIT_ROUNDS,
    SAMPLE_MM,
    Profiles,
    matched_offsets,
    sample_profiles,
    to_lps,
)
from venoseg.lumen.rays.grain import Grain, NoiseDraws
from venoseg.lumen.rays.sight import Sight, inner_radii_mm, look_beside, seen_rays
from venoseg.lumen.rays.smoothing import Spacing, settled, smooth_offsets, with_more_points
from venoseg.volume import FloatArray, Grid, Volume

# A profile is followed inwards over this share of the lumen's radius.
DEEPEST = 1.2

# How far to either side of the outline the edge is sought.
REACH_MM = 3.2

# Steps of the fit while the contour is brought nearer.
_NEARING_ROUNDS = 2

# A turn that moved the contour by more than the first of these (root of the mean square), fully
# beyond the second, leaves a share of the way, at most so much; it is told over this much along
# the vein.
_FAR_MM, _MOST_LEFT, _MORE_MM = (0.3, 0.6), 0.6, 2.0

# With this share of the rays facing fat, it is they that tell the blur: beside other tissue thin
# layers of fat deceive.
_LEAST_FAT = 0.1

# Blur is told from sections whose radius is at least this many times as long.
_RESOLVED_RADIUS = 3.4


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the last turn found at n stations of m rays.

    Attributes
    ----------
    turn
        What it saw.
    levels
        On either side of the wall.
    mean_mm
        (n, m) offsets of the edge, smoothed over the wall.
    width_mm
        (n, m) blur along the rays.
    model
        What an edge looks like in the image.
    depths_mm
        Places along the rays.
    """

    turn: Turn
    levels: Levels
    mean_mm: FloatArray
    width_mm: FloatArray
    model: EdgeModel
    depths_mm: FloatArray


def search_edge(
    volume: Volume,
    curve: Curve,
    start_mm: FloatArray,
    grain: Grain,
    known: EdgeModel | None,
    before: Search,
    again: slice,
) -> tuple[Found, Search]:
    """Find the edge at n stations.

    Parameters
    ----------
    volume
        The image.
    curve
        The stations.
    start_mm
        (n, m, 2) contours near the edge.
    grain
        Of the noise.
    known
        What an edge looks like, if it is known; otherwise it is told from the wall.
    before, again
        An earlier search at the same stations, and those at which to look: what there is to see at
        the others is taken from the earlier one.
    """
    grid = volume.grid
    model, draws = EdgeModel(default_blur(grid, volume.source.slice_thickness_mm)), grain.on(grid)
    depths = depths_mm(REACH_MM)
    contours = settled(start_mm, curve, grid)[:, ::NEARING_STRIDE]
    first: Turn | None = None
    turns: list[Turn] = []
    moves: list[FloatArray] = []
    for number, old in enumerate(before.turns):
        last = number == NEARING_TURNS
        look = _Look(volume, curve, depths, model, draws, FIT_ROUNDS if last else _NEARING_ROUNDS)
        found, profiles = look.at(contours, old, again, first)
        turns.append(found.turn)
        first = first or found.turn
        if last:
            found.turn.lopsided_mm[again] = _lopsided_mm(found, profiles, again, grid)
            break
        moves.append(found.mean_mm)
        onward = found.mean_mm * _more(moves, curve)[:, None]
        further = with_whole_tips(found.turn.moved_mm, found.levels, volume, curve)
        further += outward_normals(found.turn.contours_mm) * onward[..., None]
        contours = settled(further, curve, grid)
        if number == NEARING_TURNS - 1:
            contours = with_more_points(contours, NEARING_STRIDE)
            model = known or _model_of(found, profiles, curve, grid)
    return replace(found, model=model), Search(tuple(turns))


def _lopsided_mm(found: Found, profiles: Profiles, again: slice, grid: Grid) -> FloatArray:
    """Return how lopsided rises are on every so many rays of some stations."""
    rays = slice(None, None, LOPSIDED_STRIDE)
    return lopsided_mm(
        Profiles(profiles.depths_mm, profiles.values[:, rays]),
        found.levels.inside[again, rays],
        found.levels.outside[again, rays],
        found.levels.rising[again, rays],
        found.turn.offsets_mm[again, rays],
        found.width_mm[again, rays],
        grid.slice_and_pixel_mm[1],
    )


def _more(moves_mm: list[FloatArray], curve: Curve) -> FloatArray:
    """Return (n,) by which share farther than the last of (n, m) moves the edge lies.

    Labels far too small or too large hide from some rays where the lumen ends, and a turn brings
    the contour only part of the way. When every turn leaves the same share, the way that is left is
    a geometric series.
    """
    if len(moves_mm) < 2:
        return np.zeros(len(moves_mm[0]))
    before, last = moves_mm[-2:]
    station_mm = curve.step_mm
    alike, length = (
        average_along(product.mean(axis=1), _MORE_MM / station_mm)
        for product in (before * last, before**2)
    )
    left = np.clip(alike / np.maximum(length, 1e-6), 0.0, _MOST_LEFT)
    low, high = _FAR_MM
    far = np.clip((np.sqrt(length) - low) / (high - low), 0.0, 1.0)
    more: FloatArray = far * left / (1.0 - left)
    return more


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """How a turn looks at n stations: at which depths, for which edge, with how many steps.

    ``draws`` is how much of the image shares one draw of the noise.
    """

    volume: Volume
    curve: Curve
    depths_mm: FloatArray
    model: EdgeModel
    draws: NoiseDraws
    rounds: int

    def at(
        self, contours: FloatArray, before: Turn, again: slice, first: Turn | None
    ) -> tuple[Found, Profiles]:
        """Look across contours at some stations, and put it together with what is known of others.

        Returns
        -------
        tuple
            What was found at all stations, and the profiles of those looked at. Where metal or a
            bright shell hides the edge the first turn tells: an edge drawn to it has it inside.
        """
        grid, curve = self.volume.grid, self.curve
        turn = before.copied()
        turn.contours_mm[again] = contours[again]
        contours = turn.contours_mm
        normals = outward_normals(contours)
        radius = inner_radii_mm(contours)
        profiles = self._followed(turn, normals, radius, again, first)
        sight = Sight(*(getattr(turn, name) for name in Sight.__slots__))
        levels = levels_beside(sight, radius, curve, contours, self.depths_mm, self.draws)
        if first is None:
            inside, noise = medians(levels.inside[again]), levels.noise[again]
            bright = bright_share(profiles, inside, noise)
            turn.bright[again] = np.maximum(bright, turn.shell[again].mean(axis=1))
        metal = hidden_by_metal((first or turn).bright)
        width = self.model.blur.along(to_lps(normals, curve), grid)
        offsets = matched_offsets(
            profiles,
            levels.inside[again],
            levels.outside[again],
            width[again],
            DEEPEST * radius[again],
            self.rounds,
        )
        usable = levels.contrast[again] & (np.abs(offsets) < self.depths_mm[-1] - 2.0 * SAMPLE_MM)
        # The edge of metal says nothing about that of the blood beyond its end.
        usable &= ~metal[again, None]
        turn.offsets_mm[again] = np.where(usable, offsets, 0.0)
        turn.usable[again] = usable
        mean = smooth_offsets(turn.offsets_mm, turn.usable, curve, contours, grid)
        turn.moved_mm[again] = (contours + normals * mean[..., None])[again]
        found = Found(turn, levels, mean, width, self.model, self.depths_mm)
        return found, profiles

    def _followed(
        self,
        turn: Turn,
        normals: FloatArray,
        radius_mm: FloatArray,
        again: slice,
        first: Turn | None,
    ) -> Profiles:
        """Follow the rays of some stations, and put into the turn what each sees by itself.

        A shell is told in the first turn, from outlines that it has not drawn outwards yet.
        """
        curve, contours = self.curve.part(again), turn.contours_mm[again]
        places, spacing = (curve, contours, normals[again]), Spacing.of(curve, contours)
        profiles = sample_profiles(self.volume.voxels, self.volume.grid, *places, self.depths_mm)
        seen = seen_rays(self.volume, *places, float(self.depths_mm[-1]))
        sight = look_beside(profiles, radius_mm[again], seen)
        if first is None:
            shell = shell_rays(profiles, sight, radius_mm[again], spacing, self.draws)
        else:
            shell = np.repeat(first.shell[again], seen.shape[1] // first.shell.shape[1], axis=1)
        seen &= ~covered_rays(profiles, sight, spacing)
        sight = replace(sight, seen=seen, shell=shell)
        for name in Sight.__slots__:
            getattr(turn, name)[again] = getattr(sight, name)
        return profiles


def depths_mm(reach_mm: float) -> FloatArray:
    """Return places along a ray from so far inside to so far outside."""
    count = round(reach_mm / SAMPLE_MM)
    return np.linspace(-count, count, 2 * count + 1) * SAMPLE_MM


def _model_of(found: Found, profiles: Profiles, curve: Curve, grid: Grid) -> EdgeModel:
    """Tell what an edge looks like from the rays that meet either plain tissue or fat."""
    expected, contours = found.model.blur, found.turn.contours_mm
    inside, outside = found.levels.inside, found.levels.outside
    radius_mm = inner_radii_mm(contours)
    share = outer_share(inside, outside)
    # Across a narrow lumen the image rises to no level that would tell the width of the rise.
    wide = (radius_mm >= _RESOLVED_RADIUS * expected.in_plane_mm)[:, None]
    if not wide.any():
        diameter_mm = 2.0 * float(np.median(radius_mm))
        guess = split_blur(expected, expected, 0.0, diameter_mm, told=False)
        return replace(guess, blur_told=False)
    usable = found.turn.usable & wide
    fat = usable & (share >= FACES_FAT)
    told = bool(fat.sum() >= _LEAST_FAT * usable.sum())
    if not told and faces_one_thing(share[usable]):
        fat, told = usable, True
    chosen = fat if told else usable & (share < FACES_TISSUE)
    contrast = np.maximum(inside - outside, 1.0)[..., None]
    height = (profiles.values - outside[..., None]) / contrast
    normals = to_lps(outward_normals(contours), curve)
    lean = (normals @ grid.directions[:, grid.through_axis]) ** 2
    apparent = estimate_blur(profiles, height, found.mean_mm, lean, chosen, radius_mm, expected)
    typical = float(share[chosen].mean()) if chosen.any() else 0.0
    return split_blur(apparent, expected, typical, 2.0 * float(np.median(radius_mm)), told)
