"""How far up the pelvis reaches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation.landmarks.central import crest_of, find_landmarks
from venoseg.segmentation.landmarks.spine import spine_of
from venoseg.segmentation.voxels.domains import Picture, bones_in
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 80, 110), spacing_mm=(3.0, 3.0, 3.0))
MIDDLE = np.full(60, 55.0)


def trunk() -> np.ndarray:
    """Soft tissue with a spine all along."""
    image = np.full(GRID.shape, 40.0, np.float32)
    image[:, 40:52, 50:60] = 300.0
    return image


def crest(image: np.ndarray) -> float:
    return crest_of(image, GRID, np.ones(image.shape, dtype=bool), MIDDLE)


def test_of_thin_bone_the_end_plates_tell_the_front():
    image = np.full(GRID.shape, 40.0, np.float32)
    image[:, 58:70, 48:62] = 300.0
    # Vertebrae of 30 mm, of which between the end plates only the back shows.
    image[::10, 45:58, 48:62] = 260.0
    image[:, 45:58, 48:62] = np.maximum(image[:, 45:58, 48:62], 110.0)
    body = np.ones(GRID.shape, dtype=bool)
    body[:, :10] = body[:, 76:] = False
    _, front = spine_of(image, GRID, body)
    np.testing.assert_allclose(front[5:-5], 45.0, atol=1.5)


class TestCrest:
    def test_the_wings_end_there(self):
        image = trunk()
        image[:25, 45:53, 20:23] = 400.0
        image[:25, 45:53, 88:91] = 400.0
        image[:20, 40:58, 20:23] = 400.0
        assert crest(image) == pytest.approx(24 * 3.0)

    def test_a_pelvis_of_which_one_side_is_cut_off_shows_it_too(self):
        image = trunk()
        image[:25, 45:53, 20:23] = 400.0
        image[:20, 40:58, 20:23] = 400.0
        assert crest(image) == pytest.approx(24 * 3.0)

    def test_kidneys_and_ribs_are_no_pelvis(self):
        image = trunk()
        image[:30, 40:55, 25:40] = 240.0
        image[:30, 60:62, 20:26] = 500.0
        assert crest(image) == -np.inf

    def test_ribs_cut_lengthwise_are_no_pelvis(self):
        image = trunk()
        image[:30, 45:53, 20:23] = 400.0
        assert crest(image) == -np.inf

    def test_arms_beside_the_trunk_are_no_pelvis(self):
        wide = Grid.from_axes((60, 80, 150), spacing_mm=(3.0, 3.0, 3.0))
        image = np.full(wide.shape, 40.0, np.float32)
        image[:30, 40:52, 5:15] = 500.0
        assert crest_of(image, wide, np.ones(wide.shape, dtype=bool), MIDDLE + 20) == -np.inf

    def test_wings_far_above_the_lower_end_are_none(self):
        image = trunk()
        image[30:50, 45:53, 20:23] = 400.0
        assert crest(image) == -np.inf


def test_vertebrae_with_their_marrow_and_the_disc_between_are_bone_and_the_vein_before_is_not():
    grid = Grid.from_axes((30, 60, 60), spacing_mm=(2.0, 2.0, 2.0))
    y, x = np.mgrid[:60, :60]
    image = np.full(grid.shape, -80.0, np.float32)
    body = np.hypot(x - 30, y - 40) < 12
    rim = body & (np.hypot(x - 30, y - 40) > 9)
    for slices in (slice(0, 12), slice(17, 30)):
        image[slices, body] = 130.0
        image[slices, rim] = 280.0
    image[12:17, body] = 90.0
    # Arches join the vertebrae behind.
    image[:, (np.abs(x - 30) < 4) & (y > 50) & (y < 58)] = 350.0
    vein = np.hypot(x - 26, y - 22) < 5
    image[:, vein] = 140.0
    bones = bones_in(Picture(image, image, grid), 140.0)
    assert bones[:, np.hypot(x - 30, y - 40) < 11].all()
    assert not bones[:, vein].any()


@pytest.mark.parametrize("bowel_hu", [190.0, 220.0])
def test_bowel_that_holds_contrast_beside_the_cava_is_not_followed(bowel_hu):
    y, x = np.mgrid[:80, :110]
    image = np.full(GRID.shape, -1000.0, np.float32)
    image[:, ((x - 55) / 50.0) ** 2 + ((y - 40) / 32.0) ** 2 < 1] = -90.0
    image[:, np.hypot(x - 44, y - 43) < 9] = 58.0
    image[:, np.hypot(x - 55, y - 46) < 7] = 200.0
    image[:, (np.abs(x - 55) < 4) & (y > 52) & (y < 66)] = 350.0
    aorta, cava, bowel = (np.hypot(x - i, y - j) for i, j in ((59, 35), (50, 36), (46, 31)))
    image[:, aorta < 3.3] = 150.0
    image[:, cava < 3.0] = 115.0
    image[10:30, bowel < 3.5] = bowel_hu
    image = ndimage.gaussian_filter(image, (0.0, 0.5, 0.5))
    image += np.random.default_rng(1).normal(0.0, 8.0, GRID.shape).astype(np.float32)
    found = find_landmarks(image, GRID)
    assert found is not None
    away = GRID.to_index(found.cava.points_lps_mm)[12:28, 1:] - (36, 50)
    assert np.linalg.norm(away, axis=1).max() < 2.0
