"""Which label value is which vein while a case is reviewed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from venoseg.anatomy import NAMES
from venoseg.review.labels_file import labelled_box
from venoseg.segmentation import Segmentation

# Label value -> vein, the same in every case: a reviewer may draw any vein.
LABEL_NAMES: dict[int, str] = {number + 1: name for number, name in enumerate(NAMES)}


def voxel_changes(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]
) -> dict[str, tuple[int, int]]:
    """Return for each vein that changed how many voxels it gained and lost."""
    where = before != after
    gained = np.bincount(after[where], minlength=256)
    lost = np.bincount(before[where], minlength=256)
    return {
        name: (int(gained[value]), int(lost[value]))
        for value, name in LABEL_NAMES.items()
        if gained[value] or lost[value]
    }


def canonical_labels(segmentation: Segmentation) -> npt.NDArray[np.uint8]:
    """Return a copy of labels whose values are those of `LABEL_NAMES`."""
    values: Mapping[str, int] = {name: value for value, name in LABEL_NAMES.items()}
    lookup = np.zeros(256, dtype=np.uint8)
    for value, name in segmentation.names.items():
        lookup[value] = values[name]
    # Looking up is slow where nothing is labelled, which is nearly everywhere.
    box = labelled_box(segmentation.labels)
    labels = np.zeros(segmentation.labels.shape, dtype=np.uint8)
    labels[box] = lookup[segmentation.labels[box]]
    return labels
