"""From a few seed points to the lumen of the veins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError, MeasurementError
from venoseg.segmentation.blood import brightest_hu
from venoseg.segmentation.cava.bordered import left_out
from venoseg.segmentation.cava.completing import completed
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.context.seeing import scene_of, seen_around
from venoseg.segmentation.courses.divide import Stretch, confluence_of, stretches_of
from venoseg.segmentation.courses.early import without_unmixed
from venoseg.segmentation.courses.plan import (
    Chain,
    chains_of,
    with_second_cava,
    with_vein,
    with_waypoints,
)
from venoseg.segmentation.courses.ways import from_cava, iliac_below_mm, ways_of, without_the_same
from venoseg.segmentation.doubts import with_doubts, withheld
from venoseg.segmentation.model import (
    OccludedCourse,
    Origin,
    Segmentation,
)
from venoseg.segmentation.names.naming import named
from venoseg.segmentation.painting import (
    arteries_erased,
    on_grid,
    painted,
    without_arteries,
    without_deeper,
)
from venoseg.segmentation.seeds import Seed
from venoseg.segmentation.together import both, each
from venoseg.segmentation.trust.judging import Judged, judged, with_doubt
from venoseg.segmentation.trust.marrow import out_of_bones
from venoseg.segmentation.trust.parting import without_touching
from venoseg.segmentation.trust.telling import told_apart
from venoseg.segmentation.trust.unsure import less_sure
from venoseg.segmentation.tubes.following import prolonged, tube_along
from venoseg.segmentation.tubes.streams import Streams
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.balls import Depths
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.segmentation.working import Box, box_around, smoothed
from venoseg.volume import FloatArray, Grid, Volume

_ASIDE_MM = 45.0
_TUBE_ASIDE_MM = 30.0
# What lies farther from a tube than this does not touch it.
_BESIDE_MM = 10.0
_SMOOTH_MM = 0.6
# Iliac veins join at the crests or a little below; so sure can they be that seem to join elsewhere.
_LOW_CONFLUENCE_MM, _DOUBTFUL = 45.0, 0.4
# Above the end of the cava, as bones and aorta tell it, no iliac vein runs higher than this.
_HIGH_CONFLUENCE_MM = 60.0
_NOISE_CUBES = 60
# So far below the division of the aorta iliac veins have left the cava.
_LEFT_CAVA_MM = 45.0
# An artery, but for so much of its rim, is taken out of the image in which veins' walls are sought.
_ERASED = 0.4
# Where less than this share of the courses looks like a lumen, it is something else.
_LEAST_OPEN = 0.08


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
    seen, picture = seen_around(volume, box)
    scene = scene_of(seen, picture, points, seeds)
    cava, division = scene.cava_lps_mm, scene.division_lps_mm
    chains = [with_waypoints(chain, cava, division) for chain in chains]
    chains = with_second_cava(chains, scene.second_lps_mm, scene.end_of_cavae_mm)
    chains, unmixed = without_unmixed(chains, scene)
    found = followed(volume, scene, chains, "semiautomatic", list(points))
    found = replace(found, confidence=(*found.confidence, *unmixed))
    return on_grid(named(volume, found, scene), volume.grid)


def followed(
    volume: Volume,
    scene: Scene,
    chains: Sequence[Chain],
    origin: Origin,
    known_lps_mm: Sequence[FloatArray] = (),
    least: float = 0.0,
) -> Segmentation:
    """Follow chains through a scene; name, judge and paint what was found.

    ``known_lps_mm`` are places that lie in the veins for certain; points of chains need not. Iliac
    veins of which what is open is less sure than ``least`` get no label.

    The labels lie on the part of the volume's grid that holds the veins: `on_grid` places them.

    Raises
    ------
    MeasurementError
        When nothing along the way shows contrast, or nothing can be told from arteries.
    """
    chains = [_along_vein(scene, chain) for chain in chains]
    ways = [prolonged(way, volume.grid) for way in ways_of(scene, chains)]
    part = volume.crop(box_around(volume.grid, np.concatenate(ways), _TUBE_ASIDE_MM))
    # A vein that crosses before the aorta lies flat on it.
    trunk = () if scene.trunk is None else (scene.trunk.proved,)
    arteries = (*scene.iliac.all_arteries, *trunk)
    tracked = each(lambda artery: artery.depths(part.grid, 0.0), arteries)
    below_mm = iliac_below_mm(scene, chains, ways)
    streams = scene.streams(below_mm)
    tubes = _tubes_along(part, scene.picture, tracked, ways, known_lps_mm, below_mm, streams)
    joined = confluence_of(tubes) if len(tubes) == 2 and from_cava(chains) else None
    end_mm = scene.end_of_cavae_mm
    highest_mm = end_mm + _HIGH_CONFLUENCE_MM if np.isfinite(end_mm) else np.inf
    stretches: list[Stretch] = []
    for number, (chain, tube) in enumerate(zip(chains, tubes, strict=True)):
        stretches += stretches_of(number, chain, tube, joined, highest_mm)
    found = judged(stretches, tubes, scene.picture, scene.arteries, scene.artery_hu)
    if joined is not None and all(chain.cava_above_mm is None for chain in chains):
        low_mm = scene.crest_z_mm - tubes[0].course.points_lps_mm[joined[0], 2]
        if np.isfinite(low_mm) and low_mm > _LOW_CONFLUENCE_MM:
            words = (
                f"its courses join {low_mm:.0f} mm below the iliac crests, where veins seldom do"
            )
            found = with_doubt(found, _DOUBTFUL, words)
    wanted = sum(one.stretch.stop - one.stretch.start for one in found)
    if sum(int(one.open_stations.sum()) for one in found) < _LEAST_OPEN * wanted:
        raise MeasurementError(
            "the veins between the seed points show no contrast",
            remedy="use a series in a venous phase, or draw the labels",
        )
    found = told_apart(out_of_bones(found, tubes, scene), tubes, scene)
    names = list(dict.fromkeys(one.stretch.vessel for one in found))
    box = _box_of(part.grid, tubes)
    part, tracked = part.crop(box), each(lambda artery: artery.within(box), tracked)
    before, veins = _drawn(part.grid, found, tubes, names, tracked)
    veins = without_touching(veins, part, found, tubes, scene.known_arteries)
    if scene.perhaps_arteries is not None and scene.artery_hu is not None:
        perhaps, artery_hu = scene.perhaps_arteries, scene.artery_hu
        veins = without_arteries(veins, scene.picture, perhaps, artery_hu, names)
    doubted, ended = both(
        lambda: with_doubts(found, tubes, scene, names, before, veins),
        lambda: _cut_at_ends(veins, chains),
    )
    found, veins = withheld(doubted, tubes, ended, names, least)
    if len(veins.value) == 0:
        raise MeasurementError(
            "the veins between the seed points cannot be told from what lies beside them",
            remedy="set waypoints in the veins, or draw the labels",
        )
    found = less_sure(found, tubes, scene)
    return Segmentation(
        veins.labels,
        part.grid,
        dict(enumerate(names, start=1)),
        origin,
        occluded=_courses(found, tubes),
        confidence=tuple(one.confidence for one in found if one.first_of_vessel),
    )


def _tubes_along(
    part: Volume,
    picture: Picture,
    arteries: Sequence[Depths],
    ways: Sequence[FloatArray],
    known_lps_mm: Sequence[FloatArray],
    below_mm: float,
    streams: Streams | None,
) -> list[Tube]:
    """Find the wall around each way, of further ones around what the first does not go too."""
    noise_hu, bare = both(
        lambda: _noise_along(part, np.concatenate(ways)),
        lambda: arteries_erased(part, arteries, _ERASED),
    )

    def tube(way: FloatArray) -> Tube:
        found = tube_along(bare, way, noise_hu, below_mm, streams)
        border = None
        if streams is not None:
            border = left_out(found, picture, brightest_hu(streams.artery_hu))
        return completed(bare, found, known_lps_mm, below_mm, streams, border)

    return each(tube, without_the_same(ways))


def _drawn(
    grid: Grid,
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    names: Sequence[str],
    arteries: Sequence[Depths],
) -> tuple[npt.NDArray[np.int64], Drawn]:
    """Return how many voxels of each label lie in the tubes, and those not deeper in an artery."""
    veins, deepest = painted(grid, found, tubes, names)
    return veins.counts(len(names)), without_deeper(veins, deepest, arteries)


def _along_vein(scene: Scene, chain: Chain) -> Chain:
    """Let a chain pass what was followed of its iliac vein, where that has left the cava."""
    if chain.side is None or scene.division_lps_mm is None:
        return chain
    below_mm = float(scene.division_lps_mm[2]) - _LEFT_CAVA_MM
    return with_vein(chain, scene.iliac.vein(chain.side), below_mm)


def _cut_at_ends(veins: Drawn, chains: Sequence[Chain]) -> Drawn:
    """Take away what lies above the first or below the last point of every chain."""
    half = 0.5 * float(veins.grid.spacing_mm[veins.grid.axial_axis])
    x, _, z = veins.grid.to_lps(veins.index).T
    beyond = z > max(chain.points_lps_mm[0, 2] for chain in chains) + half
    lowest = np.array([chain.points_lps_mm[-1] for chain in chains])
    low = np.flatnonzero(z < lowest[:, 2].max() - half)
    nearest = np.abs(x[low, None] - lowest[:, 0]).argmin(axis=1)
    beyond[low] |= z[low] < lowest[nearest, 2] - half
    return veins.without(beyond)


def _box_of(grid: Grid, tubes: Sequence[Tube]) -> Box:
    """Return the box of a grid that holds some tubes with what touches them."""
    reach = [tube.radius_mm.max(axis=1, keepdims=True) for tube in tubes]
    points = [tube.course.points_lps_mm for tube in tubes]
    low = np.min([(p - r).min(axis=0) for p, r in zip(points, reach, strict=True)], axis=0)
    high = np.max([(p + r).max(axis=0) for p, r in zip(points, reach, strict=True)], axis=0)
    return box_around(grid, np.stack([low, high]), _BESIDE_MM)


def _noise_along(part: Volume, way: FloatArray) -> float:
    """Return the noise of an image along a way once it is evened."""
    sigma = _SMOOTH_MM / part.grid.spacing_mm
    index = np.rint(part.grid.to_index(way[:: max(1, len(way) // _NOISE_CUBES)])).astype(int)
    top = np.array(part.grid.shape) - 4
    index = np.clip(index, 3, np.maximum(top, 3))
    spread = []
    for k, j, i in index:
        cube = part.voxels[k - 3 : k + 4, j - 3 : j + 4, i - 3 : i + 4]
        spread.append(smoothed(cube, sigma)[2:5, 2:5, 2:5].std())
    return float(np.median(spread))


def _courses(found: Sequence[Judged], tubes: Sequence[Tube]) -> tuple[OccludedCourse, ...]:
    courses = []
    for one in found:
        points = tubes[one.stretch.tube].course.points_lps_mm
        courses += [
            OccludedCourse(one.stretch.vessel, points[start:stop], "image")
            for start, stop in one.closed
        ]
    return tuple(courses)
