"""Veins followed past where labels end, as far as the image shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from venoseg.errors import VenosegError
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.context.seeing import scene_of, seen_around
from venoseg.segmentation.courses.plan import ORDER, Chain
from venoseg.segmentation.courses.ways import cost_for
from venoseg.segmentation.guided import followed
from venoseg.segmentation.model import LEAST_CONFIDENCE, Segmentation, VesselConfidence
from venoseg.segmentation.names.naming import named, named_below
from venoseg.segmentation.painting import on_grid
from venoseg.segmentation.seeds import Seed
from venoseg.segmentation.tubes.curves import length_along
from venoseg.segmentation.tubes.following import level_at
from venoseg.segmentation.voxels.paths import cheapest_way, lowest_reached
from venoseg.segmentation.working import box_around, held_by
from venoseg.volume import BoolArray, FloatArray, Volume

# The tip of coarse labels lies anywhere in the vein; farther up its middle is known.
_TIP_MM, _START_MM = 6.0, 20.0
_KNOWN_MM, _ASIDE_MM = 15.0, 60.0
# Of less than this a coarse end may be the cause.
_LEAST_MM = 20.0
# What a millimetre down the body may cost in a vein that leans; walls cost ten times as much.
_DEAR, _LIKE_BLOOD_HU = 1.5, 35.0
# Where the whole way is not sure, so much of it may be.
_SHARES = (1.0, 0.65, 0.35)


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """The lowest vein of a side that has labels."""

    side: str
    vessel: str
    course_lps_mm: FloatArray


def extend(volume: Volume, segmentation: Segmentation) -> Segmentation:
    """Follow the iliac veins past the peripheral end of their labels.

    The end of the labels is a seed point of the guided step, which goes on to the groin or to the
    border of the image. What it finds is added as far as it hangs together with the labels: it
    stops where the image no longer shows the vein, and where nothing tells it from the artery.

    Parameters
    ----------
    volume
        A contrast CT in Hounsfield units.
    segmentation
        Labels on its grid, for example of a model, after `refine`.

    Returns
    -------
    Segmentation
        The same labels and more. Beyond a common iliac vein lies the external one, below the
        inguinal ligament the common femoral one, for 50 mm, where it ends; any other vein keeps its
        name. ``confidence`` says of each vein that was looked at how sure what was added
        is, or why nothing was; the flag is ``extended`` where something was added.
    """
    ends = ends_of(segmentation)
    if not ends or volume.unit != "HU":
        return segmentation
    try:
        scene = scene_around(volume, segmentation, ends)
    except VenosegError as error:
        return _not_extended(segmentation, ends, error.what)
    if scene.artery_hu is None:
        words = "no aorta was found, so that the vein cannot be told from the artery beside it"
        return _not_extended(segmentation, ends, words)
    before = segmentation.labels
    for end in ends:
        segmentation = _extended(volume, segmentation, scene, end)
    return named_below(volume, segmentation, scene, before)


def ends_of(segmentation: Segmentation) -> list[End]:
    """Return the lowest vein of each side, with the middle of its labels slice by slice."""
    ends = []
    for side in ("left", "right"):
        present = [f"{side}_{part}" for part in ORDER]
        present = [name for name in present if segmentation.mask(name).any()]
        if present:
            course = _middles(segmentation, segmentation.mask(present[-1]))
            ends.append(End(side, present[-1], course))
    return ends


def _middles(segmentation: Segmentation, mask: BoolArray) -> FloatArray:
    """Return (n, 3) the middle of a mask in each slice across the body, from the head down."""
    grid = segmentation.grid
    held = held_by(mask)
    _, slices = np.unique(held[:, grid.axial_axis], return_inverse=True)
    count = np.bincount(slices)
    middles = np.stack([np.bincount(slices, held[:, n]) / count for n in range(3)], axis=-1)
    points = grid.to_lps(middles)
    ordered: FloatArray = points[np.argsort(-points[:, 2])]
    return ordered


def _up_from(course: FloatArray, away_mm: float) -> FloatArray:
    """Return (3,) the point of a course nearest to a height above its lower end."""
    z = course[:, 2]
    point: FloatArray = course[int(np.argmin(np.abs(z - z.min() - away_mm)))]
    return point


def with_levels(volume: Volume, segmentation: Segmentation) -> Segmentation:
    """Name parts of veins that somebody else has drawn as one, such as a model's iliac veins.

    Parameters
    ----------
    volume
        A contrast CT in Hounsfield units.
    segmentation
        Labels on its grid.

    Returns
    -------
    Segmentation
        The same voxels; an iliac vein is divided into the common and the external one at the mouth
        of the internal one, the common femoral vein begins at the inguinal ligament, where these
        are found. ``levels`` tells of each, as of that of the renal veins, where it lies and how
        sure it is, or why it was not found.
    """
    ends = ends_of(segmentation)
    if not segmentation.labels.any() or volume.unit != "HU":
        return segmentation
    try:
        scene = scene_around(volume, segmentation, ends)
    except VenosegError:
        # Of labels that end in an artery nothing is told.
        return segmentation
    return named(volume, segmentation, scene)


def scene_around(volume: Volume, segmentation: Segmentation, ends: list[End]) -> Scene:
    """Find arteries and bones around the veins and below them.

    Raises
    ------
    InputError
        When the end of a label lies in an artery.
    """
    known = [end.course_lps_mm for end in ends]
    cava = segmentation.mask("ivc")
    if cava.any():
        known.insert(0, _middles(segmentation, cava))
    points = np.concatenate([_thinned(course) for course in known])
    grid = volume.grid
    corners = grid.to_lps(np.array([(0, 0, 0), np.array(grid.shape) - 1]))
    low, high = points.min(axis=0), points.max(axis=0)
    low[2] = corners[:, 2].min()
    box = box_around(grid, np.stack([low, high]), _ASIDE_MM)
    seen, picture = seen_around(volume, box)
    seeds = []
    for end in ends:
        x, y, z = (float(value) for value in _up_from(end.course_lps_mm, _TIP_MM))
        seeds.append(Seed(end.vessel, "peripheral_end", (x, y, z)))
    return scene_of(seen, picture, points, seeds)


def _thinned(course: FloatArray) -> FloatArray:
    """Return points of a course about `_KNOWN_MM` apart, without its upper and lower tip."""
    z = course[:, 2]
    inner = course[(z <= z.max() - _TIP_MM) & (z >= z.min() + _TIP_MM)]
    if len(inner) == 0:
        return course[len(course) // 2 :][:1]
    step = max(float(np.abs(np.diff(z)).mean()) if len(z) > 1 else 1.0, 1e-3)
    thinned: FloatArray = inner[:: max(1, round(_KNOWN_MM / step))]
    return thinned


def _extended(volume: Volume, segmentation: Segmentation, scene: Scene, end: End) -> Segmentation:
    """Follow one vein past the end of its labels."""
    course = end.course_lps_mm
    start = _up_from(course, _START_MM)
    tip_mm = float(course[:, 2].min())
    tip = _up_from(course, _TIP_MM)
    last = f"{end.side}_external_iliac_vein"
    known = Chain(end.side, np.stack([start, tip]), (), last, from_cava=False)
    scene = _with_blood_beside_bone(scene, float(np.median(level_at(scene.picture, course[-5:]))))
    cost = cost_for(scene, known)
    lowest = lowest_reached(cost, scene.picture.grid, tip, _DEAR)
    if lowest is None or lowest[2] > tip_mm - _LEAST_MM:
        return _not_extended(segmentation, [end], "no vein is seen farther down")
    way = cheapest_way(cost, scene.picture.grid, tip, lowest)
    more, why = _surely_followed(volume, scene, known, way)
    if more is None:
        return _not_extended(segmentation, [end], why)
    drawn = on_grid(more, volume.grid).labels > 0
    added, length_mm = _joined_below(segmentation, drawn, end, tip_mm)
    if length_mm < _LEAST_MM:
        return _not_extended(segmentation, [end], "the image shows no vein beyond")
    words = f"extended by {length_mm:.0f} mm past the end of the labels"
    return _with(
        segmentation, added, end, VesselConfidence("", more.confidence[0].confidence, (words,))
    )


def _surely_followed(
    volume: Volume, scene: Scene, known: Chain, way: FloatArray
) -> tuple[Segmentation | None, str]:
    """Follow a chain along a way, all of it or the upper part that is sure; else say why not."""
    why = ""
    away = length_along(way)
    for share in _SHARES:
        point = way[int(np.searchsorted(away, share * away[-1]))]
        chain = replace(known, points_lps_mm=np.concatenate([known.points_lps_mm, point[None]]))
        try:
            more = followed(volume, scene, [chain], "automatic")
        except VenosegError as error:
            why = why or error.what
            continue
        sure = more.confidence[0]
        if sure.confidence >= LEAST_CONFIDENCE:
            return more, ""
        why = why or f"what goes on is not sure ({'; '.join(sure.reasons[:2])})"
    return None, why


def _with_blood_beside_bone(scene: Scene, level_hu: float) -> Scene:
    """Take blood as bright as the vein's out of the bones, which are closed over what they hold.

    Marrow may be as bright, but lies in a shell that costs enough.
    """
    if scene.behind is None:
        return scene
    unlike = np.abs(scene.picture.mean_hu - level_hu) > _LIKE_BLOOD_HU
    return replace(scene, behind=scene.behind & unlike)


def _joined_below(
    segmentation: Segmentation, drawn: BoolArray, end: End, tip_mm: float
) -> tuple[BoolArray, float]:
    """Return what was drawn below the tip of a label and hangs together with it, and how long."""
    grid = segmentation.grid
    own = segmentation.mask(end.vessel)
    drawn = drawn & (segmentation.labels == 0)
    held = held_by(drawn)
    beside = grid.to_lps(held)[:, 2] > tip_mm + _TIP_MM
    drawn[tuple(held[beside].T)] = False
    pieces, _ = ndimage.label(drawn | own, np.ones((3, 3, 3)))
    kept = np.zeros(int(pieces.max()) + 1, dtype=bool)
    kept[np.unique(pieces[own])] = True
    added: BoolArray = drawn & kept[pieces]
    if not added.any():
        return added, 0.0
    return added, tip_mm - float(grid.to_lps(held_by(added))[:, 2].min())


def _with(
    segmentation: Segmentation, added: BoolArray, end: End, sure: VesselConfidence
) -> Segmentation:
    """Add voxels to a vein; beyond a common iliac vein they are the external one."""
    vessel = end.vessel.replace("common_iliac", "external_iliac")
    names = dict(segmentation.names)
    value = next((v for v, name in names.items() if name == vessel), max(names) + 1)
    names[value] = vessel
    labels = segmentation.labels.copy()
    labels[added] = value
    flags = tuple(sorted({*segmentation.flags, "extended"}))
    whole = replace(segmentation, labels=labels, names=names, flags=flags)
    return _saying(whole, replace(sure, vessel=vessel))


def _not_extended(segmentation: Segmentation, ends: list[End], why: str) -> Segmentation:
    for end in ends:
        words = f"not extended past the end of the labels: {why}"
        segmentation = _saying(segmentation, VesselConfidence(end.vessel, 1.0, (words,)))
    return segmentation


def _saying(segmentation: Segmentation, new: VesselConfidence) -> Segmentation:
    """Add a confidence, or lower the one that the vein has."""
    old = [one for one in segmentation.confidence if one.vessel == new.vessel]
    rest = [one for one in segmentation.confidence if one.vessel != new.vessel]
    value = min([one.confidence for one in (*old, new)])
    reasons = tuple(reason for one in (*old, new) for reason in one.reasons)
    return replace(segmentation, confidence=(*rest, VesselConfidence(new.vessel, value, reasons)))
