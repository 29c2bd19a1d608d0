"""Arithmetic on closed rings of points: NumPy's general ways take several times as long."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", np.float32, np.float64)


def following(rings: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return for (n, m, ...) values around n rings those of the point after."""
    return np.concatenate([rings[:, 1:], rings[:, :1]], axis=1)


def preceding(rings: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return for (n, m, ...) values around n rings those of the point before."""
    return np.concatenate([rings[:, -1:], rings[:, :-1]], axis=1)


def middles(rings: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return (n, 1, k) means of the m points of (n, m, k) rings."""
    count = rings.shape[1]
    return np.asarray((np.full(count, 1.0 / count, dtype=rings.dtype) @ rings)[:, None])


def medians(rings: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return (n,) medians of (n, m) values around n rings."""
    half = (rings.shape[1] - 1) // 2
    last = rings.shape[1] // 2
    # Of so few values NumPy sorts all sooner than it finds two.
    ordered = np.sort(rings, axis=1)
    return np.asarray((ordered[:, half] + ordered[:, last]) / 2)


def lengths(vectors: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return (...) lengths of (..., 2) vectors."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(np.sqrt(x * x + y * y))


def products(one: npt.NDArray[Real], other: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Return (...) scalar products of (..., 2) vectors."""
    return np.asarray(one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1])
