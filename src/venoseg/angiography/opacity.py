"""Stored pixels to attenuation: the quantity in which subtraction means something.

Contrast medium multiplies the X-ray intensity by exp(-opacity). In pixels proportional to intensity
(LIN) the attenuation is the negative logarithm; pixels that are logarithmic already (LOG) need a
sign only; of pixels made for display (DISP) the curve is unknown, and differences show where
contrast is, not how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.angiography.run import Image, Run, Stored
from venoseg.volume import BoolArray

Polarity = Literal["stated", "found", "assumed"]

# So many pixels are looked up at once.
_AT_ONCE = 2**15

_PROBES = 9
_STEP_PX = 4

# How much further the changes must reach to one side than to the other to tell the sign.
_SKEW = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Stored value to attenuation.

    Attributes
    ----------
    table
        float32, for all values that 16 bits hold, those above the largest stored one as that; grows
        with what the rays went through.
    densitometric
        Whether differences are proportional to the amount of contrast medium.
    polarity
        Whether the sign was stated in the header, found in the pictures, or assumed.
    lowest, highest
        Stored values at or beyond which a pixel is saturated.
    """

    table: Image
    densitometric: bool
    polarity: Polarity
    lowest: int
    highest: int

    def attenuation(self, stored: Stored) -> Image:
        """Return the attenuation of a frame."""
        # Unsigned numbers of 16 bits all have their entry, and need not be checked one by one.
        mode: Literal["wrap", "clip"] = "wrap" if stored.dtype in (np.uint8, np.uint16) else "clip"
        flat, found = stored.ravel(), np.empty(stored.size, dtype=np.float32)
        # Looked up, a pixel is four times as long: few enough at once stay in the cache.
        for first in range(0, stored.size, _AT_ONCE):
            part = np.s_[first : first + _AT_ONCE]
            np.take(self.table, flat[part], mode=mode, out=found[part])
        return found.reshape(stored.shape)

    def of_means(self, means: Image) -> Image:
        """Return the attenuation of means of stored values, linear between whole numbers."""
        values = np.clip(means, 0, len(self.table) - 1)
        below = np.minimum(values.astype(np.intp), len(self.table) - 2)
        low = np.take(self.table, below)
        between: Image = low + (values - below).astype(np.float32) * (
            np.take(self.table, below + 1) - low
        )
        return between

    def saturated(self, stored: Stored) -> BoolArray:
        """Return where a frame's values stand at the end of their range."""
        result: BoolArray = (stored <= self.lowest) | (stored >= self.highest)
        return result


def curve_of(run: Run) -> Curve:
    """Return the curve of a run; the sign is found in the pictures where the header is silent.

    LOG and DISP values are scaled so that their whole range has the span of 12 bits in ln.
    """
    levels = np.arange(2**run.bits_stored, dtype=np.float64)
    span = float(np.log(4096.0))
    sign, polarity = _sign(run)
    if run.subtracted or run.relation != "LIN":
        attenuation = -sign * levels / levels[-1] * span
    else:
        # Where lower values mean more X-ray, intensity counts from the highest.
        intensity = levels if sign > 0 else levels[::-1]
        attenuation = -np.log(np.maximum(intensity, 0.5) / levels[-1])
    known = np.asarray(attenuation, dtype=np.float32)
    table = np.pad(known, (0, max(2**16 - len(known), 0)), mode="edge")
    return Curve(table, run.relation != "DISP", polarity, 0, len(levels) - 1)


def _sign(run: Run) -> tuple[int, Polarity]:
    """Return +1 where lower values mean less X-ray."""
    if run.sign:
        return run.sign, "stated"
    if run.relation == "LIN" and not run.subtracted:
        return 1, "stated"
    probes = [_probe(stored) for stored in run.frames(_spread(run.count))]
    base = probes[0]
    changes = np.concatenate([(probe - base).ravel() for probe in probes[1:]] or [_local(base)])
    low, middle, high = np.percentile(changes, [0.2, 50.0, 99.8])
    fell, rose = middle - low, high - middle
    if max(fell, rose) < _SKEW * min(fell, rose) or max(fell, rose) == 0:
        return 1, "assumed"
    return (1 if fell > rose else -1), "found"


def _spread(count: int) -> list[int]:
    return sorted({int(n) for n in np.linspace(0, count - 1, min(_PROBES, count)).round()})


def _probe(stored: Stored) -> Image:
    from scipy import ndimage

    coarse = stored[::_STEP_PX, ::_STEP_PX].astype(np.float32)
    blurred: Image = ndimage.uniform_filter(coarse, 3)
    return blurred


def _local(picture: Image) -> Image:
    """Return how a single picture differs from its wider surroundings."""
    from scipy import ndimage

    differing: Image = (picture - ndimage.median_filter(picture, 31)).ravel()
    return differing
