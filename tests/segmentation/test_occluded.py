"""Open iliac veins below an occluded cava."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation import OccludedCourse, Segmentation, VesselConfidence
from venoseg.segmentation.occluded import open_below
from venoseg.volume import Grid

GRID = Grid.from_axes((10, 4, 4), spacing_mm=(3.0, 3.0, 3.0), origin_lps_mm=(0.0, 0.0, 0.0))
CLOSED = OccludedCourse("ivc", np.array([[0.0, 0.0, 20.0], [0.0, 0.0, 10.0]]), "image")


def cava_alone() -> Segmentation:
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    labels[7:] = 1
    sure = VesselConfidence("ivc", 0.9, ("only 40 mm of it are seen",))
    return Segmentation(labels, GRID, {1: "ivc"}, confidence=(sure,))


def with_veins(
    vein: float, cava_from: int = 7, occluded: tuple[OccludedCourse, ...] = (CLOSED,)
) -> Segmentation:
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    labels[cava_from:] = 1
    labels[:3] = 2 if vein else 0
    sure = (
        VesselConfidence("ivc", 0.2, ("no contrast over 80 % of its length",)),
        VesselConfidence("left_iliac_vein", vein),
    )
    names = {1: "ivc", 2: "left_iliac_vein"}
    return Segmentation(labels, GRID, names, occluded=occluded, confidence=sure)


@pytest.mark.parametrize("vein", [0.7, 0.4], ids=["open", "closed for the greater part"])
def test_veins_drawn_below_an_occlusion_stay_and_the_cava_is_as_sure_as_its_open_part(vein):
    whole = open_below(with_veins(vein), cava_alone())
    assert whole is not None
    assert whole.mask("left_iliac_vein").any()
    assert whole.occluded == (CLOSED,)
    cava, side = whole.confidence
    assert cava.confidence == 0.9
    assert cava.reasons == ("only 40 mm of it are seen", "no contrast over 80 % of its length")
    assert side.confidence == vein


@pytest.mark.parametrize(
    "doubtful",
    [with_veins(0.0), with_veins(0.7, cava_from=9), with_veins(0.7, occluded=())],
    ids=["no vein is drawn", "less of the cava has a lumen", "nothing is occluded"],
)
def test_otherwise_the_cava_is_in_doubt(doubtful):
    assert open_below(doubtful, cava_alone()) is None
