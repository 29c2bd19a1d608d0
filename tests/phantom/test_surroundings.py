from __future__ import annotations

import numpy as np
import pytest

from venoseg.phantom import Layer, Scene, iliocaval_y
from venoseg.phantom.body import Common, Union, Without
from venoseg.phantom.ct import paint
from venoseg.phantom.solids import Box, Ellipsoid, HalfSpace, Texture
from venoseg.phantom.surroundings import in_body
from venoseg.volume import FloatArray, Grid


def hu_at(scene: Scene, point: tuple[float, float, float]) -> float:
    grid = Grid.from_axes((1, 1, 1), spacing_mm=(0.5, 0.5, 0.5), origin_lps_mm=point)
    return float(paint(scene, grid)[0][0, 0, 0])


@pytest.fixture(scope="module")
def abdomen() -> Scene:
    return in_body(iliocaval_y(1, femoral=True), 1)


@pytest.mark.parametrize(
    ("point", "low", "high"),
    [
        ((0.0, -140.0, 0.0), -1001, -999),
        ((0.0, 30.0, 100.0), 60, 350),
        ((8.0, -13.0, 60.0), 150, 170),
        ((-20.0, -1.0, 55.0), 145, 155),
        ((40.0, 30.0, 80.0), 40, 75),
        ((76.0, 50.0, 106.0), 150, 200),
        ((0.0, -28.0, -160.0), 0, 20),
        ((96.0, -4.0, -172.0), 60, 400),
        ((0.0, 118.0, 0.0), -125, -75),
    ],
    ids=["air", "vertebra", "aorta", "cava", "psoas", "kidney", "bladder", "femur", "fat"],
)
def test_each_tissue_is_where_it_belongs(
    abdomen: Scene, point: tuple[float, float, float], low: float, high: float
) -> None:
    assert low < hu_at(abdomen, point) < high


def test_right_common_iliac_artery_crosses_before_the_left_common_iliac_vein(
    abdomen: Scene,
) -> None:
    vein = abdomen.tubes[1].curve
    crossing = vein.at(np.arange(12.0, 30.0))
    wall, lumen = abdomen.before[-7].shape, abdomen.before[-6].shape
    before = crossing - np.array([0, 1, 0]) * np.arange(6, 22)[:, None, None]
    points: FloatArray = before.reshape(-1, 3)
    assert lumen.distance(points).min() < -3
    assert wall.distance(points).min() < lumen.distance(points).min()


def test_renal_veins_reach_both_kidneys_and_can_be_left_out(abdomen: Scene) -> None:
    before_the_aorta, beside_the_cava = (10.0, -29.0, 112.5), (-42.0, 11.0, 105.5)
    without = in_body(iliocaval_y(1, femoral=True), 1, renal=False)
    for point in (before_the_aorta, beside_the_cava):
        assert hu_at(abdomen, point) == pytest.approx(160, abs=5)
        assert hu_at(without, point) < 100


def test_layers_of_the_scene_stay_above_the_surroundings() -> None:
    bead = Layer(Ellipsoid((0.0, -50.0, 0.0), (5.0, 5.0, 5.0)), 900.0)
    scene = in_body(Scene("bead", iliocaval_y(1).tubes, before=(bead,)), 1)
    assert hu_at(scene, (0.0, -50.0, 0.0)) == pytest.approx(900, abs=1)


def test_solids_know_their_surface() -> None:
    ball = Ellipsoid((1.0, 2.0, 3.0), (4.0, 4.0, 4.0))
    points = np.array([(1.0, 2.0, 8.0), (1.0, 2.0, 6.5)])
    assert ball.distance(points) == pytest.approx([1.0, -0.5])
    half = Common((ball, HalfSpace((1.0, 2.0, 3.0), (0.0, 0.0, 1.0))))
    assert half.distance(points) == pytest.approx([5.0, 3.5])
    hollow = Without(ball, Ellipsoid((1.0, 2.0, 3.0), (3.0, 3.0, 3.0)))
    assert hollow.distance(points) == pytest.approx([1.0, -0.5])
    box = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0), rounding_mm=0.0)
    assert box.distance(np.array([(0.0, 0.0, 3.0), (0.0, 0.0, 0.5)])) == pytest.approx([2, -0.5])


def test_union_far_from_its_parts_never_exceeds_the_true_distance() -> None:
    first, second = Ellipsoid((0, 0, 0), (3, 3, 3)), Ellipsoid((30, 0, 0), (3, 3, 3))
    points = np.array([(15.0, 0.0, 0.0), (0.0, 20.0, 0.0), (30.0, 0.0, 1.0)])
    found = Union((first, second)).distance(points)
    assert (found[:2] > 0).all()
    assert (found[:2] <= [12.0, 17.0]).all()
    assert found[2] == pytest.approx(-2)


def test_texture_has_its_mean_and_spread() -> None:
    points = np.random.Generator(np.random.PCG64(1)).uniform(-200, 200, (20000, 3))
    values = Texture(200.0, 40.0, 7.0, 3)(points)
    assert values.mean() == pytest.approx(200, abs=2)
    assert values.std() == pytest.approx(40, rel=0.1)
