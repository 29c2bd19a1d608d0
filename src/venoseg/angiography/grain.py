"""A picture's noise: how large it is, and over how many pixels it is alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.angiography.run import Image
from venoseg.volume import BoolArray

# Grain this many pixels apart is taken for independent.
_FAR_PX = 5


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
    step = 2
    part = picture[::step, ::step]
    grain = part - ndimage.median_filter(part, 3)
    return 1.4826 * float(np.median(np.abs(grain[seen[::step, ::step]]))) + 1e-9


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
