"""The width of a catheter from its shadow, on drawn shafts of known width."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from venoseg.angiography.catheter import catheter_width
from venoseg.errors import MeasurementError

Array = npt.NDArray[np.float64]

SHAPE = (160, 120)
FINER = 9


def drawn(
    width: float,
    *,
    blur: float = 0.7,
    lumen: float = 0.0,
    bands: bool = False,
    square: bool = False,
    noise: float = 0.004,
    grain: float = 0.0,
    seed: int = 0,
) -> npt.NDArray[np.float32]:
    """Attenuation of a slanting shaft; ``lumen`` is its inner as a share of its outer width.

    The blur is a bell, or, of ``square`` pixels, one and the mean over each pixel. Noise is blurred
    by ``grain``.
    """
    rows, columns = ((np.arange(n * FINER) + 0.5) / FINER - 0.5 for n in SHAPE)
    row, column = np.meshgrid(rows, columns, indexing="ij")
    slant = np.arctan(0.13)
    aside = (column - 52.0) * np.cos(slant) - row * np.sin(slant)

    def depth(outer: float) -> Array:
        return np.sqrt(np.clip((outer / 2) ** 2 - aside**2, 0.0, None))

    thick = depth(width) - (depth(lumen * width) if lumen else 0.0)
    attenuation = 0.2 * thick / (width / 2)
    if bands:
        attenuation = attenuation + (row % 20 < 2.2) * 1.5 * depth(width + 0.3) / (width / 2)
    passed = ndimage.gaussian_filter(np.exp(-2.0 - 0.004 * column - attenuation), blur * FINER)
    blocks = passed.reshape(SHAPE[0], FINER, SHAPE[1], FINER)
    passed = blocks.mean(axis=(1, 3)) if square else blocks[:, FINER // 2, :, FINER // 2]
    draw = np.random.default_rng(seed).normal(size=SHAPE)
    passed *= 1.0 + noise * (ndimage.gaussian_filter(draw, grain) if grain else draw)
    return np.asarray(-np.log(passed), dtype=np.float32)


LINE = (55.9, 30.0), (68.9, 130.0)


@pytest.mark.parametrize("width", [3.7, 6.0])
def test_the_width_is_right_and_so_is_its_interval(width: float):
    errors, halves = [], []
    for seed in range(6):
        found, half = catheter_width(drawn(width, noise=0.002, seed=seed), *LINE, 0.7)
        errors.append(found / width - 1)
        halves.append(half)
    assert abs(np.mean(errors)) < 0.012
    assert np.mean(np.abs(errors) < halves) > 0.8
    assert np.mean(halves) < 0.06


def test_blur_need_not_be_known_well():
    found, _ = catheter_width(drawn(5.0, blur=0.8), *LINE, 0.7)
    assert found == pytest.approx(5.0, rel=0.015)


@pytest.mark.parametrize("width", [2.8, 3.7])
def test_blur_that_is_no_bell_stays_within_the_interval(width: float):
    found, half = catheter_width(drawn(width, square=True, noise=0.001), *LINE, 0.7)
    assert abs(found / width - 1) < half


def test_marker_bands_do_not_widen_the_shaft():
    found, _ = catheter_width(drawn(3.7, bands=True, noise=0.002), *LINE, 0.7)
    assert found == pytest.approx(3.7, rel=0.015)


def test_an_empty_lumen_does_not_widen_the_shaft():
    found, half = catheter_width(drawn(6.0, lumen=0.7, noise=0.001), *LINE, 0.7)
    assert found == pytest.approx(6.0, rel=0.02)
    assert abs(found / 6.0 - 1) < half


def test_a_short_line_is_followed_on_along_the_shaft():
    picture = drawn(3.7)
    short = catheter_width(picture, (60.5, 65.0), (63.1, 85.0), 0.7)
    whole = catheter_width(picture, *LINE, 0.7)
    assert short[0] == pytest.approx(whole[0], rel=0.003)
    # A line a fraction of a pixel off takes other pixels, of other noise.
    assert short[1] == pytest.approx(whole[1], rel=0.05)


def test_a_full_shaft_without_noise_is_not_taken_for_a_hollow_one():
    for width in (3.0, 3.7, 4.4):
        found, _ = catheter_width(drawn(width, blur=0.6, noise=2e-5), *LINE, 0.6)
        assert found == pytest.approx(width, rel=0.02)


def test_the_interval_knows_that_noise_is_blurred_too():
    errors, halves = [], []
    for seed in range(6):
        found, half = catheter_width(drawn(3.7, noise=0.012, grain=0.7, seed=seed), *LINE, 0.7)
        errors.append(found / 3.7 - 1)
        halves.append(half)
    assert (np.abs(errors) < halves).all()
    # Taken for noise of its own in every 6 pixels, it would make this three times as wide.
    assert np.mean(halves) < 0.04


def test_noise_alone_is_no_catheter():
    empty = np.random.default_rng(1).normal(2.0, 0.01, SHAPE).astype(np.float32)
    with pytest.raises(MeasurementError, match="no catheter of even width"):
        catheter_width(empty, *LINE, 0.7)


def test_a_line_a_little_beside_a_thin_shaft_lies_along_it():
    picture = drawn(2.6, noise=0.012)
    aside = (58.1, 30.0), (71.1, 130.0)
    assert catheter_width(picture, *aside, 0.7) == pytest.approx(
        catheter_width(picture, *LINE, 0.7), rel=0.05
    )
