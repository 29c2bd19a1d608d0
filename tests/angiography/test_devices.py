"""A catheter in the vein hides part of its profile and must not change its width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from venoseg.angiography import VenogramOptions, Way, compose, measure_run, subtract
from venoseg.angiography.course import Ground, find_path
from venoseg.angiography.devices import clear_of_devices
from venoseg.angiography.edges import find_edges
from venoseg.angiography.grain import background_noise

ENDS = np.array([[128.0, 20.0], [128.0, 235.0]])


@pytest.fixture
def occupied(scene: Any, vein: Any) -> Any:
    """A vein of 24 px with a dense catheter of 7 px in it, which holds no contrast medium."""
    width = lambda along: np.full_like(along, 7.0)  # noqa: E731 - a profile in one line
    catheter = type(vein)(width_px=width, opacity=0.8, start=(130.0, -20.0), stop=(130.0, 280.0))
    missing = type(vein)(width_px=width, opacity=-0.5, start=(130.0, -20.0), stop=(130.0, 280.0))
    return scene.but(veins=(vein, missing), extra=catheter.picture(scene.shape))


def test_the_width_is_that_of_the_vein(occupied: Any):
    way = Way("ivc", ENDS)
    (projection,) = measure_run(occupied.run(), VenogramOptions(ways=(way,))).projections
    middle = projection.diameter_px[20:-20]
    # Where bone edges hide the catheter it still takes part of the width.
    assert np.median(middle) == pytest.approx(24.0, abs=0.1)


def test_what_lies_behind_a_catheter_counts_little(occupied: Any):
    subtraction = subtract(occupied.run())
    mask = subtraction.mask
    assert mask is not None
    clear = clear_of_devices(mask, background_noise(mask, subtraction.seen))
    assert np.median(clear[:, 128:133]) < 0.1
    assert clear[:, 128:133].mean() < 0.3
    assert np.median(clear[:, 40:100]) == 1.0


def test_without_that_the_width_would_be_wrong(occupied: Any):
    subtraction = subtract(occupied.run())
    picture, seen = compose(subtraction).picture, subtraction.seen
    edges = find_edges(picture, seen, find_path(Ground.of(picture, seen), ENDS))
    assert abs(np.median(edges.width_px[20:-20]) - 24.0) > 0.2
