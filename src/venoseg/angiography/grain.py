"""A picture's noise: how large it is, and over how many pixels it is alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.angiography.run import Image
from venoseg.volume import BoolArray

# Grain this many pixels apart is taken for independent.
_FAR_PX = 5
# Of so many rows and columns one tells the noise.
_STEP = 2


@dataclass(frozen=True, slots=True)
class Grain:
    """A picture's noise: its standard deviation, and over how many pixels in a row it is alike."""

    noise: float
    length_px: float

    @classmethod
    def of(cls, picture: Image, seen: BoolArray) -> Grain:
        """Measure it."""
        return cls(background_noise(picture, seen), grain_length(picture, seen))


def background_noise(picture: Image, seen: BoolArray) -> float:
    """Return the robust standard deviation of a picture's fine grain."""
    part, known = picture[::_STEP, ::_STEP], seen[::_STEP, ::_STEP]
    grain = part[1:-1, 1:-1] - _medians(part)
    return 1.4826 * float(np.median(np.abs(grain[known[1:-1, 1:-1]]))) + 1e-9


def _medians(picture: Image) -> Image:
    """Return the medians of all squares of nine pixels: a filter takes ten times as long.

    Each three are sorted; of the least the largest, of the middle ones the middle and of the
    largest the least are the three in the middle of all.
    """
    upper, middle, lower = picture[:-2], picture[1:-1], picture[2:]
    least, most = np.minimum(upper, middle), np.maximum(upper, middle)
    between = np.maximum(least, np.minimum(most, lower))
    low, high = np.minimum(least, lower), np.maximum(most, lower)

    def threes(values: Image) -> tuple[Image, Image, Image]:
        return values[:, :-2], values[:, 1:-1], values[:, 2:]

    return _middle(
        np.maximum.reduce(threes(low)), _middle(*threes(between)), np.minimum.reduce(threes(high))
    )


def _middle(one: Image, two: Image, three: Image) -> Image:
    middle: Image = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))
    return middle


def grain_length(picture: Image, seen: BoolArray) -> float:
    """Return over how many pixels in a row noise is alike: 1 where neighbours are independent.

    Blur acts on noise too. Pairs of pixels differ the less the more alike their noise is; their
    median difference beside vessels is little affected by what else the picture shows.
    """

    def unlike(apart: int) -> float:
        pairs = (
            (picture[:, apart:] - picture[:, :-apart])[seen[:, apart:] & seen[:, :-apart]],
            (picture[apart:] - picture[:-apart])[seen[apart:] & seen[:-apart]],
        )
        return float(np.mean([np.median(np.abs(pair[::3])) ** 2 for pair in pairs]))

    far = unlike(_FAR_PX) + 1e-18
    shares = [np.clip(1.0 - unlike(apart) / far, 0.0, 1.0) for apart in range(1, _FAR_PX - 1)]
    return float(1.0 + 2.0 * np.sum(shares))
