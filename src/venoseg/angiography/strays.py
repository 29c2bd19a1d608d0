"""Where a course has left its vein for another vessel, as round an occlusion by a collateral.

The path of most contrast medium between two points leads along a collateral where the vein is shut.
What is left of a vein's lumen lies within the vein's own outline, whichever way it is narrowed: a
much thinner stretch that lies beside the smooth line between the vein's two sound ends is another
vessel. There the course is led along that line instead. A thin stretch that the course ends in has
no second end to tell by: it is another vessel where nothing fills between it and the vein, or where
it turns away from the vein's direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course
from venoseg.angiography.edges import Edges
from venoseg.angiography.projection import Projection, filling
from venoseg.angiography.run import Image
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

BRIDGED = "bridged"
"""Flag of stations between two sound ends, on a smooth line where no course can be seen."""

ASTRAY = "may_be_another_vessel"
"""Flag of stations of a thin vessel at the end of a course that does not go on from the vein."""

# A vessel is much thinner than the vein below this share of the vein's usual width.
_THIN = 0.66
# Shorter than so many widths it is a stenosis, or a stretch too short to tell.
_LONG = 1.0
_SOUND = 0.7
# What holds less than this share of the vein's usual contrast medium is not the vein either.
_DENSE = 0.3
# So far from the line between the sound ends, in widths and in lengths of the line, no lumen of
# the vein itself can lie.
_BESIDE = 0.6
_BENT = 0.1
_TURNED_DEGREES = 35.0
_ROUND = 1.15

_MOUTH = 0.5

# The vein goes on along the line up to where less than this share of its opacity is met.
_STUMP = 0.5

# Another vessel crosses the line where it is so opaque; where it does so over so much of it, what
# becomes of the vein is hidden.
_OPAQUE = 0.2
_HIDDEN = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A course without strays.

    Attributes
    ----------
    edges
        Of the vein, with stations on the bridges.
    bridged
        (n,) stations on bridges.
    hidden
        (n,) those of them along which it is not seen what becomes of the vein: next to its open
        ends, where its edges are not its own, and where other vessels cover the line.
    astray
        (n,) stations of other vessels that the course ends in.
    """

    edges: Edges
    bridged: BoolArray
    hidden: BoolArray
    astray: BoolArray

    def marked(self, projection: Projection) -> Projection:
        """Return the projection of these edges with what is not the vein marked."""
        unknown = self.hidden | self.astray
        state = tuple(
            "not_assessable" if doubt else word
            for doubt, word in zip(unknown, projection.state, strict=True)
        )
        flags = tuple(
            BRIDGED if bridge else ASTRAY if stray else flag
            for bridge, stray, flag in zip(self.bridged, self.astray, projection.flags, strict=True)
        )
        return replace(
            projection,
            diameter_px=np.where(unknown, np.nan, projection.diameter_px),
            state=state,
            flags=flags,
        )


def without_strays(edges: Edges, picture: Image) -> Kept:
    """Lead a course along its vein where it has left it.

    Parameters
    ----------
    edges
        Found along the path of most contrast medium.
    picture
        (rows, columns) opacity.
    """
    filled, _ = filling(edges)
    count = len(filled)
    nowhere = np.zeros(count, dtype=bool)
    kept = Kept(edges, nowhere, nowhere, nowhere)
    if filled.sum() < 10:
        return kept
    usual = _usual(edges, filled)
    thin = filled & (ndimage.median_filter(edges.width_px, 5, mode="nearest") < _THIN * usual)
    mass = np.maximum(edges.amplitude, 0.0) * edges.width_px
    dense = mass > _DENSE * float(np.median(mass[filled & ~thin]))
    sound = _long_enough(filled & ~thin & dense, _SOUND * usual)
    astray = nowhere.copy()
    bridges: list[tuple[int, int]] = []
    for first, stop in runs_of(~sound):
        last = stop - 1
        if thin[first:stop].sum() < _LONG * usual:
            continue
        if first > 0 and last < count - 1:
            if _lies_beside(edges.course, first, last, usual):
                # Where it leaves the vein a course bends, and the other's mouth widens the vein.
                back = int(_MOUTH * usual)
                bridges.append((max(first - back, 1), min(last + back, count - 2)))
        elif first > 0 or last < count - 1:
            astray[first:stop] = _turns_away(edges.course, filled, (first, last), usual)
    kept = replace(kept, astray=astray)
    return _spliced(kept, bridges, picture, usual) if bridges else kept


def _usual(edges: Edges, filled: BoolArray) -> float:
    """Return the width of the vein proper: what most of the lumen's volume has."""
    width = np.sort(edges.width_px[filled])
    share = np.cumsum(width**3)
    return float(width[int(np.searchsorted(share, share[-1] / 2))])


def _long_enough(where: BoolArray, length: float) -> BoolArray:
    kept = np.zeros_like(where)
    for start, stop in runs_of(where):
        kept[start:stop] = stop - start >= length
    return kept


def _heading(course: Course, at: int, back: int, usual: float) -> FloatArray:
    """Return the unit direction of the vein up to a station, over some widths before it."""
    far = int(np.clip(at + back * 2.0 * usual, 0, len(course.points_px) - 1))
    near = int(np.clip(at + back * 0.3 * usual, 0, len(course.points_px) - 1))
    way = course.points_px[near] - course.points_px[far]
    return np.asarray(way / max(float(np.hypot(*way)), 1e-9))


def _line(course: Course, first: int, last: int, usual: float) -> FloatArray:
    """Return (m, 2) points a pixel apart on the smooth line between two sound ends."""
    start, stop = course.points_px[first - 1], course.points_px[last + 1]
    length = float(np.hypot(*(stop - start)))
    leave = _heading(course, first - 1, -1, usual) * length
    come = -_heading(course, last + 1, 1, usual) * length
    t = np.linspace(0.0, 1.0, 200)[:, None]
    points = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * leave
        + (3 * t**2 - 2 * t**3) * stop
        + (t**3 - t**2) * come
    )
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0.0, arc[-1], max(round(float(arc[-1])), 2) + 1)
    return np.stack([np.interp(at, arc, points[:, axis]) for axis in range(2)], axis=1)


def _lies_beside(course: Course, first: int, last: int, usual: float) -> bool:
    line = _line(course, first, last, usual)
    own = course.points_px[first : last + 1]
    away = np.linalg.norm(own[:, None] - line, axis=2).min(axis=1)
    return bool(away.max() > max(_BESIDE * usual, _BENT * len(line)))


def _turns_away(course: Course, filled: BoolArray, run: tuple[int, int], usual: float) -> bool:
    """Return whether a thin vessel at the end of a course does not go on from the vein."""
    first, last = run
    inner = first if first > 0 else last
    inward = -1 if first > 0 else 1
    if not filled[first : last + 1].all():
        return True
    points = course.points_px[first : last + 1]
    chord = float(np.hypot(*(points[-1] - points[0])))
    if len(points) > _ROUND * max(chord, 1.0):
        return True
    vein = _heading(course, inner, inward, usual)
    on = int(np.clip(inner - inward * 2.0 * usual, first, last))
    way = course.points_px[on] - course.points_px[inner]
    turn = vein @ (way / max(float(np.hypot(*way)), 1e-9))
    return bool(turn < np.cos(np.radians(_TURNED_DEGREES)))


def _not_told(values: FloatArray, usual: float) -> BoolArray:
    """Return (m,) where a bridge with these opacities is not seen to be shut."""
    faint = np.flatnonzero(values < _STUMP * usual)
    if not len(faint):
        return np.ones(len(values), dtype=bool)
    inner = values[faint[0] : faint[-1] + 1]
    covered = bool(np.mean(inner > _OPAQUE * usual) > _HIDDEN)
    unknown = np.full(len(values), covered)
    unknown[: faint[0]] = unknown[faint[-1] + 1 :] = True
    return unknown


def _spliced(kept: Kept, bridges: list[tuple[int, int]], picture: Image, usual: float) -> Kept:
    """Put smooth lines in the place of stretches of a course."""
    edges, course = kept.edges, kept.edges.course
    opacity = float(np.percentile(edges.amplitude, 75))
    pieces: list[FloatArray] = []
    source: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    hidden: list[BoolArray] = []
    done = 0
    for first, last in [*bridges, (len(course.points_px), -1)]:
        own = np.arange(done, first)
        pieces.append(course.points_px[own])
        source.append(own)
        hidden.append(np.zeros(len(own), dtype=bool))
        if last < 0:
            break
        line = _line(course, first, last, usual)[1:-1]
        values = ndimage.map_coordinates(picture, [line[:, 1], line[:, 0]], order=1, mode="nearest")
        pieces.append(line)
        source.append(np.full(len(line), -1))
        hidden.append(_not_told(values, opacity))
        done = last + 1
    points, of = np.concatenate(pieces), np.concatenate(source)
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    bridge = of < 0

    def filled_in(values: FloatArray, on_bridge: float) -> FloatArray:
        return np.where(bridge, on_bridge, values[of])

    sides = edges.edges_px[of]
    sides[bridge] = (-usual / 2, usual / 2)
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normals[~bridge] = course.normals[of[~bridge]]
    whole = replace(
        edges,
        course=Course(points, normals),
        edges_px=sides,
        width_sd_px=filled_in(edges.width_sd_px, usual / 4),
        amplitude=filled_in(edges.amplitude, 0.0),
        amplitude_sd=filled_in(edges.amplitude_sd, float(np.median(edges.amplitude_sd))),
        misfit=filled_in(edges.misfit, 0.0),
        beside=filled_in(edges.beside, 0.0),
        exponent=filled_in(edges.exponent, 2.0),
    )
    astray = np.where(bridge, False, kept.astray[of])
    return Kept(whole, bridge, np.concatenate(hidden), astray)
