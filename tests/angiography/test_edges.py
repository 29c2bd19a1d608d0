"""Edges of projected veins: right to a fraction of a pixel, whatever section, width and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venoseg.angiography import compose, subtract
from venoseg.angiography.course import Ground, find_path, smooth_course
from venoseg.angiography.edges import Edges, find_edges
from venoseg.angiography.widthmodel import Look, Samples, fit_profiles
from venoseg.dicom.angiogram import Mask
from venoseg.errors import MeasurementError

AVERAGE = Mask("AVG_SUB", ((2, 9),), (0, 1))


def edges_of(scene: Any) -> Edges:
    subtraction = subtract(scene.run(masks=(AVERAGE,)))
    picture = compose(subtraction).picture
    vein = scene.veins[0]
    start, stop = np.array(vein.start), np.array(vein.stop)
    ends = np.clip([start + 0.1 * (stop - start), start + 0.9 * (stop - start)], 2, 253)
    return find_edges(
        picture, subtraction.seen, find_path(Ground.of(picture, subtraction.seen), ends)
    )


def errors_of(edges: Edges, vein: Any) -> Any:
    start, stop = np.array(vein.start), np.array(vein.stop)
    axis = (stop - start) / np.hypot(*(stop - start))
    along = (edges.course.points_px - start) @ axis
    return (edges.width_px - vein.width_px(along))[6:-6]


@pytest.mark.parametrize("width", [7.0, 10.0, 16.0, 24.0, 36.0])
def test_widths_are_right_to_a_tenth_of_a_pixel(scene: Any, vein: Any, width: float):
    vein = type(vein)(width_px=lambda along: np.full_like(along, width))
    errors = errors_of(edges_of(scene.but(veins=(vein,))), vein)
    assert abs(errors.mean()) < 0.1
    assert errors.std() < 0.12


@pytest.mark.parametrize("exponent", [1.7, 2.0, 4.0])
def test_sections_need_not_be_round(scene: Any, vein: Any, exponent: float):
    vein = type(vein)(exponent=exponent)
    errors = errors_of(edges_of(scene.but(veins=(vein,))), vein)
    assert abs(errors.mean()) < 0.15


def test_oblique_veins_are_measured_across(scene: Any, vein: Any):
    vein = type(vein)(start=(60.0, -10.0), stop=(190.0, 270.0))
    errors = errors_of(edges_of(scene.but(veins=(vein,))), vein)
    assert abs(errors.mean()) < 0.1


@pytest.mark.parametrize("blur", [0.4, 1.5])
def test_blur_does_not_widen_the_vein(scene: Any, vein: Any, blur: float):
    assert abs(errors_of(edges_of(scene.but(blur=blur)), vein).mean()) < 0.1


@pytest.mark.parametrize("opacity", [0.12, 1.4])
def test_the_amount_of_contrast_does_not_matter(scene: Any, vein: Any, opacity: float):
    vein = type(vein)(opacity=opacity)
    assert abs(errors_of(edges_of(scene.but(veins=(vein,))), vein).mean()) < 0.15


def test_a_narrowing_keeps_its_depth_and_place(scene: Any, vein: Any):
    narrow = type(vein)(
        width_px=lambda along: 24.0 * (1 - 0.6 * np.exp(-(((along - 150) / 18) ** 2)))
    )
    edges = edges_of(scene.but(veins=(narrow,)))
    assert edges.width_px.min() == pytest.approx(9.6, abs=0.3)
    assert edges.course.points_px[edges.width_px.argmin(), 1] == pytest.approx(130.0, abs=3.0)


def test_the_standard_deviation_is_that_of_repeated_runs(scene: Any, vein: Any):
    runs = [edges_of(scene.but(seed=seed, noise=0.02)) for seed in range(4)]
    spread = np.mean([errors_of(edges, vein).std() for edges in runs])
    stated = np.mean([np.median(edges.width_sd_px) for edges in runs])
    assert 0.6 < stated / spread < 2.0


def test_nothing_is_measured_where_nothing_fills(scene: Any):
    subtraction = subtract(scene.run(masks=(AVERAGE,)))
    picture = compose(subtraction).picture
    path = np.stack([np.full(150, 40.0), np.arange(50.0, 200.0)], axis=1)
    with pytest.raises(MeasurementError, match="no filled vein"):
        find_edges(picture, subtraction.seen, path)


def test_a_point_outside_the_picture_is_named(scene: Any):
    picture = np.zeros(scene.shape, np.float32)
    with pytest.raises(MeasurementError, match="column 300, row 20"):
        find_path(Ground.of(picture, picture == 0), np.array([[300.0, 20.0], [20.0, 20.0]]))


def test_points_too_close_together_are_refused():
    with pytest.raises(MeasurementError, match="too close"):
        smooth_course(np.array([[10.0, 10.0], [12.0, 10.0]]), 2.0)


def test_a_path_goes_through_its_points(scene: Any):
    picture = scene.veins[0].picture(scene.shape).astype(np.float32)
    points = np.array([[128.0, 20.0], [128.0, 120.0], [130.0, 230.0]])
    path = find_path(Ground.of(picture, picture >= 0), points)
    distance = np.linalg.norm(path[:, None] - points, axis=2).min(axis=0)
    assert (distance <= 1.0).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    half=st.floats(3.0, 20.0),
    middle=st.floats(-2.0, 2.0),
    blur=st.floats(0.4, 1.5),
    scatter=st.floats(0.0, 0.4),
    opacity=st.floats(0.1, 1.5),
    slope=st.floats(-0.005, 0.005),
)
def test_exact_profiles_are_fitted_exactly(
    half: float, middle: float, blur: float, scatter: float, opacity: float, slope: float
):
    """The model's own profile comes back, from edges begun a pixel off."""
    from scipy import ndimage

    fine = np.arange(-60.0, 60.0, 0.02)
    chord = np.sqrt(np.clip(1 - ((fine - middle) / half) ** 2, 0, None))
    seen = ndimage.gaussian_filter1d(np.exp(-opacity * chord), blur / 0.02)
    profile = -np.log((seen + scatter) / (1 + scatter))
    offsets = np.arange(-half * 1.5 - 6, half * 1.5 + 6, 0.5)
    values = np.interp(offsets, fine, profile) + slope * offsets + 0.1
    samples = Samples(
        offsets,
        values[None],
        np.ones((1, len(offsets))),
        np.array([-np.log((np.exp(-opacity) + scatter) / (1 + scatter))]),
        1e-4,
    )
    start = np.array([[middle - half + 1.0, middle + half - 0.7]])
    fit = fit_profiles(samples, start, Look(2.0, round(scatter, 2), blur))
    np.testing.assert_allclose(fit.edges_px[0], [middle - half, middle + half], atol=0.06)
