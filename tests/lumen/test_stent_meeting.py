"""Stents that run into one another, lie side by side, overlap, or pass beside bone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import Measurements, measure
from venoseg.lumen.stents.measure import measure_stent
from venoseg.lumen.stents.meeting import met
from venoseg.lumen.stents.profile import StentProfile
from venoseg.phantom import (
    Curve,
    Layer,
    Profile,
    Rendering,
    Scanner,
    Scene,
    Span,
    Tube,
    fit_grid,
    render,
)
from venoseg.phantom.stents import Lattice, Stent, stented
from venoseg.phantom.variants import StentState, broken_stent, kissing, reconstructed
from venoseg.segmentation import find_stents
from venoseg.tables import Row

SPACING_MM = (1.5, 0.9, 0.9)


def scanned(scene: Scene) -> Rendering:
    return render(scene, fit_grid(scene, SPACING_MM), Scanner(noise_hu=12, seed=1))


def profiles_of(made: Rendering) -> tuple[StentProfile, ...]:
    found = find_stents(made.image, replace(made.segmentation, stent=None))
    measured = [measure_stent(made.image, device) for device in found.devices]
    return met([profile for profile in measured if profile is not None], made.image)


def true_areas(stent: Stent, profile: StentProfile) -> np.ndarray:
    at = stent.tube().locate(profile.curve.points_lps_mm)[1]
    shape, known = stent.profile, stent.curve.positions_mm
    first, second = (np.interp(at, known, one) for one in (shape.first_mm, shape.second_mm))
    return np.pi * first * second


def held(stent: Stent, profile: StentProfile) -> np.ndarray:
    low, high = profile.area_interval_mm2.T
    true = true_areas(stent, profile)
    return (low <= true) & (true <= high)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return reconstructed(11, StentState(crush_percent=20.0, tissue_mm=1.6))


@pytest.fixture(scope="module")
def found(scene) -> Measurements:
    made = scanned(scene)
    return measure(made.image, replace(made.segmentation, stent=None))


def stent_of(scene: Scene, row: Row) -> Stent:
    vessel = str(row["vessels"]).split()[0]
    return next(
        stent
        for stent, tube in zip(scene.stents, scene.tubes, strict=True)
        if tube.spans[0].name == vessel
    )


class TestConfluence:
    """A stent of the cava ends where those of both limbs begin."""

    def test_each_stent_has_a_length_whose_interval_holds_it(self, scene, found):
        assert len(found.stents.rows) == 3
        for row in found.stents.rows:
            stent = stent_of(scene, row)
            true = stent.stop_mm - stent.start_mm
            assert row["length_low_mm"] <= true <= row["length_high_mm"]
            assert abs(row["length_mm"] - true) < 12.0
            assert row["central_end_doubt_mm"] > 5.0 or row["peripheral_end_doubt_mm"] > 5.0

    def test_the_interval_of_the_smallest_area_holds_it(self, scene, found):
        for row in found.stents.rows:
            stent = stent_of(scene, row)
            at = np.linspace(stent.start_mm, stent.stop_mm, 500)
            shape, known = stent.profile, stent.curve.positions_mm
            area = np.pi * np.interp(at, known, shape.first_mm * shape.second_mm)
            assert row["minimum_area_low_mm2"] <= area.min() <= row["minimum_area_high_mm2"]
            # A station without a contour, as at an end that is none's, does not count as nothing.
            assert row["minimum_area_low_mm2"] > 0.6 * row["minimum_area_mm2"]

    def test_where_they_run_into_one_another_the_lumen_is_not_told(self, found):
        for stent in found.owned_stents:
            profile = stent.profile
            crossing = profile.shared >= 0.3
            assert 0 < crossing.sum() < 0.4 * len(crossing)
            assert all("stents_meet" in profile.flags[n] for n in np.flatnonzero(crossing))
            assert np.isnan(profile.lumen_shapes.area_mm2[crossing]).all()
            assert profile.overlaps == ()
            alone = profile.shared == 0
            assert np.isfinite(profile.lumen_shapes.area_mm2[alone]).mean() > 0.8
        assert sum("runs into another stent" in warning for warning in found.warnings) == 3


def test_stents_side_by_side_are_measured_apart() -> None:
    scene = kissing(41)
    profiles = profiles_of(scanned(scene))
    assert len(profiles) == len(scene.stents) == 2
    for profile in profiles:
        distances = [s.tube().locate(profile.curve.points_lps_mm)[0].mean() for s in scene.stents]
        stent = scene.stents[int(np.argmin(distances))]
        assert held(stent, profile).mean() > 0.95
        beside = (profile.shared > 0.05) & (profile.shared < 0.3)
        assert beside.sum() > 30
        assert np.abs(profile.shapes.area_mm2 / true_areas(stent, profile) - 1)[beside].max() < 0.08


def test_wires_side_by_side_part_the_lumen_whose_edges_they_hide() -> None:
    made = scanned(kissing(41))
    found = measure(made.image, replace(made.segmentation, stent=None))
    rows = [row for row in found.cross_sections.rows if row["vessel"] == "ivc"]
    two = [row for row in rows if row["lumen_components"] == 2]
    assert len(two) > 20
    for row in two[5:]:
        assert row["minimum_diameter_mm"] <= row["stent_minimum_diameter_mm"] + 0.01
        assert row["lumen_area_mm2"] <= row["stent_area_mm2"] + 0.1
        assert row["minimum_diameter_mm"] == pytest.approx(12.62, abs=0.6)
        # The wires' own outer edge is none of the lumen: 140 mm2 each by the labels.
        assert row["lumen_area_mm2"] == pytest.approx(2 * 140.0, rel=0.04)
        own = [one for one in found.lumens.rows if one["position_mm"] == row["position_mm"]]
        assert sum(float(str(one["lumen_area_mm2"])) for one in own) == pytest.approx(
            row["lumen_area_mm2"], abs=0.02
        )


def test_stents_that_overlap_have_rows_of_their_own() -> None:
    scene = broken_stent(11)
    made = scanned(scene)
    found = measure(made.image, replace(made.segmentation, stent=None))
    first, second = scene.stents
    rows = found.stents.rows
    assert len(rows) == 2
    for row, stent in zip(rows, (first, second), strict=True):
        true = stent.stop_mm - stent.start_mm
        assert row["length_mm"] == pytest.approx(true, abs=5.0)
        assert row["length_low_mm"] <= true <= row["length_high_mm"]
        assert row["overlap_mm"] == pytest.approx(first.stop_mm - second.start_mm, abs=5.0)
    assert [row["fracture_candidates"] for row in rows] == [0, 1]
    assert [row["stent"] for row in rows] == [1, 2]
    assert any("stent 1: overlaps the next one" in warning for warning in found.warnings)


def test_bone_beside_a_curved_stent_does_not_draw_its_contour_away() -> None:
    curve = Curve.through([(0.0, 0.0, 0.0), (4.0, 0.0, -35.0), (26.0, 0.0, -64.0)])
    host = Profile.along(curve, 0.0, 6.5, 6.5)
    tube = Tube(curve, host, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    opened, stent = stented(tube, Profile.along(curve, 0.0, 7.5, 7.0), 10.0, 60.0, Lattice(16.0))
    beside = Curve.through([(18.5, 0.0, -10.0), (18.5, 0.0, -34.0)])
    bone = Tube(beside, Profile.along(beside, 0.0, 8.0, 8.0), ())
    scene = Scene("bone", (opened,), stents=(stent,), before=(Layer(bone, 800.0),))
    (profile,) = profiles_of(scanned(scene))
    assert held(stent, profile).mean() > 0.95
    assert np.abs(profile.shapes.area_mm2 / true_areas(stent, profile) - 1).max() < 0.05
    at = stent.tube().locate(profile.curve.points_lps_mm)[1]
    lean = np.einsum("ij,ij->i", stent.curve.tangent_at(at), profile.curve.tangents)
    assert lean.min() > np.cos(np.radians(10.0))
