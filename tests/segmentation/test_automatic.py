"""Without a click: what is found in a plain trunk, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.dicom import read_study
from venoseg.errors import InputError, MeasurementError, NeedsSeedsError
from venoseg.segmentation import Seed, segment
from venoseg.segmentation.landmarks.aorta import lowest_of_aorta_mm, run_of_aorta
from venoseg.segmentation.landmarks.tracks import Track
from venoseg.volume import Grid, Volume

CAVA, AORTA = (-22.0, 8.0), (12.0, 6.0)


def trunk(cava_hu: float = 150.0, aorta_hu: float = 160.0, bone_hu: float = 350.0) -> Volume:
    """A trunk of fat and muscle with a spine, an aorta and a cava that run straight."""
    grid = Grid.from_axes((50, 110, 150), spacing_mm=(3.0, 2.0, 2.0), origin_lps_mm=(-150, -90, 0))
    y, x = np.mgrid[-90:130:2, -150:150:2].astype(float)
    image = np.full(y.shape, -1000.0)
    image[(x / 140) ** 2 + ((y - 18) / 95) ** 2 < 1] = -100.0
    image[
        ((x / 140) ** 2 + ((y - 18) / 95) ** 2 < 1) & ((x / 130) ** 2 + ((y - 18) / 86) ** 2 > 1)
    ] = 55
    image[(x / 20) ** 2 + ((y - 38) / 18) ** 2 < 1] = bone_hu
    for side in (-1, 1):
        image[np.hypot(x - side * 45, y - 40) < 17] = 58.0
    image[np.hypot(x - AORTA[0], y - AORTA[1]) < 9] = aorta_hu
    image[((x - CAVA[0]) / 11) ** 2 + ((y - CAVA[1]) / 8) ** 2 < 1] = cava_hu
    noise = np.random.default_rng(5).normal(0.0, 8.0, grid.shape)
    return Volume((image + noise).round().astype(np.int16), grid)


def where(volume: Volume, centre: tuple[float, float], first: float, second: float) -> np.ndarray:
    points = volume.grid.to_lps(np.moveaxis(np.indices(volume.grid.shape), 0, -1))
    x, y = points[..., 0] - centre[0], points[..., 1] - centre[1]
    return (x / first) ** 2 + (y / second) ** 2 < 1


class TestTrunk:
    def test_the_cava_is_found_and_the_aorta_is_not_taken_for_it(self):
        volume = trunk()
        found = segment(volume)
        drawn, true = found.mask("ivc"), where(volume, CAVA, 11, 8)
        assert found.origin == "automatic"
        assert 2 * (drawn & true).sum() / (drawn.sum() + true.sum()) > 0.8
        assert not (found.labels[where(volume, AORTA, 9, 9)]).any()

    def test_it_says_that_the_iliac_veins_are_missing(self):
        cava, *missing = segment(trunk()).confidence
        assert cava.confidence > 0.5
        assert {(one.vessel, one.confidence) for one in missing} == {
            ("left_iliac_vein", 0.0),
            ("right_iliac_vein", 0.0),
        }
        assert all("pelvis is not in view" in one.reasons[0] for one in missing)


class TestRefused:
    def test_no_contrast(self):
        with pytest.raises(NeedsSeedsError, match=r"no contrast was found: 4\d HU"):
            segment(trunk(cava_hu=40.0, aorta_hu=42.0))

    def test_an_arterial_phase(self):
        with pytest.raises(NeedsSeedsError, match="inferior vena cava"):
            segment(trunk(cava_hu=48.0, aorta_hu=320.0))

    def test_no_spine_as_in_a_limb(self):
        with pytest.raises(NeedsSeedsError, match="no lumbar spine"):
            segment(trunk(bone_hu=40.0))

    def test_a_head(self):
        grid = Grid.from_axes((40, 80, 80), spacing_mm=(4.0, 2.5, 2.5))
        y, x = np.mgrid[-100:100:2.5, -100:100:2.5]
        image = np.where(np.hypot(x, y) < 75, 900, -1000)
        image[np.hypot(x, y) < 68] = 35
        head = np.broadcast_to(image, grid.shape).astype(np.int16)
        with pytest.raises(NeedsSeedsError):
            segment(Volume(head, grid))

    def test_a_chest_without_abdomen(self):
        volume = trunk(cava_hu=48.0)
        voxels = volume.voxels.copy()
        voxels[where(volume, (-70.0, 20.0), 45, 70) | where(volume, (70.0, 20.0), 45, 70)] = -850
        voxels[where(volume, (10.0, -40.0), 55, 35)] = 48
        with pytest.raises(NeedsSeedsError, match="inferior vena cava"):
            segment(replace(volume, voxels=voxels))

    def test_values_that_are_no_hounsfield_units(self):
        with pytest.raises(InputError, match="Hounsfield"):
            segment(replace(trunk(), unit="arbitrary"))

    def test_a_seed_in_the_aorta(self):
        seeds = [
            Seed("ivc", "central_end", (*AORTA, 140.0)),
            Seed("ivc", "peripheral_end", (*CAVA, 10.0)),
        ]
        with pytest.raises(InputError, match="lies in the aorta"):
            segment(trunk(), seeds)

    def test_a_way_into_the_lower_aorta_is_not_drawn(self):
        # Low down the track may follow a vein that crosses, so that the seed itself is no fault.
        seeds = [
            Seed("ivc", "central_end", (*CAVA, 140.0)),
            Seed("left_external_iliac_vein", "peripheral_end", (*AORTA, 10.0)),
        ]
        with pytest.raises(MeasurementError, match="cannot be told from what lies beside"):
            segment(trunk(), seeds)

    @pytest.mark.shared
    @pytest.mark.parametrize(
        "name", ["ts_example_ct_iliac/example_ct.nii.gz", "lidc0314_100slices"]
    )
    def test_real_images_without_contrast(self, shared_data, name):
        with pytest.raises(NeedsSeedsError):
            segment(read_study(shared_data / name).ct())


def in_liver(cava_hu: float, liver_hu: float) -> tuple[Volume, list[Seed]]:
    """The trunk with liver all round the cava, and a seed at both of its ends."""
    volume = trunk(cava_hu=cava_hu)
    voxels = volume.voxels.copy()
    liver = where(volume, (-40.0, -10.0), 45, 40) & ~where(volume, CAVA, 11, 8)
    liver &= ~where(volume, AORTA, 12, 12) & (voxels < 100)
    voxels[liver] = np.random.default_rng(6).normal(liver_hu, 8.0, int(liver.sum())).round()
    ends = (("central_end", 140.0), ("peripheral_end", 8.0))
    seeds = [Seed("ivc", role, (*CAVA, z)) for role, z in ends]
    return replace(volume, voxels=voxels), seeds


class TestInTheLiver:
    @pytest.mark.parametrize(("cava_hu", "least"), [(150.0, 0.9), (130.0, 0.7)])
    def test_a_brighter_cava_is_told_from_the_liver(self, cava_hu, least):
        volume, seeds = in_liver(cava_hu, liver_hu=100.0)
        found, true = segment(volume, seeds).labels > 0, where(volume, CAVA, 11, 8)
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > least

    def test_a_cava_as_bright_as_the_liver_is_drawn_of_usual_size_and_not_trusted(self):
        volume, seeds = in_liver(cava_hu=100.0, liver_hu=100.0)
        found = segment(volume, seeds)
        drawn, true = found.labels > 0, where(volume, CAVA, 11, 8)
        assert drawn.sum() < 2 * true.sum()
        assert found.confidence[0].confidence < 0.5
        assert "of the wall shows" in " ".join(found.confidence[0].reasons)


class TestUpwards:
    def test_the_cava_is_followed_through_the_liver(self):
        volume, _ = in_liver(cava_hu=150.0, liver_hu=100.0)
        found, true = segment(volume).mask("ivc"), where(volume, CAVA, 11, 8)
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.8
        assert np.argwhere(found)[:, 0].max() >= 47

    def test_it_ends_where_it_lies_in_the_chest(self):
        volume = trunk()
        voxels = volume.voxels.copy()
        lungs = where(volume, (-60.0, 10.0), 36, 45) | where(volume, (65.0, 10.0), 36, 45)
        lungs &= ~where(volume, CAVA, 12, 9)
        lungs[:27] = False
        voxels[lungs] = -850
        found = segment(replace(volume, voxels=voxels)).mask("ivc")
        height_mm = 3.0 * float(np.argwhere(found)[:, 0].max())
        assert 81.0 <= height_mm <= 81.0 + 24.0


def aorta(contrast_hu: np.ndarray, radius_mm: np.ndarray) -> Track:
    count = len(contrast_hu)
    points = np.column_stack([np.zeros(count), np.zeros(count), 3.0 * np.arange(count)])
    return Track(points, radius_mm, contrast_hu, np.full(count, 150.0))


class TestWhereTheAortaDivides:
    def test_its_track_goes_on_in_a_thinner_artery(self):
        radius = np.where(np.arange(40) < 12, 6.0, 8.5)
        assert lowest_of_aorta_mm(aorta(np.full(40, 90.0), radius)) == pytest.approx(36.0, abs=3.1)

    def test_nothing_stands_out_below(self):
        contrast = np.where(np.arange(40) < 15, 8.0, 90.0)
        assert lowest_of_aorta_mm(aorta(contrast, np.full(40, 8.5))) == pytest.approx(45.0)

    def test_a_short_gap_is_passed(self):
        contrast = np.full(40, 90.0)
        contrast[20:22] = 5.0
        assert lowest_of_aorta_mm(aorta(contrast, np.full(40, 8.5))) == pytest.approx(0.0)

    def test_bone_that_the_track_leaves_for_at_its_upper_end_is_no_aorta(self):
        contrast = np.full(40, 90.0)
        contrast[28:33] = 5.0
        contrast[36:] = 5.0
        track = aorta(contrast, np.full(40, 8.5))
        assert lowest_of_aorta_mm(track) == pytest.approx(0.0)
        assert run_of_aorta(track)[0] == 27


def test_a_cut_field_of_view_and_a_metal_hip_do_not_disturb():
    volume = trunk()
    cut = volume.crop((slice(0, 50), slice(10, 100), slice(35, 150)))
    voxels = cut.voxels.copy()
    voxels[:8, 40:60, 90:105] = 3000
    found = segment(replace(cut, voxels=voxels))
    true = where(cut, CAVA, 11, 8)
    assert 2 * (found.mask("ivc") & true).sum() / (found.mask("ivc").sum() + true.sum()) > 0.8
