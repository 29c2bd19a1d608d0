"""Profiles of contrast medium across a section, tabulated by blur, opacity and place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.angiography.run import Image
from venoseg.volume import FloatArray

_REACH = 6.0
_FINE = 0.01
_BLURS = np.geomspace(0.02, 1.6, 24)
_OPACITIES = np.array([0.02, 0.5, 1.0, 1.5, 2.0, 3.0])


@dataclass(frozen=True, slots=True, eq=False)
class ProfileShape:
    """Profiles of one exponent and scatter, tabulated, 1 in the middle when not blurred.

    Attributes
    ----------
    table
        (opacities, blurs, places) complex: the value, and as imaginary part the step to the next
        place, so that one look finds both.
    scatter
        As in `Look`.
    """

    table: npt.NDArray[np.complex64]
    scatter: float

    @classmethod
    def of(cls, exponent: float, scatter: float, *, shell: bool = False) -> ProfileShape:
        """Tabulate the profiles of an exponent and a share of scatter, or of a round shell."""
        u = np.arange(-_REACH, _REACH + _FINE / 2, _FINE)
        # The mean over each step of the table: the profile has infinite slope at its edges.
        inner = (np.arange(8) + 0.5) / 8 - 0.5
        fine = np.abs(u[:, None] + inner * _FINE)
        depth = np.sqrt(np.clip(1.0 - fine**exponent, 0.0, None))
        if shell:
            ends = np.clip(u[:, None] + np.array([-0.5, 0.5]) * _FINE, -1.0, 1.0)
            depth = np.diff(np.arcsin(ends), axis=1) / _FINE
        # Nothing absorbs far outside: as much again on either side, and the blur wraps around.
        beyond = len(u) // 2
        frequency = 2.0 * np.pi * np.fft.rfftfreq(len(u) + 2 * beyond, _FINE)
        blurred = np.exp(-0.5 * (np.outer(_BLURS, frequency)) ** 2)
        table = np.empty((len(_OPACITIES), len(_BLURS), len(u)))
        for level, opacity in enumerate(_OPACITIES):
            primary = np.pad(np.exp(-opacity * depth).mean(axis=1), beyond, constant_values=1.0)
            seen = np.fft.irfft(blurred * np.fft.rfft(primary), len(primary))[:, beyond:-beyond]
            table[level] = -np.log((seen + scatter) / (1.0 + scatter))
            table[level] /= -np.log((np.exp(-opacity) + scatter) / (1.0 + scatter))
        steps = np.diff(table, axis=2, append=table[:, :, -1:])
        return cls((table + 1j * steps).astype(np.complex64), scatter)

    def true_opacity(self, measured: FloatArray) -> FloatArray:
        """Return opacities as they were without scatter."""
        primary = np.exp(-np.maximum(measured, 0.0)) * (1.0 + self.scatter) - self.scatter
        opacity: FloatArray = -np.log(np.maximum(primary, np.exp(-_OPACITIES[-1])))
        return opacity

    def at(self, u: Image, blur: FloatArray, opacity: FloatArray) -> tuple[Image, Image, Image]:
        """Return (n, m) values at (n, m) places for (n,) relative blurs and true opacities.

        And how they change with the place, and with the logarithm of the blur.
        """
        log = np.log(_BLURS)
        row = (np.log(np.clip(blur, _BLURS[0], _BLURS[-1])) - log[0]) / (log[1] - log[0])
        level = np.interp(opacity, _OPACITIES, np.arange(len(_OPACITIES)))
        column = (np.clip(u, -_REACH, _REACH) + np.float32(_REACH)) / np.float32(_FINE)
        levels, rows, columns = self.table.shape
        first_level, first_row, left = (
            _below(part, size) for part, size in ((level, levels), (row, rows), (column, columns))
        )
        beyond = column - left.astype(np.float32)
        above = per_station(level - first_level)
        flat = self.table.ravel()
        blends = []
        # Linear between the neighbours in the table: of opacity, of blur, of place.
        for more in (0, 1):
            start = (first_level * rows + first_row + more) * columns
            blend = flat.take(start[:, None] + left)
            if above.any():
                higher = flat.take((start + rows * columns)[:, None] + left)
                blend = blend + above * (higher - blend)
            blends.append((blend.real + beyond * blend.imag, blend.imag))
        (sharp, sharp_step), (soft, soft_step) = blends
        share = per_station(row - first_row)
        blurred = soft - sharp
        along = sharp_step + share * (soft_step - sharp_step)
        return (
            sharp + share * blurred,
            along * np.float32(1.0 / _FINE),
            blurred * np.float32(1.0 / (log[1] - log[0])),
        )


def per_station(values: FloatArray) -> Image:
    """Return (n,) values as a column, to be combined with (n, m) places."""
    return np.asarray(values, dtype=np.float32)[:, None]


def _below(places: npt.NDArray[Any], size: int) -> npt.NDArray[np.intp]:
    """Return the entries of a table of this size before places in it, one more following."""
    return np.clip(places.astype(np.intp), 0, size - 2)


@lru_cache(maxsize=64)
def profile_shape(exponent: float, scatter: float, *, shell: bool = False) -> ProfileShape:
    """Return a table, made once."""
    return ProfileShape.of(exponent, scatter, shell=shell)
