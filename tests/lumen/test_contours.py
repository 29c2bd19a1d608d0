"""Figures of contours whose area, perimeter, widths and inscribed circle follow from geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ellipe

from venoseg.lumen.geometry.contours import (
    areas_mm2,
    centroids_mm,
    curvatures_per_mm,
    evenly_spaced,
    feret_diameters_mm,
    measure_shapes,
    outward_normals,
    perimeters_mm,
    resample_closed,
)
from venoseg.lumen.geometry.inscribed import inscribed_diameters_mm
from venoseg.lumen.geometry.outline import CONTOUR_POINTS


def ellipse(a: float, b: float, count: int = CONTOUR_POINTS) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 20 * count, endpoint=False)
    dense = np.column_stack([a * np.cos(turn), b * np.sin(turn)])
    return resample_closed([dense], count)[0]


def polygon(corners: list[tuple[float, float]], count: int = 400) -> np.ndarray:
    """Points along the edges of a polygon, its corners among them."""
    points = np.array(corners, dtype=float)
    edges = np.roll(points, -1, axis=0) - points
    length = np.linalg.norm(edges, axis=1)
    pieces = []
    for corner, edge, size in zip(points, edges, length, strict=True):
        steps = max(2, round(count * size / length.sum()))
        pieces.append(corner + np.arange(steps)[:, None] / steps * edge)
    return np.vstack(pieces)


def turned(contour: np.ndarray, angle: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    return contour @ np.array([[cosine, sine], [-sine, cosine]])


RECTANGLE = [(-10, -1), (10, -1), (10, 1), (-10, 1)]
# A ring of radii 4 and 8 with a quarter missing on the right: what a half-moon of thrombus leaves.
C_ANGLES = np.radians(np.linspace(45, 315, 400))
C_SHAPE = np.vstack(
    [
        8 * np.column_stack([np.cos(C_ANGLES), np.sin(C_ANGLES)]),
        4 * np.column_stack([np.cos(C_ANGLES[::-1]), np.sin(C_ANGLES[::-1])]),
    ]
)
STAR_ANGLES = np.arange(10) * math.pi / 5
STAR_RADII = np.where(np.arange(10) % 2 == 0, 10.0, 4.0)
STAR = list(zip(STAR_RADII * np.cos(STAR_ANGLES), STAR_RADII * np.sin(STAR_ANGLES), strict=True))


def test_a_circle_has_one_diameter_whatever_it_is_called():
    shapes = measure_shapes(ellipse(7.0, 7.0)[None])
    assert shapes.area_mm2[0] == pytest.approx(49 * math.pi, rel=1e-3)
    assert shapes.perimeter_mm[0] == pytest.approx(14 * math.pi, rel=1e-3)
    for diameter in (
        shapes.equivalent_mm,
        shapes.minimum_mm,
        shapes.maximum_mm,
        shapes.inscribed_mm,
    ):
        assert diameter[0] == pytest.approx(14.0, abs=0.02)


@pytest.mark.parametrize(("a", "b"), [(8.0, 5.0), (12.0, 4.0), (12.0, 1.5)])
def test_an_ellipse_has_the_figures_of_its_axes(a, b):
    shapes = measure_shapes(ellipse(a, b)[None])
    assert shapes.area_mm2[0] == pytest.approx(math.pi * a * b, rel=3e-3)
    assert shapes.perimeter_mm[0] == pytest.approx(4 * a * ellipe(1 - (b / a) ** 2), rel=3e-3)
    assert shapes.equivalent_mm[0] == pytest.approx(2 * math.sqrt(a * b), rel=2e-3)
    assert shapes.minimum_mm[0] == pytest.approx(2 * b, abs=0.02)
    assert shapes.maximum_mm[0] == pytest.approx(2 * a, abs=0.03)
    assert shapes.inscribed_mm[0] == pytest.approx(2 * b, abs=0.03)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 31.7, 90.0, 133.0])
def test_the_least_width_of_a_slit_does_not_depend_on_how_it_lies(degrees):
    """A slit of 20 x 2 mm: one degree off its normal it would already measure 2.3 mm."""
    minimum, maximum, angle = feret_diameters_mm(
        turned(polygon(RECTANGLE), math.radians(degrees))[None]
    )
    assert minimum[0] == pytest.approx(2.0, abs=0.02)
    assert maximum[0] == pytest.approx(math.hypot(20, 2), rel=5e-4)
    off = (math.degrees(angle[0]) - degrees - 90) % 180
    assert min(off, 180 - off) < 0.1


def test_a_rectangle_has_the_figures_of_its_sides():
    shapes = measure_shapes(polygon(RECTANGLE)[None])
    assert shapes.area_mm2[0] == pytest.approx(40.0)
    assert shapes.perimeter_mm[0] == pytest.approx(44.0)
    assert shapes.equivalent_mm[0] == pytest.approx(2 * math.sqrt(40 / math.pi))
    assert shapes.inscribed_mm[0] == pytest.approx(2.0, abs=0.01)


def test_a_circle_inside_a_narrow_slit_is_no_wider_than_the_slit():
    """With points half a millimetre apart: the edge between them bounds it, not the points."""
    contour = polygon([(-10, -0.4), (10, -0.4), (10, 0.4), (-10, 0.4)], count=CONTOUR_POINTS)
    assert measure_shapes(contour[None]).inscribed_mm[0] == pytest.approx(0.8, abs=0.01)


def test_an_l_is_as_wide_as_its_hull_and_holds_the_circle_of_its_corner():
    """Arms 4 mm wide and 10 mm long: the circle touches both outer sides and the inner corner."""
    corners = [(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)]
    shapes = measure_shapes(polygon(corners)[None])
    assert shapes.area_mm2[0] == pytest.approx(64.0)
    assert shapes.perimeter_mm[0] == pytest.approx(40.0)
    assert shapes.maximum_mm[0] == pytest.approx(math.hypot(10, 10), rel=5e-4)
    # The hull's long edge runs from (10, 4) to (4, 10); the farthest point of it is the origin.
    assert shapes.minimum_mm[0] == pytest.approx(14 / math.sqrt(2), abs=0.01)
    assert shapes.inscribed_mm[0] == pytest.approx(2 * 4 * (2 - math.sqrt(2)), abs=0.02)


def test_a_c_is_measured_by_its_hull_and_its_own_thickness():
    shapes = measure_shapes(C_SHAPE[None])
    assert shapes.area_mm2[0] == pytest.approx(0.75 * math.pi * (64 - 16), rel=1e-3)
    assert shapes.perimeter_mm[0] == pytest.approx(0.75 * 2 * math.pi * (8 + 4) + 2 * 4, rel=1e-3)
    assert shapes.maximum_mm[0] == pytest.approx(16.0, abs=0.01)
    # Along x the ring ends at the tips, 8 cos 45 to the right.
    assert shapes.minimum_mm[0] == pytest.approx(8 + 8 * math.cos(math.pi / 4), abs=0.01)
    assert shapes.inscribed_mm[0] == pytest.approx(4.0, abs=0.02)


def test_the_centre_of_area_of_a_c_lies_in_its_hollow_and_does_not_mislead_the_circle():
    centroid = centroids_mm(C_SHAPE[None])
    assert np.hypot(*centroid[0]) < 4.0
    assert inscribed_diameters_mm(C_SHAPE[None], centroid)[0] == pytest.approx(4.0, abs=0.02)


def test_a_star_of_five_points():
    shapes = measure_shapes(polygon(STAR)[None])
    assert shapes.area_mm2[0] == pytest.approx(5 * 10 * 4 * math.sin(math.pi / 5))
    assert shapes.perimeter_mm[0] == pytest.approx(
        10 * math.sqrt(100 + 16 - 80 * math.cos(math.pi / 5))
    )
    # The hull is a regular pentagon of circumradius 10.
    assert shapes.minimum_mm[0] == pytest.approx(10 * (1 + math.cos(math.pi / 5)), abs=0.01)
    assert shapes.maximum_mm[0] == pytest.approx(20 * math.cos(math.pi / 10), abs=0.01)
    assert shapes.inscribed_mm[0] == pytest.approx(8.0, abs=0.02)


def test_a_contour_that_is_not_there_has_no_figures():
    gone = np.full((1, CONTOUR_POINTS, 2), np.nan)
    shapes = measure_shapes(np.concatenate([ellipse(5, 5)[None], gone]))
    for figure in (
        shapes.area_mm2,
        shapes.perimeter_mm,
        shapes.equivalent_mm,
        shapes.minimum_mm,
        shapes.maximum_mm,
        shapes.inscribed_mm,
    ):
        assert np.isfinite(figure[0])
        assert np.isnan(figure[1])


MADE = st.sampled_from(
    [ellipse(8.0, 5.0), ellipse(12.0, 1.5), polygon(RECTANGLE), C_SHAPE, polygon(STAR)]
)


@settings(deadline=None, max_examples=40)
@given(
    contour=MADE,
    angle=st.floats(0, 2 * math.pi),
    scale=st.floats(0.3, 3.0),
    shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
)
def test_figures_turn_grow_and_move_with_the_contour(contour, angle, scale, shift):
    before = measure_shapes(contour[None])
    after = measure_shapes((turned(contour, angle) * scale + shift)[None])
    assert after.area_mm2[0] == pytest.approx(before.area_mm2[0] * scale**2, rel=1e-6)
    assert after.perimeter_mm[0] == pytest.approx(before.perimeter_mm[0] * scale, rel=1e-6)
    assert after.minimum_mm[0] == pytest.approx(before.minimum_mm[0] * scale, rel=5e-3)
    assert after.maximum_mm[0] == pytest.approx(before.maximum_mm[0] * scale, rel=5e-4)
    assert after.inscribed_mm[0] == pytest.approx(before.inscribed_mm[0] * scale, rel=1e-2)


@settings(deadline=None, max_examples=40)
@given(contour=MADE, angle=st.floats(0, 2 * math.pi))
def test_no_figure_contradicts_another(contour, angle):
    shapes = measure_shapes(turned(contour, angle)[None])
    slack = 1.005
    assert shapes.inscribed_mm[0] <= shapes.minimum_mm[0] * slack
    assert shapes.inscribed_mm[0] <= shapes.equivalent_mm[0] * slack
    assert shapes.equivalent_mm[0] <= shapes.perimeter_mm[0] / math.pi * slack
    assert shapes.minimum_mm[0] <= shapes.maximum_mm[0]


@pytest.mark.parametrize("clockwise", [False, True])
@pytest.mark.parametrize("start", [0, 137])
def test_resampling_spaces_points_evenly_from_the_first_axis_counter_clockwise(clockwise, start):
    turn = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    dense = np.roll(np.column_stack([9 * np.cos(turn), 3 * np.sin(turn)]), start, axis=0)
    even = resample_closed([dense[::-1] if clockwise else dense], 96)[0]
    steps = np.linalg.norm(np.roll(even, -1, axis=0) - even, axis=1)
    assert steps == pytest.approx(np.full(96, steps.mean()), rel=0.02)
    assert even[0] == pytest.approx([9, 0], abs=0.15)
    assert areas_mm2(even[None])[0] > 0


def test_points_are_spaced_evenly_without_cutting_the_bends():
    turn = np.linspace(0, 2 * np.pi, CONTOUR_POINTS, endpoint=False)
    turn = turn + 0.2 * np.sin(turn)
    uneven = np.stack(
        [np.column_stack([a * np.cos(turn) + 1.0, b * np.sin(turn)]) for a, b in ((9, 9), (9, 4))]
    )
    even = evenly_spaced(uneven)
    steps = np.linalg.norm(np.roll(even, -1, axis=1) - even, axis=-1)
    assert steps.max(axis=1) == pytest.approx(steps.min(axis=1), rel=0.02)
    dense = [ellipse(9, b, 40 * CONTOUR_POINTS) for b in (9, 4)]
    area = areas_mm2(np.stack(dense))
    assert areas_mm2(even) == pytest.approx(area, rel=1.5e-3)

    missing = np.concatenate([np.full((1, CONTOUR_POINTS, 2), np.nan), uneven])
    assert np.isnan(evenly_spaced(missing)[0]).all()
    assert evenly_spaced(missing)[1:] == pytest.approx(even, abs=1e-9)


def test_normals_point_out_and_curvature_is_one_over_the_radius():
    circle = ellipse(6.0, 6.0)[None]
    outward = outward_normals(circle)
    assert outward[0] == pytest.approx(circle[0] / 6.0, abs=1e-3)
    assert curvatures_per_mm(circle)[0] == pytest.approx(np.full(96, 1 / 6), rel=0.01)
    hollow = C_SHAPE[None]
    middle_of_inner_arc = len(C_SHAPE) * 3 // 4
    assert curvatures_per_mm(hollow)[0, middle_of_inner_arc] == pytest.approx(-1 / 4, rel=0.02)


def test_a_perimeter_closes_the_contour():
    assert perimeters_mm(np.array([[[0.0, 0], [3, 0], [3, 4]]]))[0] == pytest.approx(12.0)


def test_contours_are_resampled_together_as_each_by_itself():
    turns = [np.linspace(0, 2 * np.pi, count, endpoint=False) for count in (40, 300, 77)]
    contours = [np.column_stack([5 * np.cos(t) + n, 3 * np.sin(t)]) for n, t in enumerate(turns)]
    contours[1] = contours[1][::-1]
    together = resample_closed(contours, 96)
    for one, alone in zip(together, contours, strict=True):
        assert one == pytest.approx(resample_closed([alone], 96)[0], abs=1e-9)
