"""Segmenters from outside, and the refinement of what they draw."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from venoseg.errors import DependencyError, NeedsSeedsError, UsageError
from venoseg.segmentation import Segmentation, extend, refine, segment, segmenter_names
from venoseg.volume import Grid, Volume

CLASSES = {63: "inferior_vena_cava", 67: "iliac_vena_left", 68: "iliac_vena_right"}


@pytest.fixture
def stand_in(monkeypatch):
    """Put a module in TotalSegmentator's place that answers with a given label map."""

    def put(answer):
        calls = []

        def totalsegmentator(source, result, **options):
            calls.append(options)
            if isinstance(answer, BaseException):
                raise answer
            image = sitk.GetImageFromArray(answer)
            image.CopyInformation(sitk.ReadImage(str(source)))
            sitk.WriteImage(image, str(result))

        package, api, classes = (
            ModuleType(f"totalsegmentator{end}") for end in ("", ".python_api", ".map_to_binary")
        )
        api.totalsegmentator = totalsegmentator
        classes.class_map = {"total": CLASSES}
        for module in (package, api, classes):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        return calls

    return put


def coarse(twin) -> np.ndarray:
    """What a model working at about 4 mm would draw, with TotalSegmentator's values."""
    truth = twin.segmentation
    labels = np.zeros(truth.labels.shape, dtype=np.uint8)
    for name, value in (("ivc", 63), ("left", 67), ("right", 68)):
        mask = np.any([truth.mask(n) for n in truth.names.values() if n.startswith(name)], axis=0)
        small = mask[::2, 1::4, 1::4]
        grown = small.repeat(2, 0).repeat(4, 1).repeat(4, 2)
        k, j, i = (min(a, b) for a, b in zip(grown.shape, labels.shape, strict=True))
        labels[:k, :j, :i][grown[:k, :j, :i]] = value
    return labels


def pelvis_with_labels(gap_mm: float):
    """A trunk whose aorta and cava divide 90 mm below its top; labels of the upper veins only.

    Returns the image, where iliac veins and arteries are, and the labels; of ``gap_mm`` of the
    veins, from 50 mm below the labels' end on, the blood has no contrast.
    """
    grid = Grid.from_axes((90, 100, 130), spacing_mm=(3.0, 2.0, 2.0), origin_lps_mm=(-130, -90, 0))
    z = 3.0 * np.arange(90)[:, None, None]
    y, x = np.mgrid[-90:110:2, -130:130:2].astype(float)
    inside = (x / 124) ** 2 + ((y - 12) / 92) ** 2 < 1
    image = np.broadcast_to(np.where(inside, -100.0, -1000.0), grid.shape).copy()
    image[:, (x / 20) ** 2 + ((y - 38) / 18) ** 2 < 1] = 350.0
    for side in (-1, 1):
        image[(np.hypot(x - side * 95, y - 35) < 14) & (z < 150)] = 500.0
    down = np.maximum(180.0 - z, 0.0)
    veins, arteries = (np.zeros(grid.shape, dtype=bool) for _ in range(2))
    for side in (-1.0, 1.0):
        middle = 12 + side * 0.42 * down
        arteries |= (np.hypot(x - middle - 2, y + 6) < 5) & (z < 180)
        vein_x = np.where(z < 160, -20 + side * 0.42 * np.maximum(160 - z, 0) + 0.15 * down, -22)
        veins |= (np.hypot(x - vein_x, y - 12) < 7) & (z < 160)
    image[arteries | ((np.hypot(x - 12, y - 6) < 9) & (z >= 180))] = 190.0
    cava = (np.hypot(x + 22, y - 12) < 10) & (z >= 160)
    image[cava | veins] = 130.0
    end = 120.0
    image[veins & (z < end - 50) & (z > end - 50 - gap_mm)] = 40.0
    noise = np.random.default_rng(3).normal(0.0, 8.0, grid.shape)
    volume = Volume((image + noise).round().astype(np.int16), grid)
    labels = cava.astype(np.uint8)
    labels[veins & (z >= end) & (x < -20)] = 2
    labels[veins & (z >= end) & (x >= -20)] = 3
    names = {1: "ivc", 2: "right_external_iliac_vein", 3: "left_external_iliac_vein"}
    return volume, veins, arteries, Segmentation(labels, grid, names)


def dice(first, second) -> float:
    return 2.0 * float((first & second).sum()) / float(first.sum() + second.sum())


class TestTotalSegmentator:
    def test_its_labels_become_veins_at_the_true_edge(self, y_twin, stand_in):
        drawn = coarse(y_twin)
        calls = stand_in(drawn)
        found = segment(y_twin.image, segmenter="totalsegmentator")
        assert calls == [
            {"ml": True, "task": "total", "roi_subset": list(CLASSES.values()), "quiet": True}
        ]
        assert set(found.names.values()) == {"ivc", "left_iliac_vein", "right_iliac_vein"}
        truth = y_twin.segmentation.mask("ivc")
        assert dice(found.mask("ivc"), truth) > max(0.95, dice(drawn == 63, truth))
        assert "refined" in found.flags

    def test_not_installed(self, y_twin, monkeypatch):
        monkeypatch.setitem(sys.modules, "totalsegmentator", None)
        with pytest.raises(DependencyError, match=r"pip install 'venoseg\[totalsegmentator\]'"):
            segment(y_twin.image, segmenter="totalsegmentator")

    @pytest.mark.parametrize("failure", [OSError("no network"), SystemExit(1)])
    def test_weights_that_cannot_be_had(self, y_twin, stand_in, failure):
        stand_in(failure)
        with pytest.raises(DependencyError, match="weights"):
            segment(y_twin.image, segmenter="totalsegmentator")

    def test_nothing_found(self, y_twin, stand_in):
        stand_in(np.zeros(y_twin.image.grid.shape, dtype=np.uint8))
        with pytest.raises(NeedsSeedsError, match="none of the veins"):
            segment(y_twin.image, segmenter="totalsegmentator")


class TestNames:
    def test_an_unknown_one_is_refused_with_those_that_are_known(self, y_twin):
        with pytest.raises(UsageError, match="totalsegmentator"):
            segment(y_twin.image, segmenter="nobody")
        assert "totalsegmentator" in segmenter_names()


class TestRefine:
    def test_without_contrast_the_coarse_edge_stays(self, y_twin):
        labels = (coarse(y_twin) == 63).astype(np.uint8)
        pale = replace(y_twin.image, voxels=np.minimum(y_twin.image.voxels, 40).astype(np.int16))
        given = Segmentation(labels, pale.grid, {1: "ivc"})
        found = refine(pale, given)
        assert (found.labels == labels).all()
        assert "labels_not_refined" in found.flags

    def test_muscle_and_fat_beside_one_vein_have_edges_of_their_own(self):
        grid = Grid.from_axes((24, 60, 60), spacing_mm=(2.0, 1.0, 1.0))
        y, x = np.mgrid[-30.0:30.0, -30.0:30.0]
        vein = np.hypot(x, y) < 8
        image = np.where(x < 0, -90.0, 55.0)
        image[vein] = 130.0
        blurred = ndimage.gaussian_filter(image, 0.9)
        volume = Volume(np.broadcast_to(blurred, grid.shape).round().astype(np.int16), grid)
        labels = np.broadcast_to(np.hypot(x - 1, y) < 9, grid.shape).astype(np.uint8)
        found = refine(volume, Segmentation(labels, grid, {1: "ivc"}))
        assert dice(found.mask("ivc"), np.broadcast_to(vein, grid.shape)) > 0.97

    def test_beside_an_artery_as_bright_the_coarse_edge_stays(self):
        grid = Grid.from_axes((24, 60, 60), spacing_mm=(2.0, 1.0, 1.0))
        y, x = np.mgrid[-30.0:30.0, -30.0:30.0]
        vein, artery = np.hypot(x + 8, y) < 8, np.hypot(x - 7, y) < 7
        image = np.where(vein | artery, 130.0, -90.0)
        blurred = ndimage.gaussian_filter(image, 0.9)
        volume = Volume(np.broadcast_to(blurred, grid.shape).round().astype(np.int16), grid)
        labels = np.broadcast_to(vein, grid.shape).astype(np.uint8)
        found = refine(volume, Segmentation(labels, grid, {1: "ivc"}))
        taken = found.mask("ivc") & np.broadcast_to(artery, grid.shape)
        assert taken.sum() < 0.03 * found.mask("ivc").sum()


class TestExtend:
    def test_where_no_aorta_is_in_view_nothing_is_added_and_it_is_said(self, y_twin):
        labels = coarse(y_twin)
        height = y_twin.image.grid.to_lps(np.column_stack([np.arange(len(labels))] * 3))[:, 2]
        labels[height < -60] = 0
        names = {63: "ivc", 67: "left_iliac_vein", 68: "right_iliac_vein"}
        found = extend(y_twin.image, Segmentation(labels, y_twin.image.grid, names))
        assert (found.labels == labels).all()
        assert {one.vessel for one in found.confidence} == set(names.values()) - {"ivc"}
        assert all("not extended" in one.reasons[0] for one in found.confidence)

    def test_a_cava_alone_stays_as_it_is(self, y_twin):
        labels = (coarse(y_twin) == 63).astype(np.uint8)
        given = Segmentation(labels, y_twin.image.grid, {1: "ivc"})
        assert extend(y_twin.image, given) is given

    @pytest.mark.parametrize(("gap_mm", "low", "high"), [(0.0, 80.0, 130.0), (40.0, 20.0, 52.0)])
    def test_a_vein_is_followed_as_far_as_its_blood_and_no_farther(self, gap_mm, low, high):
        volume, veins, arteries, given = pelvis_with_labels(gap_mm)
        found = extend(volume, given)
        added = (found.labels > 0) & (given.labels == 0)
        assert "extended" in found.flags
        for name in ("left_external_iliac_vein", "right_external_iliac_vein"):
            reach = volume.grid.to_lps(np.argwhere(added & found.mask(name)))[:, 2]
            assert low < np.ptp(reach) < high
        assert (added & arteries).sum() < 0.01 * added.sum()
        assert (added & veins).sum() > 0.8 * added.sum()
