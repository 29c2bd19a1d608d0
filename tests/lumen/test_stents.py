"""Wires and the lumen inside them against digital twins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import Measurements, measure
from venoseg.lumen.concluding import conclude, profile_of
from venoseg.lumen.rays.grain import Grain
from venoseg.lumen.stents.measure import measure_stent
from venoseg.lumen.stents.stations import with_stents
from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.scene import Layer
from venoseg.phantom.stents import Lattice, place_stent, stented
from venoseg.phantom.variants import part_of_stent
from venoseg.segmentation import StentDevice, find_stents

FIRST_MM, SECOND_MM = 8.4, 6.8
START_MM, STOP_MM = 12.0, 58.0


def twin(
    tissue_mm: float,
    slice_mm: float = 1.0,
    lattice: Lattice | None = None,
    kernel: str = "white",
    oval_mm: tuple[float, float] = (FIRST_MM, SECOND_MM),
) -> Rendering:
    curve = Curve.through([(0.0, 0.0, 0.0), (18.0, 4.0, -70.0)])
    host = Profile.along(curve, 0.0, 6.5, 6.5)
    tube = Tube(curve, host, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    oval = Profile.along(curve, 0.0, *oval_mm, 0.4)
    woven = lattice or Lattice(16.0, 0.25)
    opened, stent = stented(tube, oval, START_MM, STOP_MM, woven, tissue_mm)
    tissue = (Layer(part_of_stent(stent), 55.0),)
    scene = Scene("stent", (opened,), stents=(stent,), before=tissue)
    grid = fit_grid(scene, (slice_mm, 0.8, 0.8), margin_mm=10.0)
    return render(scene, grid, Scanner(noise_hu=12, seed=1, kernel=kernel))


def measured(made: Rendering, **options: float) -> Measurements:
    return measure(made.image, replace(made.segmentation, stent=None), **options)


@pytest.fixture(scope="module")
def narrowed() -> Measurements:
    return measured(twin(2.0), stent_nominal_mm=16.0)


def _without(values: np.ndarray, where: slice) -> np.ndarray:
    """Return values of which some are not known."""
    left = values.copy()
    left[where] = np.nan
    return left


def column(found: Measurements, name: str) -> np.ndarray:
    values = found.cross_sections.column(name)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


class TestWires:
    def test_the_middle_of_the_wires_is_where_it_is(self, narrowed):
        area = column(narrowed, "stent_area_mm2")
        known = ~np.isnan(area)
        assert known.sum() > 40
        error = 100 * (area[known] / (np.pi * FIRST_MM * SECOND_MM) - 1)
        assert abs(error.mean()) < 1.5
        assert np.abs(error).max() < 4.0
        least = column(narrowed, "stent_minimum_diameter_mm")[known]
        most = column(narrowed, "stent_maximum_diameter_mm")[known]
        assert least.mean() == pytest.approx(2 * SECOND_MM, abs=0.3)
        assert most.mean() == pytest.approx(2 * FIRST_MM, abs=0.3)

    def test_the_device_has_a_row(self, narrowed):
        assert len(narrowed.stents.rows) == 1
        row = narrowed.stents.rows[0]
        assert row["vessels"] == "left_common_iliac_vein"
        assert row["length_mm"] == pytest.approx(STOP_MM - START_MM, abs=3.0)
        assert row["expansion_percent"] == pytest.approx(
            100 * FIRST_MM * SECOND_MM / 64.0, rel=0.04
        )
        assert row["compression_percent"] == pytest.approx(100 * (1 - SECOND_MM / 8.0), abs=4.0)
        assert row["least_diameter_ratio"] == pytest.approx(SECOND_MM / FIRST_MM, abs=0.05)
        assert row["slice_thickness_mm"] == 1.0
        assert row["gap_mm"] == 0.0

    def test_the_metal_goes_into_the_segmentation(self, narrowed):
        assert narrowed.segmentation.stent is not None
        assert narrowed.segmentation.stent.any()

    def test_the_segment_says_how_far_it_is_stented(self, narrowed):
        row = narrowed.segments.rows[0]
        assert row["stented_length_mm"] == pytest.approx(STOP_MM - START_MM, abs=3.0)
        assert row["stent_minimum_area_mm2"] > 150


class TestLumenInside:
    def test_tissue_that_shows_its_edge_is_measured(self, narrowed):
        depth = 2.0 + 0.125
        inner = (FIRST_MM - depth) * (SECOND_MM - depth)
        true = 100 * (1 - inner / (FIRST_MM * SECOND_MM))
        stenosis = column(narrowed, "in_stent_area_stenosis_percent")
        known = ~np.isnan(stenosis)
        assert known.sum() > 25
        assert stenosis[known].mean() == pytest.approx(true, abs=3.0)
        lumen = column(narrowed, "lumen_area_mm2")[known]
        assert lumen.mean() == pytest.approx(np.pi * inner, rel=0.06)

    @pytest.mark.parametrize(
        ("tissue_mm", "kernel"), [(0.0, "white"), (0.8, "white"), (1.1, "smooth")]
    )
    def test_a_lumen_that_the_wire_outshines_has_a_bound_only(self, tissue_mm, kernel):
        found = measured(twin(tissue_mm, kernel=kernel))
        assert np.isnan(column(found, "in_stent_area_stenosis_percent")).all()
        row = found.stents.rows[0]
        assert row["in_stent_area_stenosis_percent"] is None
        depth = tissue_mm + 0.125
        inner = (FIRST_MM - depth) * (SECOND_MM - depth)
        true = 100 * (1 - inner / (FIRST_MM * SECOND_MM))
        assert true < row["in_stent_area_stenosis_high_percent"] < 50.0
        assert "in_stent_edge_hidden" in row["flags"]
        bounds = found.owned_stents[0].profile.stenosis_interval_percent[5:-5]
        assert (bounds[:, 0] <= true).all()
        assert (bounds[:, 1] >= true).all()

    def test_a_lumen_that_is_not_told_has_no_interval_either(self):
        found = measured(twin(0.0))
        bare = profile_of(found.volume, found.profiles[0].branch, "gray", Grain())
        unseen = slice(28, 36)
        shapes = replace(bare.shapes, area_mm2=_without(bare.shapes.area_mm2, unseen))
        interval = _without(bare.area_interval_mm2, unseen)
        settled = with_stents(
            replace(bare, shapes=shapes, area_interval_mm2=interval),
            found.owned_stents,
            found.volume,
        )
        assert np.isfinite(settled.stent.area_mm2[unseen]).all()
        assert np.isnan(settled.area_interval_mm2[unseen]).all()

    def test_no_lumen_is_larger_than_the_stent_around_it(self):
        """Between struts wires may be too thin to be told from blood: their edge looks like its."""
        found = measured(twin(0.2))
        bare = profile_of(found.volume, found.profiles[0].branch, "gray", Grain())
        image = bare.evidence.image
        bright, wide = image.bright.copy(), image.contours_mm.copy()
        dim = slice(28, 36)
        bright[dim] = 0.0
        wide[dim] = 1.15 * found.profiles[0].contours_mm[dim]
        seen = replace(image, bright=bright, contours_mm=wide, rim=np.ones_like(image.rim))
        evidence = replace(bare.evidence, image=seen)
        deceived = conclude(found.volume, bare.branch, "gray", evidence, bare.drawn)
        assert deceived.from_image[30:34].all()
        settled = with_stents(deceived, found.owned_stents, found.volume)
        assert not settled.from_image[30:34].any()
        stent = settled.stent.area_mm2
        assert (settled.shapes.area_mm2[30:34] < stent[30:34]).all()
        assert all("gray_refused_metal" in words for words in settled.flags[30:34])


@pytest.mark.parametrize("kernel", ["white", "smooth"])
def test_the_interval_of_a_stent_pressed_flat_holds_its_area(kernel):
    made = twin(0.0, kernel=kernel, oval_mm=(9.5, 3.2))
    (device,) = find_stents(made.image, replace(made.segmentation, stent=None)).devices
    profile = measure_stent(made.image, device)
    assert profile is not None
    low, high = profile.area_interval_mm2[np.isfinite(profile.shapes.area_mm2)].T
    true = np.pi * 9.5 * 3.2
    assert ((low <= true) & (true <= high)).mean() > 0.95
    assert np.median(high - low) < 0.25 * true


def test_where_two_stents_overlap_the_contour_is_between_both_and_the_interval_holds_either():
    curve = Curve.through([(0.0, 0.0, 0.0), (10.0, -4.0, -76.0)])
    outer, inner = (Profile.along(curve, 0.0, radius, radius) for radius in (7.0, 6.65))
    tube = Tube(curve, inner, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    opened, first = stented(tube, inner, 10.0, 46.0, Lattice(14.0, 0.25))
    around = place_stent(curve, outer, 28.0, 66.0, Lattice(14.0, 0.25, crowns=11))
    scene = Scene("overlap", (opened,), stents=(first, around))
    made = render(scene, fit_grid(scene, (1.0, 0.8, 0.8), margin_mm=10.0), Scanner(seed=1))
    (device,) = find_stents(made.image, replace(made.segmentation, stent=None)).devices
    profile = measure_stent(made.image, device)
    assert profile is not None
    _, position = opened.locate(profile.curve.points_lps_mm)
    doubled = np.array(["stent_overlap" in words for words in profile.flags])
    inside = doubled & (position > 31.0) & (position < 43.0)
    assert inside.sum() >= 10
    assert profile.shapes.area_mm2[inside] == pytest.approx(np.pi * 6.825**2, rel=0.02)
    low, high = profile.area_interval_mm2[inside].T
    assert (low <= np.pi * 6.65**2).all()
    assert (high >= np.pi * 7.0**2).all()


def test_blood_in_a_stent_pressed_flat_is_read_clear_of_the_wires():
    made = twin(0.0, slice_mm=1.5, kernel="smooth", oval_mm=(9.5, 3.2))
    device = find_stents(made.image, replace(made.segmentation, stent=None)).devices[0]
    profile = measure_stent(made.image, device)
    assert profile is not None
    assert profile.wires is not None
    assert np.abs(profile.wires.lumen_hu - 150.0).max() < 15.0
    # Blood that seems brighter makes tissue of the lumen's edge, and draws the wires inwards.
    error = 100.0 * (profile.shapes.area_mm2[4:-4] / (np.pi * 9.5 * 3.2) - 1.0)
    assert abs(error.mean()) < 2.0
    assert np.abs(error).max() < 4.5


class TestRefused:
    @pytest.mark.parametrize("tissue_mm", [0.0, 2.0])
    def test_the_lumen_in_the_overshoot_of_a_sharp_kernel(self, tissue_mm):
        found = measured(twin(tissue_mm, kernel="sharp"))
        area = column(found, "stent_area_mm2")
        told = ~np.isnan(area)
        assert area[told].mean() == pytest.approx(np.pi * FIRST_MM * SECOND_MM, rel=0.02)
        assert np.isnan(column(found, "in_stent_area_stenosis_percent")).all()
        flags = [str(row["flags"]) for row in found.cross_sections.rows]
        assert all("in_stent_refused_sharp_kernel" in flags[n] for n in np.flatnonzero(told))
        assert any("use a series with a soft kernel" in text for text in found.warnings)

    def test_slices_above_3_mm(self):
        made = twin(2.0, slice_mm=1.0)
        thick = replace(made.image, source=replace(made.image.source, slice_thickness_mm=3.5))
        found = measure(thick, replace(made.segmentation, stent=None))
        assert np.isnan(column(found, "stent_area_mm2")).all()
        assert "stent_refused_thick_slices" in found.stents.rows[0]["flags"]
        assert any("thicker than" in warning for warning in found.warnings)

    def test_wires_with_no_room_between_them(self):
        made = twin(2.0)
        bar = np.zeros_like(made.segmentation.stent)
        k, j, i = np.median(np.argwhere(made.segmentation.labels > 0), axis=0).astype(int)
        bar[k - 12 : k + 13, j - 1 : j + 2, i - 1 : i + 2] = True
        bar[k - 12 : k + 13, j, i] = False
        line = made.image.grid.to_lps(np.array([[n, j, i] for n in range(k - 12, k + 13, 3)]))
        values = np.where(bar, 900.0, made.image.voxels).astype(np.float32)
        found = measure_stent(replace(made.image, voxels=values), StentDevice(line, 1.2, True))
        assert found is not None
        assert found.whole == ("stent_refused_narrow",)
        assert np.isnan(found.shapes.area_mm2).all()

    def test_an_empty_stent_mask_is_no_stent(self):
        made = twin(2.0)
        empty = np.zeros_like(made.segmentation.stent)
        found = measure(made.image, replace(made.segmentation, stent=empty))
        assert found.stents.rows == ()
        assert np.isnan(column(found, "stent_area_mm2")).all()

    @pytest.mark.parametrize(("broken_mm", "gaps"), [(32.0, 1), (None, 0)])
    def test_a_broken_stent_has_a_gap(self, broken_mm, gaps):
        made = twin(0.0, lattice=Lattice(16.0, 0.25, cells="open", fracture_mm=broken_mm))
        device = find_stents(made.image, replace(made.segmentation, stent=None)).devices[0]
        profile = measure_stent(made.image, device)
        assert profile is not None
        assert len(profile.gaps) == gaps
        assert len(profile.fractures) == gaps
