"""Veins beside the spine against tubes that are known, and what must not be taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import find_collaterals
from venoseg.phantom import Rendering, Scanner, render
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.solids import Ellipsoid
from venoseg.phantom.tube import Span, Tube
from venoseg.tables import Row
from venoseg.volume import Grid

GRID = Grid.from_axes((45, 95, 120), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-120.0, -90.0, 0.0))
TOP_MM, BOTTOM_MM = 110.0, -20.0
BLOOD_HU = 150.0


def upright(x_mm: float, y_mm: float, first_mm: float, second_mm: float | None = None) -> Tube:
    points = [(x_mm, y_mm, TOP_MM), (x_mm, y_mm, BOTTOM_MM)]
    return Tube.plain(points, first_mm, first_mm if second_mm is None else second_mm)


BODY = (
    Layer(upright(0.0, 0.0, 110.0, 85.0), 50.0, part_mm=2.0),
    Layer(upright(0.0, -5.0, 95.0, 65.0), -100.0, part_mm=2.0),
    Layer(upright(0.0, 40.0, 24.0, 20.0), 450.0),
    Layer(upright(0.0, 40.0, 20.0, 16.0), 180.0),
    Layer(upright(45.0, 40.0, 20.0), 60.0),
    Layer(upright(-45.0, 40.0, 20.0), 60.0),
    Layer(upright(8.0, 5.0, 9.0), BLOOD_HU),
)


def twin(*beside: Layer, cava_hu: float = BLOOD_HU) -> Rendering:
    course = upright(-18.0, 8.0, 8.0)
    cava = Tube(course.curve, course.profile, (Span("ivc", 0.0, course.curve.length_mm),))
    scene = Scene("trunk", (cava,))
    scene = replace(scene, before=(*BODY, *beside), background_hu=-1000.0, lumen_hu=cava_hu)
    return render(scene, GRID, Scanner(noise_hu=10.0, seed=1))


def found(rendering: Rendering) -> dict[str, Row]:
    table = find_collaterals(rendering.image, rendering.segmentation).table
    return {str(row["side"]): row for row in table.rows}


def test_a_tube_beside_the_spine_is_found_on_its_side():
    rows = found(twin(Layer(upright(32.0, 35.0, 3.5), BLOOD_HU)))
    left = rows["left"]
    assert left["count"] == 1
    assert left["total_length_mm"] == pytest.approx(88.0, abs=10.0)
    assert 0.5 < left["volume_mm3"] / (np.pi * 3.5**2 * 88.0) < 1.1
    assert 0.5 < left["maximum_area_mm2"] / (np.pi * 3.5**2) < 1.6
    assert rows["right"]["count"] == 0


def test_its_area_is_told_at_any_plane_of_the_search():
    rendering = twin(Layer(upright(32.0, 35.0, 3.5), BLOOD_HU))
    search = find_collaterals(rendering.image, rendering.segmentation)
    assert 0.5 < search.area_mm2(40.0) / (np.pi * 3.5**2) < 1.6
    assert search.area_mm2(500.0) is None


def test_spine_artery_cava_and_muscle_are_none():
    assert [row["count"] for row in found(twin()).values()] == [0, 0]


def test_a_kidney_and_the_vessels_in_it_are_none():
    kidney = Layer(Ellipsoid((-52.0, 45.0, 45.0), (24.0, 24.0, 38.0)), 190.0)
    fat = Layer(upright(-52.0, 45.0, 9.0), -80.0)
    vessel = Layer(upright(-52.0, 45.0, 3.0), BLOOD_HU)
    assert found(twin(kidney, fat, vessel))["right"]["count"] == 0


def test_thinner_ones_that_anybody_has_are_none():
    assert found(twin(Layer(upright(32.0, 35.0, 0.8), BLOOD_HU)))["left"]["count"] == 0


@pytest.mark.parametrize("hu", [60.0, 100.0])
def test_without_contrast_nothing_is_told(hu):
    for row in found(twin(cava_hu=hu)).values():
        assert row["count"] is None
        assert row["volume_mm3"] is None
        assert row["reason"] == "the labelled veins are not enhanced enough"


def test_without_a_spine_nothing_is_told(tilted):
    (left, _) = find_collaterals(tilted.image, tilted.segmentation).table.rows
    assert left["count"] is None
    assert left["reason"]
