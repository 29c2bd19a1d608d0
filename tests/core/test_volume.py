"""The one place where index order and patient order meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from venoseg.errors import InputError
from venoseg.volume import Grid, Volume


def test_default_axes_are_an_axial_series_from_the_feet_up():
    grid = Grid.from_axes((4, 5, 6), spacing_mm=(3.0, 0.5, 0.7), origin_lps_mm=(-10, -20, 100))
    assert grid.to_lps((1, 0, 0)).tolist() == [-10, -20, 103]
    assert grid.to_lps((0, 2, 0)).tolist() == [-10, -19, 100]
    np.testing.assert_allclose(grid.to_lps((0, 0, 1)), [-9.3, -20, 100])


@settings(deadline=None)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 10)] * 3),
    origin=st.tuples(*[st.floats(-1000, 1000)] * 3),
    flips=st.tuples(*[st.sampled_from([-1, 1])] * 3),
)
def test_index_and_lps_are_inverse_on_any_orthogonal_grid(angles, spacing, origin, flips):
    directions = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * flips
    grid = Grid.from_axes(
        (7, 8, 9), spacing_mm=spacing, origin_lps_mm=origin, directions=directions
    )
    index = np.array([[0, 0, 0], [6, 7, 8], [1.5, 2.25, 3.75]])
    np.testing.assert_allclose(grid.to_index(grid.to_lps(index)), index, atol=1e-6)
    np.testing.assert_allclose(grid.spacing_mm, spacing)
    again = Grid.from_itk((9, 8, 7), *grid.itk_geometry())
    assert grid.matches(again, tolerance_mm=1e-6)


def test_many_points_are_mapped_as_few_are():
    grid = Grid.from_axes((40, 50, 60), spacing_mm=(3.0, 0.7, 0.8), origin_lps_mm=(-10, -20, 100))
    index = np.random.default_rng(0).uniform(0.0, 40.0, (25, 1001, 3))
    few = np.array([grid.to_lps(row) for row in index])
    np.testing.assert_allclose(grid.to_lps(index), few, rtol=1e-12)
    np.testing.assert_allclose(grid.to_index(few), index, atol=1e-9)


def test_a_sheared_grid_is_refused():
    affine = np.eye(4)
    affine[0, 2] = 0.1
    with pytest.raises(InputError, match="perpendicular"):
        Grid((2, 2, 2), affine)


def test_cropping_keeps_every_voxel_in_its_place():
    grid = Grid.from_axes((6, 7, 8), spacing_mm=(2.0, 0.5, 0.7), origin_lps_mm=(5, 6, 7))
    volume = Volume(np.arange(336, dtype=np.int16).reshape(6, 7, 8), grid)
    part = volume.crop((slice(1, 4), slice(2, 5), slice(3, 7)))
    assert part.voxels[0, 0, 0] == volume.voxels[1, 2, 3]
    np.testing.assert_allclose(part.grid.to_lps((0, 0, 0)), grid.to_lps((1, 2, 3)))


def test_voxels_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        Volume(np.zeros((2, 2, 2)), Grid.from_axes((2, 2, 3), spacing_mm=(1, 1, 1)))


@pytest.mark.parametrize(
    ("order", "axis"), [((0, 1, 2), 0), ((2, 0, 1), 1), ((1, 2, 0), 2)], ids=str
)
@pytest.mark.parametrize("slice_mm", [0.8, 3.0])
def test_the_slices_are_told_from_the_pixels_in_whichever_order_a_file_stores_them(
    stored, order, axis, slice_mm
):
    grid, _ = stored(
        Grid.from_axes((4, 5, 6), spacing_mm=(slice_mm, 0.8, 0.8)), order, (False, True, False)
    )
    assert grid.through_axis == axis
    assert grid.slice_and_pixel_mm == pytest.approx((slice_mm, 0.8))


def test_slices_of_a_coronal_reformation_lie_behind_one_another():
    coronal = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    grid = Grid.from_axes((4, 5, 6), spacing_mm=(3.0, 0.8, 0.8), directions=coronal)
    assert grid.axial_axis == 1
    assert grid.through_axis == 0
