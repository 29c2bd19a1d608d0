"""Labels as a review keeps them come back as they were."""

from __future__ import annotations

import numpy as np

from venoseg.review.labels_file import read_labels_file, write_labels
from venoseg.segmentation import Level, Segmentation, VesselConfidence
from venoseg.volume import Grid


def test_what_is_known_of_labels_comes_back(tmp_path):
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[1:3, 2:4, 1:5] = 1
    levels = (
        Level("renal_veins", (1.0, -2.5, 30.0), 8.0, 0.9, ("two veins",)),
        Level("left_inguinal_ligament", None, None, 0.0, ("no hips",)),
    )
    given = Segmentation(
        labels,
        Grid.from_axes((4, 5, 6), spacing_mm=(2.0, 1.0, 1.0)),
        {1: "ivc"},
        confidence=(VesselConfidence("ivc", 0.8, ("short",)),),
        levels=levels,
    )
    write_labels(given, tmp_path / "labels.zip")
    found = read_labels_file(tmp_path / "labels.zip")
    np.testing.assert_array_equal(found.labels, given.labels)
    assert found.levels == levels
    assert found.confidence == given.confidence
