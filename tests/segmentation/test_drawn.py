"""Veins as lists of voxels."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import Grid

GRID = Grid.from_axes((4, 5, 6), spacing_mm=(2.0, 1.0, 0.5), origin_lps_mm=(1.0, 2.0, 3.0))


def drawn() -> tuple[np.ndarray, Drawn]:
    labels = np.random.default_rng(0).integers(0, 3, GRID.shape).astype(np.uint8)
    index = np.argwhere(labels)[::-1]
    return labels, Drawn(GRID, index, labels[tuple(index.T)])


def test_it_holds_what_has_labels():
    labels, found = drawn()
    assert (found.labels == labels).all()
    assert found.counts(3).tolist() == [0, (labels == 1).sum(), (labels == 2).sum(), 0]


def test_what_is_taken_away_is_gone_from_all_of_it():
    labels, found = drawn()
    left = found.without(found.value == 1)
    assert (left.labels == np.where(labels == 1, 0, labels)).all()
    assert found.without(found.value > 2).counts(2).tolist() == found.counts(2).tolist()


def test_blocks_hold_their_voxels():
    _, found = drawn()
    blocks = np.stack(found.blocks(np.array([2, 1, 3])), axis=1)
    assert (blocks == found.index // (2, 1, 3)).all()
