"""In an arterial phase the cava is followed alone."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.early import without_unmixed
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 30, 30), spacing_mm=(5.0, 5.0, 5.0), origin_lps_mm=(-75, -75, 0))
CAVA = np.array([[0.0, 0.0, z] for z in (280.0, 250.0, 220.0, 190.0, 160.0)])


def chains() -> list[Chain]:
    start = CAVA[:1]
    return [
        Chain(side, np.concatenate([start, [[x, 0.0, 20.0]]]), (), f"{side}_external_iliac_vein")
        for side, x in (("left", 60.0), ("right", -60.0))
    ]


def scene(artery_hu: float, groin_hu: float) -> Scene:
    image = np.full(GRID.shape, 110.0, np.float32)
    image[:20] = groin_hu
    return Scene(Picture(image, image, GRID), artery_hu=artery_hu, cava_lps_mm=CAVA)


def test_iliac_veins_without_contrast_are_left_out_and_it_is_said_why():
    (cava,), left_out = without_unmixed(chains(), scene(350.0, 50.0))
    assert cava.side is None
    assert cava.points_lps_mm == pytest.approx(CAVA)
    assert [(one.vessel, one.confidence) for one in left_out] == [
        ("left_iliac_vein", 0.0),
        ("right_iliac_vein", 0.0),
    ]
    assert all("arterial phase" in one.reasons[0] for one in left_out)


@pytest.mark.parametrize(("artery_hu", "groin_hu"), [(180.0, 50.0), (350.0, 110.0)])
def test_an_occluded_limb_and_a_groin_with_contrast_are_no_arterial_phase(artery_hu, groin_hu):
    wanted = chains()
    kept, left_out = without_unmixed(wanted, scene(artery_hu, groin_hu))
    assert kept == wanted
    assert left_out == ()
