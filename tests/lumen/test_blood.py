"""Labels that hold clot, tissue or fat beside the blood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure, remeasure
from venoseg.lumen.profile import VesselProfile
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Source, Volume

PIXEL_MM, FINE, SIZE, SLICES = 0.8, 4, 44, 40
MIDDLE = slice(14, 26)
BLOOD_MM, VEIN_MM = 10.0, 14.0


def places() -> tuple[np.ndarray, np.ndarray]:
    line = (np.arange(SIZE * FINE) - (SIZE * FINE - 1) / 2.0) * PIXEL_MM / FINE
    x, y = np.meshgrid(line, line)
    return x, y


def disc(diameter_mm: float, x_mm: float = 0.0) -> np.ndarray:
    x, y = places()
    return np.hypot(x - x_mm, y) < diameter_mm / 2.0


def study(
    lumen: np.ndarray, vein: np.ndarray, labelled: np.ndarray, around_hu: float
) -> tuple[Volume, Segmentation]:
    """Return a cava with so much ``lumen`` in the middle, and as wide as ``vein`` beside it.

    Between the two lies clot of 55 HU. ``labelled`` is what the labels hold in the middle.
    """
    images, labels = [], []
    for blood, label in ((vein, vein), (lumen, labelled)):
        plane = np.where(blood, 150.0, np.where(vein, 55.0, around_hu))
        images.append(plane.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)))
        labels.append(label.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)) >= 0.5)
    which = np.zeros(SLICES, dtype=np.intp)
    which[MIDDLE] = 1
    image = ndimage.gaussian_filter(np.stack(images)[which], (0.0, 0.75, 0.75))
    image += np.random.default_rng(2).normal(0.0, 15.0, image.shape)
    grid = Grid.from_axes(image.shape, spacing_mm=(1.0, PIXEL_MM, PIXEL_MM))
    volume = Volume(np.rint(image).astype(np.int16), grid, source=Source(slice_thickness_mm=1.0))
    return volume, Segmentation(np.stack(labels)[which].astype(np.uint8), grid, {1: "ivc"})


def inner(profile: VesselProfile) -> np.ndarray:
    """Stations in the middle, away from where the calibre changes."""
    height = profile.branch.curve.points_lps_mm[:, 2]
    return np.abs(height - (MIDDLE.start + MIDDLE.stop - 1) / 2.0) < 3.0


def flagged(profile: VesselProfile) -> np.ndarray:
    return np.array(["dark_in_labels" in words for words in profile.flags])


@pytest.mark.parametrize("around_hu", [55.0, -100.0])
def test_clot_in_the_labels_is_told_and_may_be_lumen(around_hu):
    lumen = disc(BLOOD_MM, -2.0)
    found = measure(*study(lumen, disc(VEIN_MM), disc(VEIN_MM), around_hu))
    (profile,) = found.profiles
    chosen = inner(profile)
    assert any("far darker than blood" in warning for warning in found.warnings)
    assert flagged(profile)[chosen].all()
    low, high = profile.area_interval_mm2[chosen & profile.measured].T
    assert (low < np.pi / 4.0 * BLOOD_MM**2).all()
    assert (high > 0.9 * np.pi / 4.0 * VEIN_MM**2).all()


@pytest.mark.parametrize(("around_hu", "wall_mm"), [(55.0, 0.0), (-100.0, 0.6)])
def test_labels_that_reach_into_what_lies_beside_do_not_widen_the_lumen(around_hu, wall_mm):
    vein = disc(12.0)
    profile = measure(*study(vein, vein, vein | disc(10.0, 7.5), around_hu)).profiles[0]
    chosen = inner(profile)
    assert flagged(profile)[chosen].all()
    # In fat what a wall may take is taken off.
    assert profile.shapes.equivalent_mm[chosen] == pytest.approx(12.0 - wall_mm, abs=0.25)


def test_what_is_fat_is_no_blood_and_leaves_no_doubt():
    vein = disc(12.0)
    volume, labels = study(vein, vein, disc(18.0), -100.0)
    profile = measure(volume, labels).profiles[0]
    plain = measure(*study(vein, vein, vein, -100.0)).profiles[0]
    width, expected = (
        np.ptp(one.minimum_interval_mm[inner(one)], axis=1).mean() for one in (profile, plain)
    )
    assert flagged(profile)[inner(profile)].all()
    assert width == pytest.approx(expected, rel=0.2)


def test_plain_veins_hold_nothing_dark():
    vein = disc(12.0)
    assert not flagged(measure(*study(vein, vein, vein, 55.0)).profiles[0]).any()


def test_an_edit_that_takes_the_clot_in_is_told():
    lumen = disc(BLOOD_MM, -2.0)
    volume, labels = study(lumen, disc(VEIN_MM), lumen, 55.0)
    _, edited = study(lumen, disc(VEIN_MM), disc(VEIN_MM), 55.0)
    found = measure(volume, labels)
    assert not flagged(found.profiles[0])[inner(found.profiles[0])].any()
    after = remeasure(found, edited, (slice(0, SLICES), slice(0, SIZE), slice(0, SIZE)))
    assert flagged(after.profiles[0])[inner(after.profiles[0])].all()
