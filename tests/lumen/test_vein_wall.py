"""The vein's own wall in fat, and the mouths of other veins in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from venoseg.lumen import VesselProfile, measure
from venoseg.lumen.boundary.vein_wall import (
    EdgeModel,
    expected_thickness_mm,
    outer_share,
    seen_shift,
    split_blur,
    with_told_blur,
)
from venoseg.lumen.rays.edges import Blur
from venoseg.phantom import Scanner, fit_grid, render, shape
from venoseg.phantom.body import Grown, Union
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.tube import Tube

SPACING = (1.5, 0.8, 0.8)
FAT_HU, LUMEN_HU = -100.0, 150.0


def scene_in_fat(wall_mm: float, *beside: Layer) -> Scene:
    plain = shape("straight", seed=3)
    wall = Layer(Grown(Union(plain.tubes, 0.0), wall_mm), 45.0)
    return replace(plain, before=(wall, *beside), background_hu=FAT_HU, lumen_hu=LUMEN_HU)


def measured(scene: Scene) -> tuple[VesselProfile, np.ndarray]:
    """The vein and its true equivalent diameters at the stations."""
    twin = render(scene, fit_grid(scene, SPACING), Scanner(noise_hu=12.0, seed=3))
    profile = measure(twin.image, twin.segmentation).profiles[0]
    true = np.array([r["equivalent_diameter_mm"] for r in twin.truth.cross_sections.rows])
    return profile, np.full(len(profile.measured), np.median(true))


class TestShift:
    @pytest.mark.parametrize("share", [0.2, 0.58])
    @pytest.mark.parametrize("wall_mm", [0.5, 1.5])
    def test_is_where_one_step_fits_two_blurred_faces_best(self, share, wall_mm):
        blur_mm = 0.7
        fine = np.arange(-8.0, 8.0, 0.01)
        sharp = (1 - share) * (fine < 0) + share * (fine < wall_mm)
        seen = gaussian_filter1d(sharp, blur_mm / 0.01)
        tried = np.arange(-0.5, 2.0, 0.01)
        step = gaussian_filter1d((fine < 0).astype(float), blur_mm / 0.01)
        misfit = [np.sum((np.interp(fine - d, fine, step) - seen)[200:-200] ** 2) for d in tried]
        best = tried[int(np.argmin(misfit))]
        found = seen_shift(np.array(share), wall_mm, np.array(blur_mm))
        assert found == pytest.approx(best, abs=0.03)

    def test_is_nothing_beside_muscle_or_an_artery(self):
        share = outer_share(np.full(3, 150.0), np.array([58.0, 120.0, 150.0]))
        assert (share == 0.0).all()
        assert (seen_shift(share, 1.0, np.full(3, 0.7)) == 0.0).all()


class TestThickness:
    def test_grows_with_the_vein(self):
        assert expected_thickness_mm(5.0) == pytest.approx(0.5)
        assert expected_thickness_mm(30.0) == pytest.approx(1.5)

    @pytest.mark.parametrize("true_mm", [0.5, 1.0])
    def test_is_told_from_what_it_adds_to_the_blur(self, true_mm):
        scanner, share = Blur(0.7, 0.8), 0.58
        wider = share * (1 - share) * true_mm**2
        apparent = Blur(*(float(np.sqrt(b**2 + wider)) for b in (0.7, 0.8)))
        model = split_blur(apparent, scanner, share, 12.0, told=True)
        assert abs(model.wall_mm - true_mm) < 1.5 * model.wall_sd_mm
        assert model.wall_sd_mm < 0.45
        assert model.blur.in_plane_mm < apparent.in_plane_mm
        assert 0.0 < model.wall_own_sd_mm < 0.6 * model.wall_sd_mm

    def test_is_only_expected_where_no_fat_shows_it(self):
        apparent = Blur(0.7, 0.8)
        model = split_blur(apparent, apparent, 0.0, 15.0, told=False)
        assert model.blur == apparent
        # There may be none, too.
        assert model.wall_mm == pytest.approx(0.8 * expected_thickness_mm(15.0), abs=0.01)
        assert model.wall_mm - 1.96 * model.wall_sd_mm < 0.0

    def test_of_nothing_is_likely_where_the_rise_is_as_narrow_as_the_blur(self):
        none = split_blur(Blur(0.7, 0.8), Blur(0.7, 0.8), 0.58, 15.0, told=True)
        some = split_blur(Blur(0.85, 0.9), Blur(0.7, 0.8), 0.58, 15.0, told=True)
        assert none.wall_mm < 0.7 * some.wall_mm
        assert none.wall_mm - 1.96 * none.wall_sd_mm < 0.0


class TestVeinsTooNarrowToTellTheBlur:
    def test_take_it_from_the_others(self):
        wide = EdgeModel(Blur(1.2, 1.4), 1.0, 0.3, 0.1)
        narrow = EdgeModel(Blur(0.7, 0.9), 0.4, 0.4, 0.4, blur_told=False)
        informed = with_told_blur({"ivc": wide, "left_gonadal_vein": narrow, "aorta": None})
        assert list(informed) == ["left_gonadal_vein"]
        own = informed["left_gonadal_vein"]
        assert (own.blur.in_plane_mm, own.blur.through_plane_mm) == (1.2, 1.4)
        assert own.blur_told
        assert (own.wall_mm, own.wall_sd_mm) == (0.4, 0.4)

    def test_have_none_to_take_where_all_are_narrow(self):
        narrow = EdgeModel(Blur(0.7, 0.9), blur_told=False)
        assert with_told_blur({"ivc": narrow, "left_gonadal_vein": narrow}) == {}


class TestInFat:
    @pytest.mark.parametrize("wall_mm", [0.6, 1.0])
    def test_the_lumen_is_measured_without_its_wall(self, wall_mm):
        profile, true = measured(scene_in_fat(wall_mm))
        keep = profile.measured & profile.from_image
        assert keep.mean() > 0.8
        error = (profile.shapes.equivalent_mm - true)[keep]
        # Taken for one step, the edge is 1.1 of the wall's thickness wider.
        assert abs(error.mean()) < 0.35
        area = np.pi / 4 * true[keep] ** 2
        low, high = profile.area_interval_mm2[keep].T
        assert ((low <= area) & (area <= high)).mean() > 0.9

    @pytest.mark.parametrize("around_hu", [FAT_HU, 0.0, 25.0])
    def test_the_interval_holds_a_lumen_without_a_wall(self, around_hu):
        bare = replace(shape("straight", seed=3), background_hu=around_hu, lumen_hu=LUMEN_HU)
        profile, true = measured(bare)
        keep = profile.measured & profile.from_image
        area = np.pi / 4 * true[keep] ** 2
        low, high = profile.area_interval_mm2[keep].T
        assert ((low <= area) & (area <= high)).mean() > 0.95

    def test_not_knowing_the_wall_widens_the_interval(self, tilted):
        in_fat, _ = measured(scene_in_fat(0.8))
        in_muscle = measure(tilted.image, tilted.segmentation).profiles[0]

        def half_mm(profile: VesselProfile) -> float:
            low, high = np.sqrt(profile.area_interval_mm2[profile.measured] / np.pi).T
            return float(np.median(high - low))

        assert half_mm(in_fat) > 2.0 * half_mm(in_muscle)
        # Another image of the vein has most of that error, too.
        common = np.median(in_fat.common_half_mm[in_fat.measured & in_fat.from_image])
        assert 0.7 < common / half_mm(in_fat) < 1.0


class TestMouth:
    def test_a_vein_that_opens_into_it_does_not_widen_the_lumen(self):
        plain = shape("straight", seed=3)
        middle = plain.tubes[0].curve.points_lps_mm.mean(axis=0)
        away = middle + np.array([45.0, 0.0, 0.0])
        branch = Tube.plain([middle, away], 4.0, 4.0)
        walls = Layer(Grown(branch, 0.8), 45.0), Layer(branch, LUMEN_HU)
        profile, _ = measured(scene_in_fat(0.8, *walls))
        beyond_mouth, _ = measured(scene_in_fat(0.8))
        z_mm = profile.branch.curve.points_lps_mm[:, 2]
        at_mouth = profile.measured & (np.abs(z_mm - middle[2]) < 6.0)
        assert at_mouth.any()
        wider = profile.shapes.equivalent_mm[at_mouth].mean()
        usual = np.nanmedian(beyond_mouth.shapes.equivalent_mm)
        assert wider - usual < 0.35
