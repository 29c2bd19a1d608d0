"""Levels where veins change their names, in a painted pelvis of which every place is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation import OccludedCourse, Segmentation, VesselConfidence
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.landmarks.hips import femoral_heads
from venoseg.segmentation.names.branching import branches_of
from venoseg.segmentation.names.labelled import Veins
from venoseg.segmentation.names.levels import levels_of
from venoseg.segmentation.names.naming import named
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

BLOOD_HU = 150.0
GRID = Grid.from_axes((100, 70, 110), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-110, -70, -180))
PLACES = GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1))
HEAD_MM, HEAD_RADIUS_MM = (92.0, 0.0, -140.0), 24.0


def tube(points: list[tuple[float, float, float]], radius: float) -> BoolArray:
    line = np.array(points)
    at = np.linspace(0, len(line) - 1, 200 * (len(line) - 1) + 1)
    fine = np.stack([np.interp(at, range(len(line)), line[:, n]) for n in range(3)], axis=1)
    outside = np.ones(GRID.shape, dtype=bool)
    outside[tuple(np.rint(GRID.to_index(fine)).astype(int).T)] = False
    inside: BoolArray = ndimage.distance_transform_edt(outside, sampling=GRID.spacing_mm) < radius
    return inside


def course(side: float) -> list[tuple[float, float, float]]:
    """The iliac and femoral vein of a side: straight down, then forward to the groin."""
    return [(side * 20.0, 10.0, 0.0), (side * 45.0, 15.0, -60.0), (side * 62.0, -35.0, -170.0)]


def internal(side: float) -> list[tuple[float, float, float]]:
    """A vein that opens into it at z = -60, from behind."""
    return [(side * 45.0, 15.0, -60.0), (side * 42.0, 45.0, -92.0), (side * 40.0, 60.0, -120.0)]


@pytest.fixture(scope="module")
def veins() -> dict[str, BoolArray]:
    return {
        "left_iliac_vein": tube(course(1.0), 7.0),
        "right_iliac_vein": tube(course(-1.0), 7.0),
        "left": tube(internal(1.0), 4.5),
        "right": tube(internal(-1.0), 4.5),
    }


def pelvis(veins: dict[str, BoolArray], *, heads: bool = True, branches: bool = True) -> Volume:
    image = np.full(GRID.shape, -90.0, np.float32)
    if heads:
        for side in (-1.0, 1.0):
            away = np.linalg.norm(PLACES - np.array(HEAD_MM) * (side, 1.0, 1.0), axis=-1)
            image[(away < 34.0) & (away >= 27.0)] = 350.0
            image[away < HEAD_RADIUS_MM] = 300.0
    for name, inside in veins.items():
        if branches or "vein" in name:
            image[inside] = BLOOD_HU
    noise = np.random.default_rng(3).normal(0.0, 8.0, GRID.shape)
    return Volume((image + noise).round().astype(np.int16), GRID)


def labelled(veins: dict[str, BoolArray]) -> Segmentation:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[veins["left_iliac_vein"]] = 1
    labels[veins["right_iliac_vein"]] = 2
    names = {1: "left_iliac_vein", 2: "right_iliac_vein"}
    confidence = tuple(VesselConfidence(name, 0.9) for name in names.values())
    return Segmentation(labels, GRID, names, confidence=confidence)


def scene_of(volume: Volume) -> Scene:
    image = volume.voxels.astype(np.float32)
    return Scene(Picture(image, image, GRID))


class TestNamed:
    def test_an_iliac_vein_is_divided_at_the_internal_one_and_at_the_groin(self, veins):
        volume = pelvis(veins)
        found = named(volume, labelled(veins), scene_of(volume))
        assert {*found.names.values()} == {
            f"{side}_{part}_vein"
            for side in ("left", "right")
            for part in ("common_iliac", "external_iliac", "common_femoral")
        }
        for side in ("left", "right"):
            common = heights(found, f"{side}_common_iliac_vein")
            femoral = heights(found, f"{side}_common_femoral_vein")
            assert abs(common.min() + 60.0) < 15.0
            # The upper margin of the heads lies at -116; across a vein the cut leans with it.
            groin = next(one for one in found.levels if one.name == f"{side}_inguinal_ligament")
            assert groin.lps_mm is not None
            assert groin.uncertainty_mm == 10.0
            assert abs(groin.lps_mm[2] + 116.0) < 10.0
            assert abs(femoral.max() - groin.lps_mm[2]) < 10.0
        np.testing.assert_array_equal(found.labels > 0, labelled(veins).labels > 0)
        assert {one.vessel for one in found.confidence} == {*found.names.values()}
        assert all(one.confidence == 0.9 for one in found.confidence)

    def test_without_a_branch_common_and_external_stay_one(self, veins):
        volume = pelvis(veins, branches=False)
        found = named(volume, labelled(veins), scene_of(volume))
        assert {*found.names.values()} == {
            f"{side}_{part}_vein"
            for side in ("left", "right")
            for part in ("iliac", "common_femoral")
        }
        level = next(one for one in found.levels if one.name == "left_internal_iliac_junction")
        assert level.lps_mm is None
        assert "no vein is seen" in level.reasons[0]

    def test_without_the_hips_nothing_is_called_femoral(self, veins):
        volume = pelvis(veins, heads=False)
        found = named(volume, labelled(veins), scene_of(volume))
        assert not any("femoral" in name for name in found.names.values())
        groins = [one for one in found.levels if one.name.endswith("inguinal_ligament")]
        assert [one.lps_mm for one in groins] == [None, None]

    def test_a_vein_that_somebody_named_is_not_divided_anew(self, veins):
        given = labelled(veins)
        given = replace(given, names={1: "left_common_iliac_vein", 2: "right_iliac_vein"})
        volume = pelvis(veins)
        found = named(volume, given, scene_of(volume))
        np.testing.assert_array_equal(
            found.mask("left_common_iliac_vein"), given.mask("left_common_iliac_vein")
        )

    def test_a_shut_stretch_is_divided_too(self, veins):
        given = labelled(veins)
        z = PLACES[..., 2]
        given.labels[(given.labels == 1) & (z < -85) & (z > -150)] = 0
        way = np.linspace(course(1.0)[1], course(1.0)[2], 56)
        shut = OccludedCourse("left_iliac_vein", way[13:46], "image")
        volume = pelvis(veins)
        found = named(volume, replace(given, occluded=(shut,)), scene_of(volume))
        names = [one.vessel for one in found.occluded]
        assert names == ["left_external_iliac_vein", "left_common_femoral_vein"]
        assert sum(len(one.points_lps_mm) for one in found.occluded) == 33


class TestBranches:
    def test_a_vein_that_opens_is_found_and_one_that_touches_is_not(self, veins):
        volume = pelvis(veins)
        image = volume.voxels.astype(np.float32)
        line = Veins.of(labelled(veins), whole()).course(["left_iliac_vein"])
        found = branches_of(
            Picture(image, image, GRID),
            veins["left_iliac_vein"],
            line,
            BLOOD_HU,
            np.zeros(GRID.shape, dtype=bool),
        )
        assert len(found) == 1
        assert abs(line[found[0].root, 2] + 60.0) < 15.0
        assert 6.0 < found[0].width_mm < 13.0

    def test_where_it_may_not_be_it_is_not(self, veins):
        volume = pelvis(veins)
        image = volume.voxels.astype(np.float32)
        line = Veins.of(labelled(veins), whole()).course(["left_iliac_vein"])
        picture = Picture(image, image, GRID)
        never = veins["left"] & ~veins["left_iliac_vein"]
        assert not branches_of(picture, veins["left_iliac_vein"], line, BLOOD_HU, never)


class TestHips:
    def test_both_heads_are_found_to_a_few_millimetres(self, veins):
        volume = pelvis(veins)
        own = Veins.of(labelled(veins), whole())
        sides = {side: own.course([f"{side}_iliac_vein"]) for side in ("left", "right")}
        found = femoral_heads(volume, sides)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            off = found[side].middle_lps_mm - np.array(HEAD_MM) * (sign, 1.0, 1.0)
            assert np.abs(off).max() < 4.5
            # The socket's inner wall lies 3 mm farther out.
            assert -1.0 <= found[side].radius_mm - HEAD_RADIUS_MM <= 4.0

    def test_in_a_trunk_without_bones_there_are_none(self, veins):
        volume = pelvis(veins, heads=False)
        own = Veins.of(labelled(veins), whole())
        sides = {side: own.course([f"{side}_iliac_vein"]) for side in ("left", "right")}
        assert not femoral_heads(volume, sides)


class TestRenal:
    CAVA, AORTA = (-20.0, 10.0), (14.0, 0.0)

    def scene(self, *, left: bool, right: bool) -> tuple[Volume, Segmentation, Scene]:
        low, high = -170.0, 8.0
        cava = tube([(*self.CAVA, low), (*self.CAVA, high)], 9.0)
        aorta = tube([(*self.AORTA, low), (*self.AORTA, high)], 9.0)
        image = np.full(GRID.shape, -90.0, np.float32)
        image[cava | aorta] = BLOOD_HU
        if left:
            over = [(-20.0, 6.0, -60.0), (-4.0, -16.0, -60.0), (30.0, -16.0, -60.0)]
            image[tube(over, 4.0)] = BLOOD_HU
        if right:
            image[tube([(-20.0, 10.0, -68.0), (-70.0, 30.0, -76.0)], 4.5)] = BLOOD_HU
        volume = Volume(image.astype(np.int16), GRID)
        labels = cava.astype(np.uint8)
        line = np.column_stack([np.full((60, 2), self.AORTA), np.linspace(high, low, 60)])
        scene = replace(scene_of(volume), arteries=aorta, aorta_lps_mm=line)
        return volume, Segmentation(labels, GRID, {1: "ivc"}), scene

    def test_the_lower_mouth_counts(self):
        volume, given, scene = self.scene(left=True, right=True)
        (level,) = levels_of(volume, Veins.of(given, whole()), scene)
        assert level.name == "renal_veins"
        assert level.confidence >= 0.9
        assert level.lps_mm is not None
        assert abs(level.lps_mm[2] + 68.0) < 5.0

    def test_one_on_the_right_alone_is_not_sure(self):
        volume, given, scene = self.scene(left=False, right=True)
        (level,) = levels_of(volume, Veins.of(given, whole()), scene)
        assert level.confidence < 0.5

    def test_none_is_not_found(self):
        volume, given, scene = self.scene(left=False, right=False)
        (level,) = levels_of(volume, Veins.of(given, whole()), scene)
        assert level.lps_mm is None
        assert "no vein is seen" in level.reasons[0]


def whole() -> tuple[slice, slice, slice]:
    k, j, i = (slice(0, n) for n in GRID.shape)
    return k, j, i


def heights(found: Segmentation, vessel: str) -> FloatArray:
    return GRID.to_lps(np.argwhere(found.mask(vessel)))[:, 2]
