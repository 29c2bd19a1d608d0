"""Voxels inside a tube."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.inside import voxels_inside
from venoseg.segmentation.tubes.wall import RAYS, ROUND, Tube


def tube_in(grid, flat: float = 1.0) -> tuple[Tube, np.ndarray, np.ndarray]:
    """A straight tube through the middle of a grid: 5 mm wide, ``flat`` times that along one axis.

    Returns the tube and, for every voxel, its depth and how far along the course it lies.
    """
    ends = grid.to_lps(np.array([(4, 5, 6), np.array(grid.shape) - (5, 6, 7)]))
    course = course_through(ends, 1.5, 3.0)
    radius = 5.0 / np.sqrt(ROUND[:, 0] ** 2 / flat**2 + ROUND[:, 1] ** 2)
    count = len(course.points_lps_mm)
    tube = Tube(course, np.tile(radius, (count, 1)), np.full(count, 100.0), np.zeros((count, RAYS)))
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1)) - ends[0]
    first, second, along = (
        points @ axes[0] for axes in (course.first, course.second, course.tangent)
    )
    return tube, 1.0 - np.hypot(first / flat, second) / 5.0, along


def test_they_are_those_that_lie_nearer_to_its_course_than_its_wall(askew, upright):
    for grid in (askew, upright):
        for flat in (1.0, 2.0):
            tube, depth, along = tube_in(grid, flat)
            length = tube.course.step_mm * (len(tube.course.points_lps_mm) - 1)
            found = voxels_inside(tube, grid, np.ones(len(tube.radius_mm), dtype=bool))
            drawn = np.zeros(grid.shape, dtype=bool)
            drawn[tuple(found.index.T)] = True
            assert drawn.sum() == len(found.index)
            between = (along > 0) & (along < length)
            assert drawn[(depth > 0.05) & between].all()
            assert not drawn[(depth < -0.05) | (along < -0.6) | (along > length + 0.6)].any()
            assert np.abs(found.depth - depth[tuple(found.index.T)]).max() < 0.04


def test_where_the_tube_has_no_lumen_there_are_none(upright):
    tube, _, along = tube_in(upright)
    open_stations = np.arange(len(tube.radius_mm)) < 10
    found = voxels_inside(tube, upright, open_stations)
    reach = along[tuple(found.index.T)]
    assert 9 * tube.course.step_mm < reach.max() < 10 * tube.course.step_mm
    assert (found.station < 10).all()
