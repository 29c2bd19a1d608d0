"""One small digital twin, measured once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from venoseg.lumen import Measurements, measure
from venoseg.lumen.tables.records import cross_section_table, segment_table
from venoseg.phantom import Scanner, fit_grid, iliocaval_y, render
from venoseg.phantom.ct import Rendering


@pytest.fixture(scope="session")
def twin() -> Rendering:
    scene = iliocaval_y(seed=2, stenosis_percent=50)
    return render(scene, fit_grid(scene, (3.0, 1.5, 1.5)), Scanner(noise_hu=15, seed=2))


@pytest.fixture(scope="session")
def measurements(twin: Rendering) -> Measurements:
    """The two veins that meet at the narrow place."""
    whole = measure(twin.image, twin.segmentation, step_mm=2.0)
    profiles = whole.profiles[:2]
    return replace(
        whole,
        profiles=profiles,
        segments=segment_table(profiles),
        cross_sections=cross_section_table(profiles),
    )
