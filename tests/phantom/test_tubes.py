from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venoseg.errors import UsageError
from venoseg.phantom import Curve, Narrowing, Profile, Span, Tube, contour_at, narrowed, sections_at


def cylinder(radius_mm: float = 8.0, length_mm: float = 60.0) -> Tube:
    curve = Curve.through([(0, 0, 0), (0, 0, -length_mm)])
    profile = Profile.along(curve, 0.0, radius_mm, radius_mm)
    return Tube(curve, profile, (Span("ivc", 0.0, length_mm),))


def test_distance_to_a_cylinder_is_exact_near_its_wall() -> None:
    points = np.array([(8.5, 0, -30.0), (0, 7.5, -30.0), (0, -9.0, -12.3)])
    assert cylinder().distance(points) == pytest.approx([0.5, -0.5, 1.0], abs=1e-6)


def test_flat_end_cuts_the_vessel_at_its_last_point() -> None:
    assert cylinder().distance(np.array([(0, 0, 1.0), (0, 0, -59.0)])) == pytest.approx([1, -1])


@given(turn=st.floats(0, 2 * np.pi), aspect=st.floats(1, 4), where=st.floats(5, 55))
@settings(max_examples=40, deadline=None)
def test_contour_lies_on_the_surface(turn: float, aspect: float, where: float) -> None:
    curve = Curve.through([(0, 0, 0), (6, 3, -30), (0, 10, -60)])
    tube = Tube(curve, Profile.along(curve, 0.0, 5 * aspect**0.5, 5 / aspect**0.5, turn))
    assert np.abs(tube.distance(contour_at(tube, where))).max() < 0.01


@given(x=st.floats(-40, 40), y=st.floats(-40, 40), z=st.floats(-80, 20))
@settings(max_examples=60, deadline=None)
def test_distance_never_exceeds_the_distance_to_the_contour(x: float, y: float, z: float) -> None:
    curve = Curve.through([(0, 0, 0), (6, 3, -30), (0, 10, -60)])
    tube = Tube(curve, Profile.along(curve, 0.0, 10.0, 4.0), central_cap="round")
    contours = np.concatenate([contour_at(tube, s) for s in np.arange(0, curve.length_mm, 0.5)])
    nearest = np.linalg.norm(contours - (x, y, z), axis=1).min()
    assert abs(tube.distance(np.array([(x, y, z)]))[0]) <= nearest + 0.3


def test_curve_frame_stays_perpendicular_and_does_not_twist() -> None:
    curve = Curve.through([(0, 0, 0), (20, 0, -30), (20, 30, -60), (0, 30, -90)])
    assert np.abs(np.einsum("ij,ij->i", curve.first_axes, curve.tangents)).max() < 1e-9
    step = np.diff(curve.first_axes, axis=0)
    twist = np.einsum("ij,ij->i", step, curve.second_axes[1:])
    assert np.abs(twist).max() < 1e-4


def test_sections_of_an_ellipse_are_analytic() -> None:
    curve = Curve.through([(0, 0, 0), (0, 0, -50)])
    tube = Tube(curve, Profile.along(curve, 0.0, 9.0, 3.0))
    found = sections_at(tube, np.array([25.0]))
    assert found.area_mm2[0] == pytest.approx(np.pi * 27)
    assert (found.minimum_mm[0], found.maximum_mm[0]) == pytest.approx((6, 18))
    assert found.perimeter_mm[0] == pytest.approx(40.09, abs=0.05)


@pytest.mark.parametrize("widening", [None, 1.3])
def test_narrowing_takes_exactly_its_share_of_the_area(widening: float | None) -> None:
    tube = narrowed(cylinder(), Narrowing(30.0, 20.0, 70.0, widening))
    found = sections_at(tube, np.array([10.0, 30.0]))
    assert found.area_mm2 == pytest.approx([64 * np.pi, 0.3 * 64 * np.pi], rel=1e-6)
    assert found.healthy_area_mm2 == pytest.approx([64 * np.pi] * 2)


def test_narrowing_of_everything_is_refused() -> None:
    with pytest.raises(UsageError, match="0 to 99"):
        Narrowing(10.0, 10.0, 100.0)


def test_curve_through_one_point_is_refused() -> None:
    with pytest.raises(UsageError, match="two different points"):
        Curve.through([(0, 0, 0), (0, 0, 0)])
