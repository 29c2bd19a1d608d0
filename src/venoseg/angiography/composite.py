"""The filled vessels of a whole run in one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from venoseg.angiography.run import Image
from venoseg.angiography.subtraction import Subtraction
from venoseg.volume import FloatArray

# The composite is the mean of so many frames at each pixel, the most opaque ones.
_TOP = 4
# Pictures are gone through in strips of rows that stay in a processor's cache.
_ROWS = 32
# Of so many rows and columns one tells how far a picture fills.
_SAMPLED = 8


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """The filled vessels of a whole run in one picture.

    Attributes
    ----------
    picture
        (rows, columns) mean of the most opaque frames at each pixel.
    saturated
        (rows, columns) share of the frames in which the pixel stood at the end of its range; 0
        where nothing is seen.
    filling
        (p,) mean opacity of the pixels that fill most, by frame.
    """

    picture: Image
    saturated: Image
    filling: FloatArray


def compose(subtraction: Subtraction) -> Composite:
    """Go through a run once and keep what each pixel shows at its most opaque."""
    run, curve = subtraction.run, subtraction.curve
    (best, filling), *others = subtraction.in_parts(lambda part: _most_opaque(subtraction, part))
    for other, filled_then in others:
        filling = np.concatenate([filling, filled_then])
        for level in other:
            _insert_whole(best, level)
    numbers = [pair.contrast[0] for pair in subtraction.plan.pairings]
    ends = np.zeros(run.shape, dtype=np.float32)
    probed = numbers[:: max(len(numbers) // 12, 1)]
    for stored in run.frames(probed):
        ends += curve.saturated(stored) & subtraction.seen
    keep = min(_TOP, len(numbers))
    return Composite(best[:keep].mean(axis=0), ends / np.float32(len(probed)), filling)


def _most_opaque(subtraction: Subtraction, pictures: Iterator[Image]) -> tuple[Image, FloatArray]:
    """Return (k, rows, columns) of the most opaque pictures, and (p,) how far each fills."""
    best = np.full((_TOP, *subtraction.run.shape), -np.inf, dtype=np.float32)
    sample = np.s_[::_SAMPLED, ::_SAMPLED]
    counted = subtraction.seen[sample]
    filling = []
    for picture in pictures:
        values = picture[sample][counted if counted.any() else ...]
        most = max(len(values) // 50, 1)
        filling.append(float(np.partition(values, -most)[-most:].mean()))
        _insert_whole(best, picture)
    return best, np.array(filling)


def _insert_whole(best: Image, picture: Image) -> None:
    for top in range(0, picture.shape[0], _ROWS):
        _insert(best[:, top : top + _ROWS], picture[top : top + _ROWS])


def _insert(best: Image, strip: Image) -> None:
    """Put a strip into the (k, rows, columns) most opaque so far, the most opaque first."""
    rest = strip
    for level in best:
        less = np.minimum(level, rest)
        np.maximum(level, rest, out=level)
        rest = less
