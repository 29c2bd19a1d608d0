"""The way across an occlusion: along the cord, not through what is bright beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.bridging import cost_across, instead_of_broken, is_broken
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.courses.ways import cost_for
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.tubes.following import cost_of, way_through
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.voxels.paths import cheapest_way
from venoseg.segmentation.working import Float32Array
from venoseg.volume import FloatArray, Grid

CAVA_MM, AORTA_MM = np.array([-20.0, 0.0]), np.array([10.0, -4.0])
SHUT_MM, OPEN_MM, TOP_MM = 10.0, 90.0, 140.0
"""Between the first two heights the cava is a cord."""


def line(xy_mm: np.ndarray, low_mm: float, high_mm: float) -> FloatArray:
    z = np.arange(low_mm, high_mm + 1.0, 2.0)
    return np.column_stack([np.full(len(z), xy_mm[0]), np.full(len(z), xy_mm[1]), z])


@pytest.fixture
def scene() -> Scene:
    """An aorta, a cava shut below a vein that crosses before the aorta, and a collateral."""
    grid = Grid.from_axes((80, 60, 70), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-80, -60, -10))
    x, y, z = np.moveaxis(
        grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3)), -1, 0
    ).reshape(3, *grid.shape)
    image = np.full(grid.shape, -100.0, np.float32)
    from_cava = np.hypot(x - CAVA_MM[0], y - CAVA_MM[1])
    image[from_cava < 3] = 48.0
    for blood in (
        (from_cava < 8) & ((z > OPEN_MM) | (z < SHUT_MM)),
        np.hypot(x - AORTA_MM[0], y - AORTA_MM[1]) < 8,
        (np.hypot(y + 12, z - 112) < 5) & (x > -20) & (x < 50),
        (from_cava < 14) & (np.abs(z - 112) < 4) & (y < 0),
        np.hypot(x - 40, y - 4) < 4,
        (np.hypot(y - 2, z - 4) < 5) & (x > -20) & (x < 40),
    ):
        image[blood] = 160.0
    picture = Picture(image, image, grid)
    aorta = line(AORTA_MM, 20.0, TOP_MM)
    return Scene(
        picture,
        division_lps_mm=aorta[0],
        aorta_lps_mm=aorta,
        trunk=Artery(aorta, np.full(len(aorta), 6.0)),
    )


def chain() -> Chain:
    ends = np.concatenate([line(CAVA_MM, TOP_MM, TOP_MM), line(CAVA_MM, 0.0, 0.0)])
    return Chain("right", ends, (), "right_iliac_vein")


def price(scene: Scene) -> Float32Array:
    level = np.full(scene.picture.grid.shape[0], 160.0)
    return cost_of(scene.picture, level, level, None, None)


def away_from_cord(way: FloatArray) -> float:
    shut = way[(way[:, 2] > SHUT_MM) & (way[:, 2] < OPEN_MM)]
    return float(np.linalg.norm(shut[:, :2] - CAVA_MM, axis=1).max())


def test_the_cheapest_way_alone_leaves_the_vein_and_is_told_to_be_broken(scene):
    cost = price(scene)
    way = cheapest_way(cost, scene.picture.grid, *chain().points_lps_mm)
    assert away_from_cord(way) > 20.0
    assert is_broken(scene, cost, way)


def test_the_way_across_an_occlusion_keeps_to_the_cord(scene):
    cost = price(scene)
    way = way_through(
        scene.picture,
        cost,
        chain().points_lps_mm,
        instead_of_broken(scene, chain(), cost),
    )
    assert away_from_cord(way) < 6.0


def test_an_open_vein_is_not_broken(scene):
    cost = price(scene)
    assert not is_broken(scene, cost, line(CAVA_MM, OPEN_MM, TOP_MM))


def test_left_of_the_aorta_costs_more_but_where_the_vein_was_seen_there(scene):
    left = scene.picture.index(np.array([[30.0, 4.0, 60.0]]))
    right = scene.picture.index(np.array([[-10.0, 4.0, 60.0]]))
    usual = cost_across(scene, chain())
    assert usual[left][0] > usual[right][0] + 10.0
    points = np.insert(chain().points_lps_mm, 1, [34.0, 4.0, 60.0], axis=0)
    variant = cost_across(scene, Chain("right", points, (), "right_iliac_vein"))
    assert variant[left][0] == variant[right][0]


def test_without_an_aorta_nothing_is_known(scene):
    assert not cost_across(Scene(scene.picture), chain()).any()


def test_blood_that_changes_where_a_vein_joins_is_no_dearer_than_before(scene):
    """Right below its upper end the cava is already as dark as at the lower one."""
    z = scene.picture.grid.to_lps(np.column_stack([np.arange(80)] * 3))[:, 2]
    image = scene.picture.mean_hu.copy()
    vein = image == 160.0
    image[vein & (z < TOP_MM - 10.0)[:, None, None]] = 90.0
    changed = replace(scene, picture=Picture(image, image, scene.picture.grid))
    cost = cost_for(changed, chain())
    along = line(CAVA_MM, OPEN_MM + 4.0, TOP_MM - 14.0)
    assert cost[changed.picture.index(along)].max() < 0.5


def test_marrow_as_bright_as_blood_is_dear(scene):
    bone = np.zeros(scene.picture.grid.shape, np.float32)
    bone[:, 40:] = 1.0
    spine = replace(scene, in_spine=bone)
    dearer = cost_for(spine, chain()) - cost_for(scene, chain())
    assert dearer[:, 40:].min() > 5.0
    assert dearer[:, :40].max() == 0.0
