"""Round things in slices, and tracks through them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation.landmarks.tracks import discs_in, track_through
from venoseg.volume import Grid

GRID = Grid.from_axes((12, 40, 44), spacing_mm=(3.0, 3.0, 3.0))


def picture() -> np.ndarray:
    noise = np.random.default_rng(4).normal(0.0, 30.0, GRID.shape)
    return (80.0 + ndimage.gaussian_filter(noise, 1.0)).astype(np.float32)


@pytest.mark.parametrize("mean_share", [0.0, 0.5])
def test_a_disc_stands_out_by_the_steps_to_the_sectors_of_its_rim(mean_share):
    image = picture()
    found = discs_in(image, GRID, (8.5,), 0.42, mean_share)
    y, x = np.mgrid[-8:9, -8:9] * 3.0
    away, part = np.hypot(y, x), np.floor(np.arctan2(y, x) % (2 * np.pi) / (2 * np.pi) * 8)
    rim = (away > 8.5 + 0.75) & (away <= 12.5)
    for k, j, i in ((0, 12, 15), (5, 20, 20), (11, 28, 30)):
        own = image[k, j - 8 : j + 9, i - 8 : i + 9].astype(float)
        inside = own[away <= 8.5 - 0.75]
        steps = np.sort([abs(inside.mean() - own[rim & (part == n)].mean()) for n in range(8)])
        expected = (1 - mean_share) * steps[3] + mean_share * np.minimum(steps, 60.0).mean()
        assert found.contrast_hu[k, j, i] == pytest.approx(expected - 0.7 * inside.std(), abs=0.05)
        assert found.level_hu[k, j, i] == pytest.approx(inside.mean(), abs=0.01)


def test_nothing_stands_out_where_it_is_not_looked_for_and_elsewhere_nothing_changes():
    where = np.zeros(GRID.shape, dtype=bool)
    where[:-3, 10:20, 5:] = True
    found = discs_in(picture(), GRID, (6.0, 8.5), 0.25, where=where)
    everywhere = discs_in(picture(), GRID, (6.0, 8.5), 0.25)
    assert (found.contrast_hu[~where] == -1e3).all()
    assert (found.contrast_hu[where] == everywhere.contrast_hu[where]).all()
    assert (found.level_hu[where] == everywhere.level_hu[where]).all()
    assert (found.radius_mm[where] == everywhere.radius_mm[where]).all()


def test_where_nothing_is_looked_for_nothing_stands_out():
    nowhere = np.zeros(GRID.shape, dtype=bool)
    found = discs_in(picture(), GRID, (6.0, 8.5), 0.25, where=nowhere)
    assert (found.contrast_hu == -1e3).all()


def test_the_best_track_is_that_of_the_largest_sum_less_what_its_moves_cost():
    score = np.random.default_rng(2).normal(size=(5, 4, 4)).astype(np.float32)
    grid = Grid.from_axes(score.shape, spacing_mm=(3.0, 3.0, 3.0))
    path = track_through(score, grid, 4.0, reach=1)

    def best(n: int, j: int, i: int) -> tuple[float, list[tuple[int, int]]]:
        own = float(score[n, j, i])
        if n == 0:
            return own, [(j, i)]
        ways = []
        for a in range(max(j - 1, 0), min(j + 2, 4)):
            for b in range(max(i - 1, 0), min(i + 2, 4)):
                value, way = best(n - 1, a, b)
                ways.append((value - 3.0 * np.hypot(a - j, b - i) / 4.0 + own, [*way, (j, i)]))
        return max(ways)

    _, expected = max(best(4, j, i) for j in range(4) for i in range(4))
    assert path.tolist() == [list(place) for place in expected]
