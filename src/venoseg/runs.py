"""Runs of consecutive places at which something is so."""

from __future__ import annotations

import numpy as np

from venoseg.volume import BoolArray


def runs_of(flags: BoolArray) -> list[tuple[int, int]]:
    """Return (start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
