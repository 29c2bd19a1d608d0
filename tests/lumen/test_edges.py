"""Images along the normals of a contour."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.centerline.curve import curve_through
from venoseg.lumen.boundary.search import depths_mm
from venoseg.lumen.rays.edges import sample_profiles, to_lps
from venoseg.volume import Grid

VOXELS = np.random.default_rng(3).integers(-200, 300, (60, 70, 80)).astype(np.int16)
GRID = Grid.from_axes(VOXELS.shape, spacing_mm=(1.5, 0.8, 0.7), origin_lps_mm=(-10.0, 5.0, 20.0))


@pytest.mark.parametrize("rays", [1, 96], ids=["few", "many"])
@pytest.mark.parametrize(
    "way",
    [([30, 30, 30], [40, 34, 36]), ([-3, 2, 40], [62, 71, 4])],
    ids=["inside", "across the border"],
)
def test_rays_see_what_lies_at_their_places(way, rays):
    ends = GRID.to_lps(np.array(way, dtype=float))
    curve = curve_through(np.linspace(*ends, 20), 1.0)
    turn = np.arange(rays) * 2.0 * np.pi / rays
    normals = np.broadcast_to(np.stack([np.cos(turn), np.sin(turn)], -1), (len(curve), rays, 2))
    contours, depths = 4.0 * normals, depths_mm(3.2)

    seen = sample_profiles(VOXELS, GRID, curve, contours, normals, depths).values

    along = (contours[:, :, None] + depths[:, None] * normals[:, :, None]).reshape(
        len(curve), -1, 2
    )
    index = GRID.to_index(curve.points_lps_mm[:, None] + to_lps(along, curve))
    there = ndimage.map_coordinates(VOXELS, np.moveaxis(index, -1, 0), np.float32, 1, "nearest")
    assert seen == pytest.approx(there.reshape(seen.shape), abs=2e-3)


def test_no_station_sees_nothing():
    curve = curve_through(GRID.to_lps(np.array([[30.0, 30, 30], [40, 34, 36]])), 1.0)
    none = np.empty((0, 4, 2))
    seen = sample_profiles(VOXELS, GRID, curve.part(slice(0, 0)), none, none, depths_mm(3.2))
    assert seen.values.shape == (0, 4, 17)
