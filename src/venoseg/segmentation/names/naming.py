"""Labels of veins divided at the levels where the veins change their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.model import (
    LEAST_CONFIDENCE,
    LabelArray,
    Level,
    OccludedCourse,
    Segmentation,
    VesselConfidence,
)
from venoseg.segmentation.names.labelled import Veins, side_names
from venoseg.segmentation.names.levels import groins_of, levels_of
from venoseg.segmentation.together import each
from venoseg.segmentation.working import box_around
from venoseg.volume import FloatArray, Volume

# A common femoral vein is about so long; below it lies the femoral vein of the thigh.
_FEMORAL_MM = 50.0
_SIDES = "left", "right"


def named(volume: Volume, segmentation: Segmentation, scene: Scene) -> Segmentation:
    """Find the levels along the veins, and divide labels that reach across them.

    An iliac vein becomes the common and the external one at the mouth of the internal iliac vein,
    and what lies below the inguinal ligament the common femoral vein. Names that somebody gave stay
    as they are: a common iliac vein ends where it was said to end.

    Parameters
    ----------
    volume
        The CT.
    segmentation
        Labels on its grid or on a part of it, within the picture of the scene.
    scene
        Arteries and bones around them.
    """
    veins = _veins(segmentation, scene)
    levels = levels_of(volume, veins, scene)
    segmentation = replace(segmentation, levels=levels, labels=segmentation.labels.copy())
    sure = _sure(levels)
    courses = each(lambda side: veins.course(side_names(side)), _SIDES)
    for side, course in zip(_SIDES, courses, strict=True):
        segmentation = _divided(segmentation, veins, side, course, sure)
    return segmentation


def named_below(
    volume: Volume, segmentation: Segmentation, scene: Scene, before: LabelArray
) -> Segmentation:
    """Name what was added to labels below the inguinal ligaments, and end it with the groin.

    Parameters
    ----------
    volume
        The CT.
    segmentation
        Labels on its grid, within the picture of the scene.
    scene
        Arteries and bones around them.
    before
        The labels to which something was added; what lies in them is not taken away.
    """
    veins = _veins(segmentation, scene)
    levels = groins_of(volume, veins, scene)
    known = {one.name for one in levels}
    others = tuple(one for one in segmentation.levels if one.name not in known)
    segmentation = replace(segmentation, levels=(*others, *levels))
    for side in _SIDES:
        course = veins.course(side_names(side))
        groin = _place(course, _sure(levels).get(f"{side}_inguinal_ligament"))
        if groin is None:
            continue
        low_mm = float(course[groin, 2]) - _FEMORAL_MM
        own = np.isin(
            veins.vessel, [veins.names.index(n) for n in side_names(side) if n in veins.names]
        )
        at = veins.index[own & (veins.points_lps_mm[:, 2] < low_mm)]
        added = at[before[tuple(at.T)] == 0]
        labels = segmentation.labels.copy()
        labels[tuple(added.T)] = 0
        segmentation = replace(segmentation, labels=labels)
        veins = _veins(segmentation, scene)
        _, whole, external, femoral = side_names(side)
        for vessel in (whole, external):
            parts = [(0, vessel), (groin, femoral)]
            segmentation = _parted(segmentation, veins, course, vessel, parts)
    return segmentation


def _veins(segmentation: Segmentation, scene: Scene) -> Veins:
    """Take the labels that lie in the picture of a scene."""
    grid = scene.picture.grid
    corners = grid.to_lps(np.array([(0, 0, 0), np.array(grid.shape) - 1]))
    return Veins.of(
        segmentation, box_around(segmentation.grid, corners, float(grid.spacing_mm.max()))
    )


def _sure(levels: Sequence[Level]) -> Mapping[str, Level]:
    return {one.name: one for one in levels if one.confidence >= LEAST_CONFIDENCE}


def _divided(
    segmentation: Segmentation,
    veins: Veins,
    side: str,
    course: FloatArray,
    sure: Mapping[str, Level],
) -> Segmentation:
    """Divide the veins of a side, which run along a course, at its levels."""
    common, whole, external, femoral = side_names(side)
    junction = _place(course, sure.get(f"{side}_internal_iliac_junction"))
    groin = _place(course, sure.get(f"{side}_inguinal_ligament"))
    cuts = {whole: [(0, whole if junction is None else common)], external: [(0, external)]}
    if junction is not None:
        cuts[whole].append((junction, external))
    if groin is not None:
        cuts[whole].append((groin, femoral))
        cuts[external].append((groin, femoral))
    for vessel, parts in cuts.items():
        if len(parts) > 1:
            segmentation = _parted(segmentation, veins, course, vessel, parts)
    return segmentation


def _place(course: FloatArray, level: Level | None) -> int | None:
    """Return the point of a course at a level."""
    if level is None or level.lps_mm is None or len(course) == 0:
        return None
    return int(np.argmin(np.linalg.norm(course - np.array(level.lps_mm), axis=1)))


def _parted(
    segmentation: Segmentation,
    veins: Veins,
    course: FloatArray,
    vessel: str,
    parts: list[tuple[int, str]],
) -> Segmentation:
    """Give the parts of a vein their names: (first point of the course, name) from its begin on.

    The labels change in place.
    """
    shut = any(one.vessel == vessel for one in segmentation.occluded)
    if vessel not in veins.names and not shut:
        return segmentation
    tree = cKDTree(course)
    own = veins.own([vessel])
    part = _part_of(tree, veins.points_lps_mm[own], parts)
    names = dict(segmentation.names)
    held = [name for n, (_, name) in enumerate(parts) if (part == n).any()]
    values = np.array([_value(names, name, held) for _, name in parts], dtype=np.uint8)
    segmentation.labels[tuple(veins.index[own].T)] = values[part]
    if vessel not in held:
        names = {value: name for value, name in names.items() if name != vessel}
    occluded: list[OccludedCourse] = []
    for one in segmentation.occluded:
        occluded += _parted_course(one, tree, parts) if one.vessel == vessel else [one]
    lives = {*held, *(one.vessel for one in occluded)}
    kept = [name for _, name in parts if name in lives]
    confidence = _confidences(segmentation.confidence, vessel, kept)
    return replace(
        segmentation,
        names=names,
        occluded=tuple(occluded),
        confidence=confidence,
    )


def _part_of(
    tree: cKDTree, points: FloatArray, parts: list[tuple[int, str]]
) -> npt.NDArray[np.intp]:
    """Return which part of a course each of (n, 3) points lies beside."""
    if len(points) == 0:
        return np.empty(0, dtype=np.intp)
    _, nearest = tree.query(points, workers=-1)
    part: npt.NDArray[np.intp] = np.searchsorted([at for at, _ in parts], nearest, "right") - 1
    return part


def _value(names: dict[int, str], vessel: str, held: list[str]) -> int:
    """Return the label of a vein, a new one where it has none yet and needs one."""
    known = next((value for value, name in names.items() if name == vessel), None)
    if known is None and vessel in held:
        known = max([*names, 0]) + 1
        names[known] = vessel
    return known or 0


def _parted_course(
    one: OccludedCourse, tree: cKDTree, parts: list[tuple[int, str]]
) -> list[OccludedCourse]:
    part = _part_of(tree, one.points_lps_mm, parts)
    return [
        replace(one, vessel=name, points_lps_mm=one.points_lps_mm[part == n])
        for n, (_, name) in enumerate(parts)
        if (part == n).sum() > 1
    ]


def _confidences(
    known: tuple[VesselConfidence, ...], vessel: str, parts: list[str]
) -> tuple[VesselConfidence, ...]:
    """Let all parts of a vein be as sure as the whole was."""
    told = {one.vessel for one in known if one.vessel != vessel}
    out: list[VesselConfidence] = []
    for one in known:
        new = [name for name in parts if name not in told] if one.vessel == vessel else []
        out += [replace(one, vessel=name) for name in new] or [one]
    return tuple(out)
