"""Which stretches of an iliac vein are told from the artery beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.trust.judging import Judged, doubted
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.wall import Tube
from venoseg.volume import BoolArray, FloatArray

DARKER_HU = 40.0
"""So much darker than arteries a vein is told from them by its grey value alone."""

# So near a vein runs to the artery, and so far an artery or a seed tells of a vein. Where the veins
# come together they lie farther from the arteries, most of all beside the division of the aorta.
_NEAR_MM, _AT_END_MM = 20.0, 25.0
_FARTHER_MM, _TOGETHER_MM = 15.0, 60.0
# Two stretches of an artery whose ends lie so near to each other are one.
_JOINED_MM = 6.0
# The width of a vein.
_BRIDGED_MM = 10.0
# Where a vein seems to leave the straight way between the places so far before and after by more
# than the second, and the artery's track runs in that way, the two have changed places: behind them
# runs the internal iliac artery, as bright as both. Veins bend around arteries by half of that.
_BESIDE_MM, _LEAVES_MM, _ARTERY_MM = 25.0, 12.0, 5.0
# Where less than this share of a vein is told from the artery, what is left is no vein to measure.
_LEAST_TOLD = 0.5


def told_apart(found: Sequence[Judged], tubes: Sequence[Tube], scene: Scene) -> list[Judged]:
    """Leave out stations of iliac veins that nothing tells from an artery.

    An artery runs beside every iliac vein. Where one was followed there, the vein is the other
    vessel; where none was, blood as bright as that of arteries may be either, but near a point that
    somebody set in the vein. Where no aorta was found although it should be in view nothing is
    known of arteries, and all is left as it is.
    """
    if scene.artery_hu is None and not scene.aorta_out_of_view:
        return list(found)
    return [
        one if one.stretch.vessel == "ivc" else _told(one, tubes[one.stretch.tube], scene)
        for one in found
    ]


def _told(one: Judged, tube: Tube, scene: Scene) -> Judged:
    points = tube.course.points_lps_mm
    told = beside_artery(points, scene, _near_mm(points, scene)) & ~_where_lost(points, scene)
    exchanged = where_exchanged(points, tube.course.step_mm, scene.tracked)
    told &= ~exchanged
    if scene.artery_hu is not None:
        told |= tube.level_hu < scene.artery_hu - DARKER_HU
    size = max(1, round(_NEAR_MM / tube.course.step_mm))
    told = ndimage.binary_opening(np.pad(told, size, mode="edge"), np.ones(size))
    # Between two places where it is told, a vein and an artery do not change places in less.
    gap = np.ones(round(_BRIDGED_MM / tube.course.step_mm) + 1)
    told = ndimage.binary_closing(told, gap)[size:-size]
    told |= _said(points, scene)
    open_stations = one.open_stations
    why = "the aorta is not in view" if scene.aorta_out_of_view else "no artery was followed"
    reasons = (
        (~exchanged, f"where {why} to tell it from the artery beside it"),
        (
            exchanged,
            "where the artery seems to run in its way and it may be the internal iliac artery",
        ),
    )
    doubts = []
    for among, words in reasons:
        untold = open_stations & ~told & among
        if untold.any():
            share = float(untold.sum()) / float(open_stations.sum())
            where = heights(points, untold)
            full = f"not drawn along {100 * share:.0f} %{where}, {words}: set waypoints there"
            doubts.append((1.0 - share, full))
    if not doubts:
        return one
    rest = open_stations & told
    merged = one.merged or int(rest.sum()) < _LEAST_TOLD * int(open_stations.sum())
    return doubted(replace(one, open_stations=rest, merged=merged), doubts)


def _near_mm(points: FloatArray, scene: Scene) -> FloatArray:
    """Return (n,) how near a vein runs to its artery at (n, 3) points."""
    near = np.full(len(points), _NEAR_MM)
    if scene.division_lps_mm is not None:
        down = np.abs(points[:, 2] - scene.division_lps_mm[2])
        near += _FARTHER_MM * np.clip(1.0 - down / _TOGETHER_MM, 0.0, 1.0)
    return near


def _where_lost(points: FloatArray, scene: Scene) -> BoolArray:
    """Tell which of (n, 3) points lie where the track of an artery begins or ends.

    It is lost where the artery turns across the slices, around the vein perhaps; but where its next
    stretch begins its way through blood was found.
    """
    bottom = float(scene.picture.grid.to_lps([0, 0, 0])[2])
    lost = np.zeros(len(points), dtype=bool)
    ends = [end for artery in scene.tracked for end in artery.points_lps_mm[[0, -1]]]
    for number, end in enumerate(ends):
        # Ends come in pairs, one pair a stretch.
        others = [other for n, other in enumerate(ends) if n // 2 != number // 2]
        known = end[2] - bottom < _AT_END_MM
        known |= any(np.linalg.norm(end - other) < _JOINED_MM for other in others)
        if scene.division_lps_mm is not None:
            known |= float(np.linalg.norm(end - scene.division_lps_mm)) < _AT_END_MM
        if not known:
            lost |= np.linalg.norm(points - end, axis=1) < _NEAR_MM
    return lost


def where_exchanged(points: FloatArray, step_mm: float, arteries: Sequence[Artery]) -> BoolArray:
    """Tell where a vein's course and an artery's track seem to have changed places.

    Parameters
    ----------
    points
        (n, 3) the course, every ``step_mm``.
    arteries
        Those that were followed.

    Returns
    -------
    BoolArray
        (n,) True there, and as far around as an artery tells of a vein.
    """
    if not arteries:
        return np.zeros(len(points), dtype=bool)
    reach, last = round(_BESIDE_MM / step_mm), len(points) - 1
    where = np.arange(len(points))
    before, after = points[np.maximum(where - reach, 0)], points[np.minimum(where + reach, last)]
    along = after - before
    square = np.maximum(np.sum(along**2, axis=1), 1e-6)
    share = np.clip(np.sum((points - before) * along, axis=1) / square, 0.0, 1.0)
    straight = before + share[:, None] * along
    tracks = cKDTree(np.concatenate([artery.points_lps_mm for artery in arteries]))
    leaves = np.linalg.norm(points - straight, axis=1) > _LEAVES_MM
    in_the_way, beside = tracks.query(straight)[0], tracks.query(points)[0]
    exchanged = leaves & (in_the_way < _ARTERY_MM) & (beside > in_the_way)
    around: BoolArray = ndimage.maximum_filter1d(exchanged, 2 * round(_NEAR_MM / step_mm) + 1)
    return around


def artery_unknown(tube: Tube, scene: Scene) -> BoolArray:
    """Tell at which stations of a vein its artery was lost, or the artery's track runs in the vein.

    Where it lies is not known there: it may be drawn as a part of the vein, or a part of the vein
    be missed for it. Not where the grey value of the blood or somebody's word tells the vein, nor
    where no iliac artery was followed at all.
    """
    points = tube.course.points_lps_mm
    if not scene.tracked or scene.artery_hu is None:
        return np.zeros(len(points), dtype=bool)
    unknown = ~beside_artery(points, scene, _near_mm(points, scene)) | _beside_stray(points, scene)
    unknown &= tube.level_hu >= scene.artery_hu - DARKER_HU
    return unknown & ~_said(points, scene)


def _beside_stray(points: FloatArray, scene: Scene) -> BoolArray:
    """Tell beside which of (n, 3) points what is nearest of all tracks of arteries is no artery."""
    tracks = np.concatenate([artery.points_lps_mm for artery in scene.tracked])
    strays = np.concatenate([artery.strays for artery in scene.tracked])
    away, nearest = cKDTree(tracks).query(points)
    stray: BoolArray = strays[nearest] & (away < _NEAR_MM)
    return stray


def _said(points: FloatArray, scene: Scene) -> BoolArray:
    """Tell which of (n, 3) points lie near one that somebody set in an iliac vein."""
    said = np.zeros(len(points), dtype=bool)
    for point in scene.said_lps_mm:
        said |= np.linalg.norm(points - point, axis=1) < _NEAR_MM
    return said


def beside_artery(points: FloatArray, scene: Scene, near_mm: FloatArray | float) -> BoolArray:
    """Tell where a vein runs beside an artery that was followed, nearer than a distance."""
    arteries = [artery.points_lps_mm for artery in scene.tracked]
    if len(scene.aorta_lps_mm):
        arteries.append(scene.aorta_lps_mm)
    beside = np.zeros(len(points), dtype=bool)
    for artery in arteries:
        away = np.linalg.norm(points[:, None] - artery[None], axis=2).min(axis=1)
        beside |= away < near_mm
    return beside
