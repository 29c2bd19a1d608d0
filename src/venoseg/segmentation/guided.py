"""From a few seed points to the lumen of the veins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from venoseg.errors import InputError, MeasurementError
from venoseg.segmentation.cava import sure_cava, sure_of
from venoseg.segmentation.divide import Stretch, confluence_of, stretches_of
from venoseg.segmentation.domains import (
    POSSIBLE_LEAD_MM,
    SURE_LEAD_MM,
    Picture,
    arteries_in,
    bones_in,
    lead_of_arteries,
    picture_of,
)
from venoseg.segmentation.following import (
    cost_of,
    cost_of_brightness,
    level_at,
    prolonged,
    tube_along,
    way_through,
)
from venoseg.segmentation.judging import Judged, judged, with_doubt
from venoseg.segmentation.landmarks import Landmarks, find_landmarks
from venoseg.segmentation.model import (
    LabelArray,
    OccludedCourse,
    Origin,
    Segmentation,
)
from venoseg.segmentation.painting import held_by, painted, without_arteries
from venoseg.segmentation.plan import Chain, chains_of, with_waypoints
from venoseg.segmentation.seeds import Seed
from venoseg.segmentation.wall import Tube
from venoseg.segmentation.working import Box, box_around, pooled, smoothed
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_ASIDE_MM = 45.0
_TUBE_ASIDE_MM = 30.0
_SMOOTH_MM = 0.6
_BEHIND_MM = 4.0
_IN_BODY_MM = 10.0, 15.0
_UNENHANCED_HU = 65.0
# Iliac veins join at the crests or a little below; so sure can they be that seem to join elsewhere.
_LOW_CONFLUENCE_MM, _DOUBTFUL = 45.0, 0.4
_TOGETHER_MM = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the guided step works on.

    Attributes
    ----------
    picture
        The coarse picture of the box around the seeds.
    arteries
        Where arteries are in it; None when no aorta was found.
    behind
        Bones and, when an aorta was found, what lies behind the front of the lumbar spine, where
        collaterals run and these veins never do.
    cava_lps_mm
        (n, 3) points that lie in the cava for certain, from the head down.
    perhaps_arteries
        Where arteries may be: blood as bright as theirs is not taken for a vein there.
    artery_hu
        Grey value of blood in the aorta; None when no aorta was found.
    arteries_by_wall
        Where arteries are if the walls that show are believed, and may be otherwise.
    crest_z_mm
        Height of the iliac crests; minus infinity where they are not in view.
    """

    picture: Picture
    arteries: BoolArray | None = None
    behind: BoolArray | None = None
    cava_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    perhaps_arteries: BoolArray | None = None
    artery_hu: float | None = None
    arteries_by_wall: BoolArray | None = None
    crest_z_mm: float = -np.inf


def guided(volume: Volume, seeds: Sequence[Seed]) -> Segmentation:
    """Segment the veins between seed points.

    Parameters
    ----------
    volume
        A contrast CT in Hounsfield units.
    seeds
        A central end (of the cava, or of an iliac vein where the cava is not in view) and a
        peripheral end on each side that is wanted; waypoints where the way is doubtful.

    Returns
    -------
    Segmentation
        Lumen on the grid of the volume. A stretch without contrast carries no label and is in
        ``occluded``; ``confidence`` says of each vein how sure it is and what raised doubt.

    Raises
    ------
    InputError
        When a seed lies outside the image, in air, in an artery, or left and right are swapped.
    NeedsSeedsError
        When an end is missing.
    MeasurementError
        When nothing along the way shows contrast.
    """
    if volume.unit != "HU":
        raise InputError("the image is not in Hounsfield units, so blood cannot be told in it")
    chains = chains_of(seeds, volume)
    points = np.concatenate([chain.points_lps_mm for chain in chains])
    box = box_around(volume.grid, points, _ASIDE_MM)
    picture = picture_of(volume, box)
    scene = _scene(volume, box, picture, points, seeds)
    chains = [with_waypoints(chain, scene.cava_lps_mm) for chain in chains]
    return followed(volume, scene, chains, "semiautomatic")


def followed(volume: Volume, scene: Scene, chains: Sequence[Chain], origin: Origin) -> Segmentation:
    """Follow chains through a scene; name, judge and paint what was found.

    Raises
    ------
    MeasurementError
        When nothing along the way shows contrast.
    """
    ways = [_way(scene, chain) for chain in chains]
    ways = [prolonged(way, volume.grid) for way in ways]
    part, noise = _fine(volume, np.concatenate(ways))
    below_mm = _iliac_below_mm(chains, ways)
    tubes = [tube_along(part, way, noise, below_mm) for way in ways]
    joined = confluence_of(tubes) if len(tubes) == 2 and _from_cava(chains) else None
    stretches: list[Stretch] = []
    for number, (chain, tube) in enumerate(zip(chains, tubes, strict=True)):
        stretches += stretches_of(number, chain, tube, joined)
    found = judged(stretches, tubes, scene.picture, scene.arteries)
    if joined is not None:
        low_mm = scene.crest_z_mm - tubes[0].course.points_lps_mm[joined[0], 2]
        if np.isfinite(low_mm) and low_mm > _LOW_CONFLUENCE_MM:
            words = (
                f"its courses join {low_mm:.0f} mm below the iliac crests, where veins seldom do"
            )
            found = with_doubt(found, _DOUBTFUL, words)
    if not any(one.open_stations.any() for one in found):
        raise MeasurementError(
            "the veins between the seed points show no contrast",
            remedy="use a series in a venous phase, or draw the labels",
        )
    names = list(dict.fromkeys(one.stretch.vessel for one in found))
    labels = painted(volume.grid, found, tubes, names)
    if scene.perhaps_arteries is not None and scene.artery_hu is not None:
        without_arteries(
            labels, volume.grid, scene.picture, scene.perhaps_arteries, scene.artery_hu
        )
    _cut_at_ends(labels, volume.grid, chains)
    return Segmentation(
        labels,
        volume.grid,
        dict(enumerate(names, start=1)),
        origin,
        occluded=_courses(found, tubes),
        confidence=tuple(one.confidence for one in found if one.first_of_vessel),
    )


def _cut_at_ends(labels: LabelArray, grid: Grid, chains: Sequence[Chain]) -> None:
    """Take away what lies above the first or below the last point of every chain, in place."""
    half = 0.5 * float(grid.spacing_mm[grid.axial_axis])
    held = held_by(labels > 0)
    x, _, z = grid.to_lps(held).T
    beyond = z > max(chain.points_lps_mm[0, 2] for chain in chains) + half
    lowest = [chain.points_lps_mm[-1] for chain in chains]
    nearest = np.argmin([np.abs(x - end[0]) for end in lowest], axis=0)
    beyond |= z < np.array([end[2] for end in lowest])[nearest] - half
    labels[tuple(held[beyond].T)] = 0


def _from_cava(chains: Sequence[Chain]) -> bool:
    start = chains[0].points_lps_mm[0]
    return all(np.allclose(chain.points_lps_mm[0], start) for chain in chains)


def _iliac_below_mm(chains: Sequence[Chain], ways: Sequence[FloatArray]) -> float:
    """Return the height below which ways run in iliac veins, which arteries touch."""
    if all(chain.side is None for chain in chains):
        return -np.inf
    if len(ways) < 2 or not _from_cava(chains):
        return np.inf
    away, _ = cKDTree(ways[1]).query(ways[0])
    together = ways[0][away < _TOGETHER_MM]
    return float(together[:, 2].min()) + _TOGETHER_MM if len(together) else np.inf


def _way(scene: Scene, chain: Chain) -> FloatArray:
    picture = scene.picture
    points = chain.points_lps_mm
    z = picture.grid.to_lps(np.column_stack([np.arange(picture.grid.shape[0])] * 3))[:, 2]
    order = np.argsort(points[:, 2])
    levels = np.maximum(level_at(picture, points), _UNENHANCED_HU)
    level = np.interp(z, points[order, 2], levels[order])
    cost = cost_of(picture, level, scene.arteries, scene.behind)
    if scene.perhaps_arteries is not None and scene.artery_hu is not None:
        cost += cost_of_brightness(picture, level, scene.perhaps_arteries, scene.artery_hu)
    return way_through(picture, cost, points)


def _fine(volume: Volume, way: FloatArray) -> tuple[Volume, float]:
    """Return the part of the image around the ways, and its noise once it is evened."""
    part = volume.crop(box_around(volume.grid, way, _TUBE_ASIDE_MM))
    sigma = _SMOOTH_MM / part.grid.spacing_mm
    index = np.rint(part.grid.to_index(way[:: max(1, len(way) // 200)])).astype(int)
    top = np.array(part.grid.shape) - 4
    index = np.clip(index, 3, np.maximum(top, 3))
    spread = []
    for k, j, i in index:
        cube = part.voxels[k - 3 : k + 4, j - 3 : j + 4, i - 3 : i + 4]
        spread.append(smoothed(cube, sigma)[2:5, 2:5, 2:5].std())
    return part, float(np.median(spread))


def _scene(
    volume: Volume, box: Box, picture: Picture, points: FloatArray, seeds: Sequence[Seed]
) -> Scene:
    """Find what lies beside the wanted veins.

    Raises
    ------
    InputError
        When a seed lies in the aorta.
    """
    found = find_landmarks(*pooled(volume, _whole_slices(volume, box), 3.0))
    if found is None:
        return _without_aorta(picture, points)
    aorta = found.aorta
    trunk = _upper_part(np.flatnonzero(sure_of(aorta)))
    for seed in seeds if len(trunk) else ():
        gap = np.linalg.norm(aorta.points_lps_mm[trunk] - np.array(seed.lps_mm), axis=1)
        n = int(np.argmin(gap))
        if gap[n] < 0.6 * aorta.radius_mm[trunk[n]]:
            raise InputError(
                "the seed point lies in the aorta",
                where=f"{seed.vessel} {seed.role}",
                remedy="set it inside the vein; the cava lies right of the aorta in most people",
            )
    return surroundings(picture, found, points)


def _upper_part(sure: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the slices, from the feet up, in which a track has not left the aorta.

    Its lowest part may have left it for an iliac artery, a vein that crosses, or nothing.
    """
    return sure[-max(4, int(0.6 * len(sure))) :]


def surroundings(picture: Picture, found: Landmarks, veins_lps_mm: FloatArray) -> Scene:
    """Find arteries, and what lies behind the spine's front, from landmarks and points in veins."""
    aorta = found.aorta
    cava = sure_cava(found)
    cava = cava[picture.grid.contains(cava)]
    # Lower down the track may lie in an iliac artery; near the head it has proved to be the cava.
    proved = cava[: max(len(cava) - 2, 1)]
    known = np.concatenate([veins_lps_mm, proved])
    gap = np.linalg.norm(aorta.points_lps_mm[:, None] - known[None], axis=2).min(axis=1)
    sure = np.flatnonzero(sure_of(aorta) & (gap > 8.0))
    lowest_mm = float(aorta.points_lps_mm[sure, 2].min()) if len(sure) else np.inf
    sure = _upper_part(sure)
    sure = sure[picture.grid.contains(aorta.points_lps_mm[sure])]
    if len(sure) < 4:
        return _without_aorta(picture, veins_lps_mm)
    used = aorta.points_lps_mm[sure]
    upper = known[known[:, 2] >= used[:, 2].min()]
    if len(upper) == 0:
        return _without_aorta(picture, veins_lps_mm)
    level = float(np.median(aorta.level_hu[sure]))
    lower = veins_lps_mm[veins_lps_mm[:, 2] < used[:, 2].min()]
    lead = lead_of_arteries(picture, used, level, upper, lower)
    fainter = min(level, float(level_at(picture, known).min()))
    perhaps = lead > POSSIBLE_LEAD_MM
    by_wall = arteries_in(picture, used, known, fainter) & perhaps
    by_wall &= picture.mean_hu > level - max(40.0, 0.3 * (level - 40.0))
    arteries = by_wall & (lead > SURE_LEAD_MM)
    brightest = max(level, float(level_at(picture, known).max()))
    behind = _behind(picture.grid, found, lowest_mm) | bones_in(picture, brightest)
    crest = found.crest_z_mm
    return Scene(picture, arteries, behind, cava, perhaps, level, by_wall, crest)


def _without_aorta(picture: Picture, veins_lps_mm: FloatArray) -> Scene:
    """Find bones at least."""
    return Scene(picture, behind=bones_in(picture, float(level_at(picture, veins_lps_mm).max())))


def _behind(grid: Grid, found: Landmarks, lowest_mm: float) -> BoolArray:
    z = grid.to_lps(np.column_stack([np.arange(grid.shape[0])] * 3))[:, 2]
    y = grid.to_lps(np.column_stack([np.arange(grid.shape[1])] * 3))[:, 1]
    front = np.interp(z, found.aorta.points_lps_mm[:, 2], found.front_y_mm)
    mask = (y[None, :] > front[:, None] + _BEHIND_MM) & (z > lowest_mm)[:, None]
    # Farther down veins run beside the spine, behind its front, but never through its middle.
    x = grid.to_lps(np.column_stack([np.arange(grid.shape[2])] * 3))[:, 0]
    middle = np.interp(z, found.aorta.points_lps_mm[:, 2], found.middle_x_mm)
    body = (y[None, :] > front[:, None] + _IN_BODY_MM[0])[:, :, None]
    body = body & (np.abs(x[None, :] - middle[:, None]) < _IN_BODY_MM[1])[:, None, :]
    behind: BoolArray = mask[:, :, None] | body
    return behind


def _whole_slices(volume: Volume, box: Box) -> Box:
    """Widen a box across the body's axis: the spine is told by where it lies in the body."""
    k, j, i = (
        own if axis == volume.grid.axial_axis else slice(0, size)
        for axis, (own, size) in enumerate(zip(box, volume.grid.shape, strict=True))
    )
    return k, j, i


def _courses(found: Sequence[Judged], tubes: Sequence[Tube]) -> tuple[OccludedCourse, ...]:
    courses = []
    for one in found:
        points = tubes[one.stretch.tube].course.points_lps_mm
        courses += [
            OccludedCourse(one.stretch.vessel, points[start:stop], "image")
            for start, stop in one.closed
        ]
    return tuple(courses)
