"""A cava left of the aorta: alone, beside the usual one, and what is none."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.courses.plan import Chain, with_second_cava
from venoseg.segmentation.landmarks.cava import second_cava, sure_cava
from venoseg.segmentation.landmarks.central import Landmarks, find_landmarks
from venoseg.segmentation.working import Float32Array, pooled
from venoseg.volume import BoolArray, Grid, Volume

CAVA, AORTA, LEFT = (-22.0, 8.0), (12.0, 6.0), (37.0, 12.0)
CROSSES_MM = 105.0


def trunk(*, right: bool, left_hu: float | None, left_mm: float = 9.0) -> Landmarks:
    """A trunk with a cava above the kidneys; below them on the right, on the left, or on both."""
    grid = Grid.from_axes((50, 110, 150), spacing_mm=(3.0, 2.0, 2.0), origin_lps_mm=(-150, -90, 0))
    y, x = np.mgrid[-90:130:2, -150:150:2].astype(float)
    image = np.full(grid.shape, -1000.0, np.float32)

    def fill(where: BoolArray, hu: float, slices: slice = slice(None)) -> None:
        image[slices][:, where] = hu

    fill((x / 140) ** 2 + ((y - 18) / 95) ** 2 < 1, 55.0)
    fill((x / 130) ** 2 + ((y - 18) / 86) ** 2 < 1, -100.0)
    fill((x / 20) ** 2 + ((y - 38) / 18) ** 2 < 1, 350.0)
    for side in (-1, 1):
        fill(np.hypot(x - side * 45, y - 42) < 17, 58.0)
    fill(np.hypot(x - AORTA[0], y - AORTA[1]) < 9, 165.0)
    high = round(CROSSES_MM / 3.0)
    cava = ((x - CAVA[0]) / 11) ** 2 + ((y - CAVA[1]) / 8) ** 2 < 1
    fill(cava, 150.0, slice(high, None))
    if right:
        fill(cava, 150.0, slice(0, high))
    if left_hu is not None:
        fill(np.hypot(x - LEFT[0], y - LEFT[1]) < left_mm, left_hu, slice(0, high))
        before_aorta = (np.abs(y + 10) < 5) & (x > CAVA[0]) & (x < LEFT[0])
        fill(before_aorta, left_hu, slice(high - 2, high + 2))
    image += np.random.default_rng(5).normal(0.0, 8.0, grid.shape)
    volume = Volume(image.round().astype(np.int16), grid)
    coarse, place = pooled(volume, (slice(0, 50), slice(0, 110), slice(0, 150)), 3.0)
    return found_in(coarse, place)


def found_in(coarse: Float32Array, place: Grid) -> Landmarks:
    found = find_landmarks(coarse, place)
    assert found is not None
    return found


def test_most_people_have_no_cava_on_the_left():
    found = trunk(right=True, left_hu=None)
    assert len(found.left_lps_mm) == 0
    assert len(second_cava(found, sure_cava(found))) == 0


def test_a_second_cava_is_found_beside_the_usual_one():
    found = trunk(right=True, left_hu=150.0)
    cava = sure_cava(found)
    second = second_cava(found, cava)
    assert np.abs(cava[:, 0] - CAVA[0]).max() < 6
    assert np.abs(second[:, :2] - LEFT).max() < 6
    assert second[0, 2] > 80
    assert second[-1, 2] < 20


def test_the_only_cava_is_followed_to_the_left():
    found = trunk(right=False, left_hu=150.0)
    cava = sure_cava(found)
    assert np.abs(cava[cava[:, 2] < CROSSES_MM - 15, :2] - LEFT).max() < 6
    assert np.abs(cava[cava[:, 2] > CROSSES_MM + 10, 0] - CAVA[0]).max() < 6
    assert len(second_cava(found, cava)) == 0


def test_muscle_and_thin_veins_beside_the_aorta_are_no_cava():
    assert len(trunk(right=True, left_hu=60.0).left_lps_mm) == 0
    assert len(trunk(right=True, left_hu=150.0, left_mm=3.0).left_lps_mm) == 0


def test_each_side_is_led_through_its_own_cava():
    cava = np.array([(-20.0, 0.0, 140.0), (-20.0, 0.0, 100.0), (-20.0, 0.0, 20.0)])
    second = np.array([(35.0, 0.0, 95.0), (35.0, 0.0, 20.0)])
    ends = {"left": (60.0, -50.0, -180.0), "right": (-60.0, -50.0, -180.0)}
    chains = [Chain(s, np.vstack([cava, e]), (), f"{s}_iliac_vein") for s, e in ends.items()]
    left, right = with_second_cava(chains, second, -5.0)
    assert left.points_lps_mm[:, 0].tolist() == [-20.0, -20.0, 35.0, 35.0, 60.0]
    assert right.points_lps_mm[:, 0].tolist() == [-20.0, -20.0, -20.0, -60.0]
    assert left.cava_above_mm == right.cava_above_mm == -5.0
