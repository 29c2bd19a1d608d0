"""Segmenters from outside, and the refinement of what they draw."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg.errors import DependencyError, NeedsSeedsError, UsageError
from venoseg.segmentation import Segmentation, refine, segment, segmenter_names

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
