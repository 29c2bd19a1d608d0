"""A cava in liver of nearly the same grey value is an oval, and no more sure than what shows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation import Seed, segment
from venoseg.segmentation.cava.completing import completed, of_completed
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.volume import Grid, Volume

LIVER_HU, FAT_HU, NOISE_HU = 110.0, -100.0, 15.0
SIZE_MM, HEIGHT_MM = 140, 60.0
GRID = Grid.from_axes(
    (24, SIZE_MM, SIZE_MM), spacing_mm=(2.5, 1.0, 1.0), origin_lps_mm=(-70.0, -70.0, 0.0)
)
WIDE_MM, DEEP_MM = 12.0, 7.5
SEEDS = (
    Seed("ivc", "central_end", (0.0, 0.0, 54.0)),
    Seed("ivc", "peripheral_end", (0.0, 0.0, 3.0)),
)


def upper_abdomen(cava_hu: float) -> tuple[Volume, np.ndarray]:
    """A cava with fat behind it, liver beside it, and a caudate lobe before it that fat bounds."""
    y, x = np.mgrid[: GRID.shape[1], : GRID.shape[2]] - SIZE_MM / 2.0
    true = (x / WIDE_MM) ** 2 + (y / DEEP_MM) ** 2 < 1.0
    section = np.full(true.shape, FAT_HU)
    lobe = (y > -24.0) & (y < 1.0) & (x < 24.0)
    section[lobe | (y < -28.0) | (x < -0.9 * WIDE_MM)] = LIVER_HU
    section[true] = cava_hu
    section[np.hypot(x - 36.0, y - 8.0) < 11.0] = 150.0
    section = ndimage.gaussian_filter(section, 0.6)
    noise = np.random.default_rng(4).normal(0.0, 1.0, GRID.shape)
    noise = ndimage.gaussian_filter(noise, (0.0, 0.6, 0.6))
    image = section + NOISE_HU * noise / noise.std()
    mask = np.broadcast_to(true, GRID.shape)
    return Volume(image.round().astype(np.int16), GRID), mask


def full_cava() -> tuple[Volume, np.ndarray]:
    """A round cava, 34 mm wide, in fat; liver lies beside and before its upper third."""
    z, y, x = np.indices(GRID.shape, dtype=float)
    z, y, x = 2.5 * z, y - SIZE_MM / 2.0, x - SIZE_MM / 2.0
    true = np.hypot(x, y) < 17.0
    image = np.full(GRID.shape, FAT_HU)
    image[(z > 42.0) & ((y < -6.0) | (x < -8.0))] = LIVER_HU
    image[true] = LIVER_HU + 15.0
    image[np.hypot(x - 42.0, y - 8.0) < 11.0] = 150.0
    noise = np.random.default_rng(4).normal(0.0, NOISE_HU, GRID.shape)
    image = ndimage.gaussian_filter(image, (0.0, 0.6, 0.6)) + noise
    return Volume(image.round().astype(np.int16), GRID), true


def beside_bright_blood(other_hu: float, lobe: bool) -> tuple[Volume, np.ndarray]:
    """A cava of 190 HU, of which what lies right is other blood, or a thin lobe of the liver."""
    y, x = np.mgrid[: GRID.shape[1], : GRID.shape[2]] - SIZE_MM / 2.0
    whole = (x / 13.0) ** 2 + (y / 9.0) ** 2 < 1.0
    bright = whole & (x > -5.0)
    section = np.full(whole.shape, FAT_HU)
    section[np.hypot(x - 36.0, y - 8.0) < 11.0] = 200.0
    section[((np.abs(x + 9.0) < 4.0) & (np.abs(y) < 22.0) if lobe else whole)] = other_hu
    section[bright] = 190.0
    section = ndimage.gaussian_filter(section, 0.6)
    noise = np.random.default_rng(4).normal(0.0, NOISE_HU, GRID.shape)
    image = (section + noise).round().astype(np.int16)
    return Volume(image, GRID), np.broadcast_to(bright if lobe else whole, GRID.shape)


def dice(drawn: np.ndarray, true: np.ndarray) -> float:
    slices = drawn.any(axis=(1, 2))
    both = int((drawn & true)[slices].sum())
    return 2.0 * both / int(drawn[slices].sum() + true[slices].sum())


@pytest.mark.parametrize("cava_hu", [LIVER_HU + 20.0, LIVER_HU - 10.0])
def test_a_cava_is_told_from_the_lobe_before_it(cava_hu):
    volume, true = upper_abdomen(cava_hu)
    found = segment(volume, SEEDS)
    assert dice(found.labels > 0, true) > 0.9
    (cava,) = found.confidence
    assert any("completed to an oval" in reason for reason in cava.reasons)


def test_a_full_cava_is_drawn_whole():
    volume, true = full_cava()
    found = segment(volume, SEEDS)
    for part in (slice(2, 15), slice(18, 21)):
        assert dice(found.labels[part] > 0, true[part]) > 0.9
    # Where all of its wall shows its width is no doubt.
    assert found.confidence[0].confidence > 0.7


@pytest.mark.parametrize("dark_hu", [80.0, 110.0])
def test_a_darker_stream_beside_a_brighter_one_is_drawn_too(dark_hu):
    volume, true = beside_bright_blood(dark_hu, lobe=False)
    assert dice(segment(volume, SEEDS).labels > 0, true) > 0.95


def test_a_thin_lobe_beside_bright_blood_is_no_stream():
    volume, true = beside_bright_blood(LIVER_HU, lobe=True)
    assert dice(segment(volume, SEEDS).labels > 0, true) > 0.9


def test_an_oval_is_as_sure_as_its_wall_shows():
    (shown,) = segment(upper_abdomen(LIVER_HU + 20.0)[0], SEEDS).confidence
    (hidden,) = segment(upper_abdomen(LIVER_HU)[0], SEEDS).confidence
    assert shown.confidence > 0.9
    assert hidden.confidence < 0.3


def tube(step_hu: float, level_hu: float = 130.0) -> Tube:
    course = course_through(np.array([[0.0, 0.0, 57.0], [0.0, 0.0, 3.0]]), 1.5, 3.0)
    shape = len(course.points_lps_mm), RAYS
    return Tube(course, np.full(shape, 9.5), np.full(shape[0], level_hu), np.full(shape, step_hu))


def test_a_wall_that_shows_stays():
    volume, _ = upper_abdomen(130.0)
    seen = tube(60.0)
    assert completed(volume, seen, [], -np.inf, None) is seen


def test_an_iliac_vein_stays():
    volume, _ = upper_abdomen(130.0)
    faint = tube(5.0)
    assert completed(volume, faint, [], 80.0, None) is faint
    assert completed(volume, faint, [], -np.inf, None) is not faint


def test_blood_without_contrast_is_not_completed():
    volume, _ = upper_abdomen(130.0)
    faint = tube(5.0, level_hu=50.0)
    assert completed(volume, faint, [], -np.inf, None) is faint


def test_a_wall_that_was_not_completed_raises_no_doubt():
    seen = tube(60.0)
    assert not list(of_completed(seen, np.ones(len(seen.level_hu), dtype=bool)))
