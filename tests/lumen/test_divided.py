"""Two lumens side by side in one vein, against their analytic sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import Measurements, measure, measure_along, remeasure, with_contour
from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.sheets import Sheet, channels_beside
from venoseg.reporting.strip import strip_of
from venoseg.reporting.window import choose_window

FIRST_MM, SECOND_MM, START_MM, STOP_MM = 8.5, 7.0, 22.0, 54.0
VEIN = "left_common_iliac_vein"


def scene(thickness_mm: float, aside_mm: float = 1.2, sheet_hu: float = 55.0) -> Scene:
    curve = Curve.through([(0.0, 0.0, 0.0), (6.0, 5.0, -40.0), (22.0, 2.0, -78.0)])
    shape = Profile.along(curve, 0.0, FIRST_MM, SECOND_MM, 0.4)
    tube = Tube(curve, shape, (Span(VEIN, 0.0, curve.length_mm),))
    sheet = Sheet(tube, START_MM, STOP_MM, thickness_mm, aside_mm)
    return Scene("divided", (tube,), sheets=(sheet,), core_hu=sheet_hu)


def scanned(made: Scene, slice_mm: float = 1.0) -> Rendering:
    grid = fit_grid(made, (slice_mm, 0.8, 0.8), margin_mm=10.0)
    return render(made, grid, Scanner(noise_hu=12.0, seed=5))


def column(found: Measurements, name: str) -> np.ndarray:
    values = found.cross_sections.column(name)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def within(found: Measurements, margin_mm: float = 4.0) -> np.ndarray:
    at = column(found, "position_mm")
    return (at > START_MM + margin_mm) & (at < STOP_MM - margin_mm)


def holds(found: Measurements, name: str, unit: str, true: float) -> np.ndarray:
    inside = within(found)
    low, high = (column(found, f"{name}_{end}_{unit}")[inside] for end in ("low", "high"))
    return (low <= true) & (true <= high)


@pytest.fixture(scope="module")
def found() -> Measurements:
    made = scanned(scene(2.0))
    return measure(made.image, made.segmentation)


@pytest.mark.parametrize(
    ("thickness_mm", "slice_mm"), [(1.0, 1.0), (3.0, 1.0), (2.0, 3.0), (1.0, 3.0)]
)
def test_both_lumens_are_measured_and_summed(thickness_mm, slice_mm):
    made = scanned(scene(thickness_mm), slice_mm)
    measured = measure(made.image, made.segmentation)
    inside = within(measured, 4.0 + slice_mm)
    true = channels_beside(scene(thickness_mm).sheets[0], FIRST_MM, SECOND_MM)
    assert (column(measured, "lumen_components")[inside] == 2).all()
    area = column(measured, "lumen_area_mm2")[inside]
    assert area == pytest.approx(sum(one.area_mm2 for one in true), rel=0.04)
    least = column(measured, "minimum_diameter_mm")[inside]
    assert least == pytest.approx(min(one.minimum_mm for one in true), abs=0.35)
    most = column(measured, "maximum_diameter_mm")[inside]
    assert most == pytest.approx(max(one.maximum_mm for one in true), abs=0.8)
    around = column(measured, "perimeter_mm")[inside]
    assert around == pytest.approx(sum(one.perimeter_mm for one in true), rel=0.05)
    assert measured.segments.rows[0]["length_mm"] == pytest.approx(
        scene(1.0).tubes[0].curve.length_mm, abs=1.0 + slice_mm / 2.0
    )


@pytest.mark.parametrize("sheet_hu", [45.0, 65.0])
def test_the_intervals_hold_what_the_level_of_the_sheet_leaves_open(sheet_hu):
    made = scanned(scene(2.0, sheet_hu=sheet_hu))
    measured = measure(made.image, made.segmentation)
    true = channels_beside(scene(2.0).sheets[0], FIRST_MM, SECOND_MM)
    assert holds(measured, "lumen_area", "mm2", sum(one.area_mm2 for one in true)).mean() > 0.9
    least = min(one.minimum_mm for one in true)
    assert holds(measured, "minimum_diameter", "mm", least).mean() > 0.9


def test_each_lumen_has_a_row_whose_areas_add_up(found):
    rows = found.lumens.rows
    stations = {row["position_mm"] for row in rows}
    assert len(rows) == 2 * len(stations)
    assert len(stations) > 20
    true = sorted(
        one.area_mm2 for one in channels_beside(scene(2.0).sheets[0], FIRST_MM, SECOND_MM)
    )
    total = dict(
        zip(
            found.cross_sections.column("position_mm"), column(found, "lumen_area_mm2"), strict=True
        )
    )
    for large, small in zip(rows[::2], rows[1::2], strict=True):
        assert (large["lumen"], small["lumen"]) == (1, 2)
        areas = float(large["lumen_area_mm2"]), float(small["lumen_area_mm2"])
        assert sum(areas) == pytest.approx(total[large["position_mm"]], abs=0.02)
        assert areas[0] == pytest.approx(true[1], rel=0.08)
        assert areas[1] == pytest.approx(true[0], rel=0.08)


def test_pictures_show_the_outline_of_each_lumen(found):
    (profile,) = found.profiles
    strip = strip_of(profile, found.volume, choose_window(found))
    assert strip.stride == 1
    for n in np.flatnonzero(profile.measured)[::8].tolist():
        outlines = profile.outlines_mm(n)
        assert len(outlines) == profile.components[n]
        assert len(strip.outlines[n]) == profile.components[n]
        area = measure_shapes(outlines).area_mm2.sum()
        assert area == pytest.approx(profile.shapes.area_mm2[n])


def test_the_reader_is_told(found):
    inside = within(found)
    words = [
        str(w) for w, here in zip(found.cross_sections.column("flags"), inside, strict=True) if here
    ]
    assert all("several_lumens" in word for word in words)
    assert not any("concave_section" in word or "webs_in_lumen" in word for word in words)
    assert any("several lumens side by side" in warning for warning in found.warnings)


def test_labels_alone_tell_both_lumens_too():
    made = scanned(scene(2.4))
    measured = measure(made.image, made.segmentation, boundary="mask")
    true = sum(one.area_mm2 for one in channels_beside(scene(2.4).sheets[0], FIRST_MM, SECOND_MM))
    assert (column(measured, "lumen_components")[within(measured)] == 2).all()
    assert column(measured, "lumen_area_mm2")[within(measured)] == pytest.approx(true, rel=0.06)
    assert holds(measured, "lumen_area", "mm2", true).mean() > 0.9


def test_a_sheet_that_is_filled_by_hand_divides_no_longer(found):
    whole = scanned(replace(scene(2.0), sheets=())).segmentation
    box = tuple(slice(0, size) for size in whole.labels.shape)
    again = remeasure(found, whole, box)
    assert len(again.lumens.rows) == 0
    assert (column(again, "lumen_components")[within(again)] == 1).all()
    models = {p.vessel: p.evidence.model for p in found.profiles}
    anew = measure_along(again.tree, again.volume, whole, models=models)
    for name in ("lumen_area_mm2", "minimum_diameter_mm", "perimeter_mm"):
        np.testing.assert_allclose(column(again, name), column(anew, name), rtol=1e-3)


def test_a_drawn_contour_stands_for_both_lumens(found):
    profile = found.profiles[0]
    at = float(profile.branch.curve.position_mm[38])
    turn = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    curve = profile.branch.curve
    circle = (
        curve.points_lps_mm[38]
        + 5.0 * np.cos(turn)[:, None] * curve.across[38]
        + 5.0 * np.sin(turn)[:, None] * curve.upward[38]
    )
    after = with_contour(found, VEIN, at, circle)
    assert column(after, "lumen_area_mm2")[38] == pytest.approx(25.0 * np.pi, rel=0.02)
    assert column(after, "lumen_components")[38] == 1
    assert at not in after.lumens.column("position_mm")
    back = with_contour(after, VEIN, at, None)
    assert back.cross_sections.rows == found.cross_sections.rows
    assert back.lumens.rows == found.lumens.rows
