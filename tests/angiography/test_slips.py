"""A course that goes round a shut stretch by a collateral is said; a stenosis is none."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from venoseg.angiography import VenogramOptions, Way, measure_run

WAY = Way("ivc", np.array([[128.0, 12.0], [128.0, 243.0]]))


def words(scene: Any, *veins: Any) -> str:
    return " ".join(
        measure_run(scene.but(veins=veins).run(), VenogramOptions(ways=(WAY,))).warnings
    )


def test_the_way_round_an_occlusion_is_said(scene: Any, vein: Any):
    below_usual = lambda along: np.full_like(along, 18.0)  # noqa: E731 - a profile in one line
    corners = [(128.0, 96.0), (176.0, 112.0), (176.0, 152.0), (128.0, 168.0)]
    collateral = [
        type(vein)(start=start, stop=stop, width_px=below_usual, opacity=1.0)
        for start, stop in pairwise(corners)
    ]
    above, below = type(vein)(stop=(128.0, 98.0)), type(vein)(start=(128.0, 166.0))
    assert "roundabout" in words(scene, above, below, *collateral)


def test_a_stenosis_is_none(scene: Any, vein: Any):
    narrow = lambda along: 24.0 - 15.0 * np.exp(-0.5 * ((along - 150.0) / 12.0) ** 2)  # noqa: E731 - a profile in one line
    assert "roundabout" not in words(scene, type(vein)(width_px=narrow))
