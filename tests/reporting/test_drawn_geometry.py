"""What is drawn lies where it was measured, on the right side of the patient."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from venoseg.centerline.curve import curve_through
from venoseg.lumen import Measurements
from venoseg.lumen.division.lumens import Lumens
from venoseg.lumen.geometry.contours import feret_diameters_mm
from venoseg.lumen.parted import put_lumens
from venoseg.reporting.calipers import greatest_width, least_width
from venoseg.reporting.figure_overview import _draw_vessel
from venoseg.reporting.gray import gray_at, gray_plane, gray_ribbon
from venoseg.reporting.straightened import crossings_mm, draw_straightened
from venoseg.reporting.stretches import edge_sources, unmeasured
from venoseg.reporting.strip import SIDE_PX, strip_of
from venoseg.reporting.window import GrayWindow, choose_window
from venoseg.reporting.words import NO_REASON, patient_direction, reason_of, warning_words
from venoseg.volume import FloatArray, Grid, Volume


def ellipse(
    half_x_mm: float, half_y_mm: float, turn_rad: float = 0.0, count: int = 180
) -> FloatArray:
    angle = np.arange(count) * (2.0 * np.pi / count)
    points = np.column_stack([half_x_mm * np.cos(angle), half_y_mm * np.sin(angle)])
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    turned: FloatArray = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


@settings(deadline=None)
@given(turn=st.floats(0.0, 3.1), long=st.floats(6.0, 15.0), short=st.floats(2.0, 5.0))
def test_calipers_hold_what_was_measured(turn: float, long: float, short: float) -> None:
    contour = ellipse(long, short, turn) + np.array([1.0, -2.0])
    minimum, maximum, angle = feret_diameters_mm(contour[None])
    least, greatest = least_width(contour, float(angle[0])), greatest_width(contour)
    assert least.width_mm == pytest.approx(minimum[0], rel=1e-4)
    assert greatest.width_mm == pytest.approx(maximum[0], rel=1e-3)
    for caliper in (least, greatest):
        line = caliper.ends_mm[1] - caliper.ends_mm[0]
        assert line @ caliper.jaw == pytest.approx(0.0, abs=1e-6)


def test_edges_of_the_views_are_where_the_contour_crosses_their_plane() -> None:
    contours = np.stack([ellipse(8.0, 3.0) + np.array(shift) for shift in ((1.0, 0.5), (0.0, 9.0))])
    across, upward = crossings_mm(contours, 0), crossings_mm(contours, 1)
    half = 8.0 * np.sqrt(1.0 - (0.5 / 3.0) ** 2)
    np.testing.assert_allclose(across[0], [1.0 - half, 1.0 + half], atol=0.01)
    assert np.isnan(across[1]).all()
    np.testing.assert_allclose(upward[1], [6.0, 12.0], atol=0.01)


def test_views_along_a_vein_draw_every_lumen_of_a_divided_station(
    measurements: Measurements,
) -> None:
    profile = measurements.profiles[0]
    station = int(np.flatnonzero(profile.measured)[0])
    aside = np.array([[[-5.0, 0.0]], [[4.0, 0.0]]])
    contours = aside + np.stack([ellipse(4.0, 6.0, count=96), ellipse(3.0, 5.0, count=96)])
    unknown = np.full((2, 2), np.nan)
    divided = put_lumens(profile, Lumens.of_station(station, contours, unknown, unknown))
    axes = Figure().subplots()
    window = GrayWindow(100.0, 400.0, "wide")
    draw_straightened(axes, divided, measurements.volume, window, axis=0, half_mm=20.0)
    heights = {round(float(ends[0, 1]), 2) for c in axes.collections for ends in c.get_segments()}
    assert heights == {-9.0, -1.0, 1.0, 7.0}
    axes = Figure().subplots()
    _draw_vessel(axes, divided, 0, 0)
    (outlines,) = axes.collections
    stations = len(np.flatnonzero(profile.measured)[::2])
    assert len(outlines.get_paths()) == stations + 1


def test_contour_that_is_not_there_crosses_nothing() -> None:
    assert np.isnan(crossings_mm(np.full((2, 10, 2), np.nan), 0)).all()


@pytest.mark.parametrize(
    ("vector", "letters"),
    [
        ((1.0, 0.0, 0.0), "L"),
        ((-0.9, 0.1, 0.1), "R"),
        ((0.0, -1.0, 0.0), "A"),
        ((0.0, 0.7, -0.7), "PF"),
        ((0.6, 0.0, 0.8), "HL"),
    ],
)
def test_letters_name_where_a_direction_points(
    vector: tuple[float, float, float], letters: str
) -> None:
    assert set(patient_direction(vector)) == set(letters)
    assert patient_direction(vector)[0] in letters


@pytest.fixture
def beside() -> Volume:
    """Bright only towards the patient's left, dim only towards the front."""
    grid = Grid.from_axes((20, 40, 40), spacing_mm=(2.0, 1.0, 1.0))
    voxels = np.zeros(grid.shape, dtype=np.int16)
    voxels[:, :, 24:] = 200
    voxels[:, :12, 16:24] = 100
    return Volume(voxels, grid)


def test_left_is_on_the_right_and_front_on_top_of_a_section(beside: Volume) -> None:
    path = np.column_stack([np.full(30, 20.0), np.full(30, 20.0), np.linspace(35.0, 5.0, 30)])
    curve = curve_through(path, 1.0)
    offsets = np.linspace(-10.0, 10.0, 21)
    plane = gray_plane(beside, curve, 5, offsets)
    assert plane[10, 20] == 200.0
    assert plane[10, 0] == 0.0
    assert plane[20, 10] == 100.0
    assert plane[0, 10] == 0.0
    np.testing.assert_allclose(gray_ribbon(beside, curve, curve.across, offsets)[:, 5], plane[10])
    np.testing.assert_allclose(
        gray_ribbon(beside, curve, curve.upward, offsets)[:, 5], plane[:, 10]
    )


def test_voxels_that_were_not_measured_are_not_shown(beside: Volume) -> None:
    missing = np.zeros(beside.voxels.shape, dtype=bool)
    missing[10:] = True
    volume = Volume(beside.voxels, beside.grid, missing=missing)
    values = gray_at(volume, np.array([[20.0, 20.0, 6.0], [20.0, 20.0, 30.0], [20.0, 20.0, 99.0]]))
    np.testing.assert_array_equal(np.isnan(values), [False, True, True])


def test_strip_shows_every_station_with_the_lumen_inside_its_outline(
    measurements: Measurements,
) -> None:
    profile = measurements.profiles[0]
    strip = strip_of(profile, measurements.volume, choose_window(measurements))
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(strip.uri.split(",")[1]))))
    assert strip.stride == 1
    assert len(strip.outlines) == len(strip.sides) == len(profile.branch.curve)
    station = int(np.flatnonzero(profile.measured)[10])
    row, column = divmod(station, strip.columns)
    picture = sheet[row * SIDE_PX :, column * SIDE_PX :][:SIDE_PX, :SIDE_PX].astype(float)
    outline = np.array(strip.outlines[station]).reshape(-1, 2) / 10.0
    middle = outline.mean(axis=0)
    inner = (middle + 0.6 * (outline - middle)).astype(int)
    outer = (middle + 1.5 * (outline - middle)).astype(int)
    assert picture[inner[:, 1], inner[:, 0]].min() > picture[outer[:, 1], outer[:, 0]].max()
    assert strip.outlines[int(np.flatnonzero(~profile.measured)[0])] == ()


def test_every_station_is_in_exactly_one_stretch(measurements: Measurements) -> None:
    for profile in measurements.profiles:
        found = [*unmeasured(profile), *edge_sources(profile)]
        stations = sorted(n for s in found for n in range(s.first, s.last + 1))
        assert stations == list(range(len(profile.flags)))
        assert sum(s.count for s in unmeasured(profile)) == int((~profile.measured).sum())


def test_reason_is_the_one_that_says_most() -> None:
    assert reason_of(("junction", "image_border")) == "cut by the border of the image"
    assert reason_of(("below_resolution",)) == NO_REASON


def test_warnings_keep_their_words_and_flags_get_some() -> None:
    assert warning_words("image: tilt_corrected").startswith("image: the slices were tilted")
    told = warning_words("ivc: no station could be measured")
    assert told == "Inferior vena cava: no station could be measured"


def test_windows_follow_enhancement_and_unit(measurements: Measurements) -> None:
    window = choose_window(measurements)
    assert window == GrayWindow(100.0, 400.0, "venous window: center 100 HU, width 400 HU")
    assert (window.low, window.high) == (-100.0, 300.0)
