"""Webs in a lumen that labels count in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Source, Volume

RADIUS_MM, PIXEL_MM, FINE = 7.0, 0.8, 4
WEB_Z_MM = (15.0, 35.0)


def flagged(dark: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where stations of a round vein lie (z), and which say that webs are in it.

    ``dark`` holds (FINE * 40, FINE * 40) places of 50 HU in the vein between the heights of
    `WEB_Z_MM`.
    """
    x, y = places()
    lumen = x**2 + y**2 < RADIUS_MM**2
    plane = [
        np.where(inside, 150.0, 50.0).reshape(40, FINE, 40, FINE).mean(axis=(1, 3))
        for inside in (lumen, lumen & ~dark)
    ]
    z = np.arange(50.0)
    webbed = (z > WEB_Z_MM[0]) & (z < WEB_Z_MM[1])
    image = np.where(webbed[:, None, None], plane[1], plane[0])
    image = ndimage.gaussian_filter(image, (0.0, 0.75, 0.75))
    image += np.random.default_rng(1).normal(0.0, 20.0, image.shape)
    grid = Grid.from_axes(image.shape, spacing_mm=(1.0, PIXEL_MM, PIXEL_MM))
    labels = np.broadcast_to(plane[0] >= 100.0, image.shape).astype(np.uint8)
    source = Source(modality="CT", slice_thickness_mm=1.0)
    volume = Volume(np.rint(image).astype(np.int16), grid, source=source)
    segmentation = Segmentation(labels, grid, {1: "ivc"}, "manual", None, ())
    (profile,) = measure(volume, segmentation).profiles
    height = profile.branch.curve.points_lps_mm[profile.measured, 2]
    words = [words for words, told in zip(profile.flags, profile.measured, strict=True) if told]
    return height, np.array(["webs_in_lumen" in one for one in words])


def places() -> np.ndarray:
    line = (np.arange(40 * FINE) - (40 * FINE - 1) / 2.0) * PIXEL_MM / FINE
    return np.stack(np.meshgrid(line, line))


def cross() -> np.ndarray:
    x, y = places()
    return (np.abs(x) < 0.5) | (np.abs(y) < 0.5)


def partial_web() -> np.ndarray:
    x, y = places()
    return (np.abs(x - 1.0) < 0.5) & (y > 0.0)


@pytest.mark.parametrize("web", [cross, partial_web])
def test_webs_are_told_where_they_are(web):
    height, told = flagged(web())
    assert told[(height > WEB_Z_MM[0] + 2.0) & (height < WEB_Z_MM[1] - 2.0)].all()
    assert not told[(height < WEB_Z_MM[0] - 3.0) | (height > WEB_Z_MM[1] + 3.0)].any()


def test_neither_noise_nor_a_wide_stream_of_darker_blood_is_a_web():
    x, y = places()
    for dark in (np.zeros(x.shape, dtype=bool), np.hypot(x - 5.0, y) < 4.0):
        _, told = flagged(dark)
        assert not told.any()
