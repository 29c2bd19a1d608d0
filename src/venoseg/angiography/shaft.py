"""Where a catheter's shaft runs: along a line, across it, and on beyond its ends."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course, smooth_course
from venoseg.angiography.devices import surroundings
from venoseg.angiography.outline import sample_across
from venoseg.angiography.run import Image
from venoseg.errors import UsageError
from venoseg.volume import FloatArray

Point = tuple[float, float]
"""Column and row."""

# A line of which so much is dense lies along a catheter, another across one.
_MOSTLY = 0.7
_BESIDE_PX = (-2.0, -1.0, 0.0, 1.0, 2.0)
_PIECE_PX = 20.0
_AWAY_PX = 4.0

# A shaft is followed to this length, in steps, while it is at least so dense as under the line.
_LENGTH_PX = 300.0
_STEP_PX = 6.0
_AS_DENSE = 0.5


def follow_shaft(native: Image, first_px: Point, second_px: Point) -> tuple[Course, FloatArray]:
    """Lay a course on the catheter that a line lies on or crosses.

    Returns
    -------
    tuple[Course, FloatArray]
        The course, and the (n,) density in its middle above what lies beside it.

    Raises
    ------
    UsageError
        When the line has no length.
    """
    dense = native - surroundings(native)
    calm = ndimage.gaussian_filter(dense, 1.0)
    line = _line(calm, np.array(first_px), np.array(second_px))
    line = _centred(calm, line).points_px
    usual = float(np.median(_along(calm, line)))
    for _ in range(2):
        line = _longer(calm, line, usual)[::-1]
    course = _centred(calm, line)
    middle = sample_across(dense, course, np.array([-0.5, 0.0, 0.5])).mean(axis=1)
    return course, np.asarray(middle)


def _line(calm: Image, first: FloatArray, second: FloatArray) -> FloatArray:
    length = float(np.hypot(*(second - first)))
    if length < 3.0:
        raise UsageError("the line on the catheter has no length", where="--calibration")
    steps = np.linspace(0.0, 1.0, max(int(2 * length), 8))[:, None]
    line: FloatArray = first + steps * (second - first)
    aside = np.array([-(second - first)[1], (second - first)[0]]) / length
    # Nobody points to a pixel: a line a little beside the shaft lies along it too.
    along = np.max([_along(calm, line + step * aside) for step in _BESIDE_PX], axis=0)
    if np.mean(along > 3.0 * _grain_near(calm, line)) < _MOSTLY:
        line = _crossing(calm, line, length)
    return line


def _centred(calm: Image, line: FloatArray) -> Course:
    """Move a line to the middle of the shaft."""
    course = smooth_course(line, 2.0)
    offsets = np.arange(-_AWAY_PX, _AWAY_PX + 0.25, 0.5)
    for _ in range(3):
        across = sample_across(calm, course, offsets)
        # Bands outshine the shaft: every station counts the same.
        across = across / np.maximum(across.max(axis=1, keepdims=True), 1e-6)
        across = ndimage.gaussian_filter1d(across, 4.0, axis=0)
        weight = np.maximum(across - 0.5 * across.max(axis=1, keepdims=True), 0.0)
        middle = (weight * offsets).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
        course = smooth_course(course.points_px + middle[:, None] * course.normals, 5.0)
    return course


def _longer(calm: Image, line: FloatArray, usual: float) -> FloatArray:
    """Follow a shaft on beyond the end of a line while it goes on as dense."""
    limit = np.array(calm.shape[::-1]) - 1.0 - _AWAY_PX
    back = int(2 * _STEP_PX)
    line = line[-int(_LENGTH_PX) :]
    turns = np.radians(np.arange(-12, 13, 2))
    ahead = np.linspace(1.0 / _STEP_PX, 1.0, int(_STEP_PX)) * _STEP_PX
    while len(line) < _LENGTH_PX:
        direction = line[-1] - line[-min(back, len(line))]
        direction = direction / np.hypot(*direction)
        aside = np.array([-direction[1], direction[0]])
        ways = [
            line[-1] + ahead[:, None] * (np.cos(turn) * direction + np.sin(turn) * aside)
            for turn in turns
        ]
        if any((way < _AWAY_PX).any() or (way > limit).any() for way in ways):
            break
        density = [float(np.median(_along(calm, way))) for way in ways]
        best = int(np.argmax(density))
        if density[best] < _AS_DENSE * usual:
            break
        line = np.concatenate([line, ways[best]])
    return line


def _crossing(calm: Image, line: FloatArray, length: float) -> FloatArray:
    """Return a piece of the catheter that a line crosses: the densest way through it."""
    middle = line[int(_along(calm, line).argmax())]
    aside = np.array([-(line[-1] - line[0])[1], (line[-1] - line[0])[0]]) / length
    reach = np.linspace(-_PIECE_PX, _PIECE_PX, 81)[:, None]
    ways = []
    for turn in np.radians(np.arange(-40, 41, 2)):
        direction = np.array(
            [
                np.cos(turn) * aside[0] - np.sin(turn) * aside[1],
                np.sin(turn) * aside[0] + np.cos(turn) * aside[1],
            ]
        )
        way = middle + reach * direction
        ways.append((float(np.median(_along(calm, way))), way))
    best: FloatArray = max(ways, key=lambda found: found[0])[1]
    return best


def _along(picture: Image, line: FloatArray) -> FloatArray:
    values: FloatArray = ndimage.map_coordinates(picture, [line[:, 1], line[:, 0]], order=1)
    return values


def _grain_near(picture: Image, line: FloatArray) -> float:
    """Return the robust scatter of a picture in the box around a line."""
    low = np.maximum(np.floor(line.min(axis=0)).astype(int) - 25, 0)
    high = np.ceil(line.max(axis=0)).astype(int) + 26
    box = picture[low[1] : high[1], low[0] : high[0]]
    return 1.4826 * float(np.median(np.abs(box - np.median(box))))
