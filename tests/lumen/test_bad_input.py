"""Bad input through the public API: every kind is flagged or refused, with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import venoseg as vs
from venoseg.errors import LabelError, MeasurementError
from venoseg.lumen import Measurements
from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume


def vein(radius_mm: float = 6.0, length_mm: float = 60.0) -> Rendering:
    """A straight vein in muscle, enhanced."""
    curve = Curve.through([(0.0, 0.0, 0.0), (0.0, 0.0, -length_mm)])
    span = Span("left_external_iliac_vein", 0.0, length_mm)
    tube = Tube(curve, Profile.along(curve, 0.0, radius_mm, radius_mm), (span,))
    scene = Scene("vein", (tube,), lumen_hu=160.0, background_hu=50.0)
    return render(scene, fit_grid(scene, (1.5, 0.8, 0.8)), Scanner(noise_hu=12.0))


@pytest.fixture(scope="module")
def plain() -> Rendering:
    return vein()


def flags_of(found: Measurements) -> list[set[str]]:
    return [set(str(row["flags"]).split()) for row in found.cross_sections.rows]


def areas(found: Measurements) -> list[object]:
    return list(found.cross_sections.column("lumen_area_mm2"))


def test_a_vein_thinner_than_two_voxels_is_too_uncertain_to_be_measured() -> None:
    thin = vein(radius_mm=0.75)
    found = vs.measure(thin.image, thin.segmentation)
    assert all(area is None for area in areas(found))
    assert all("too_uncertain" in words for words in flags_of(found)[5:-5])


def test_a_vein_little_wider_than_two_voxels_says_so() -> None:
    thin = vein(radius_mm=1.0)
    found = vs.measure(thin.image, thin.segmentation)
    told = [f for f, area in zip(flags_of(found), areas(found), strict=True) if area is not None]
    assert told
    assert all("below_resolution" in words for words in told)


def test_a_vein_in_one_slice_is_refused(plain: Rendering) -> None:
    labels = np.zeros_like(plain.segmentation.labels)
    labels[20] = plain.segmentation.labels[20]
    with pytest.raises(MeasurementError, match="left_external_iliac_vein"):
        vs.measure(plain.image, replace(plain.segmentation, labels=labels))


def test_a_volume_of_one_slice_is_refused(plain: Rendering) -> None:
    shape = plain.image.grid.shape
    box = (slice(20, 21), slice(0, shape[1]), slice(0, shape[2]))
    segmentation = replace(
        plain.segmentation,
        labels=plain.segmentation.labels[box],
        grid=plain.segmentation.grid.crop(box),
    )
    with pytest.raises(MeasurementError, match="left_external_iliac_vein"):
        vs.measure(plain.image.crop(box), segmentation)


def test_a_mask_that_is_filled_to_the_border_gives_no_figure(plain: Rendering) -> None:
    full = replace(plain.segmentation, labels=np.ones_like(plain.segmentation.labels))
    try:
        found = vs.measure(plain.image, full)
    except MeasurementError as refused:
        why = str(refused)
    else:
        assert all(area is None for area in areas(found))
        assert all(words for words in flags_of(found))
        return
    assert "left_external_iliac_vein" in why


def test_an_artery_and_a_vein_in_one_label_are_a_warning() -> None:
    tubes = [
        Tube(curve, Profile.along(curve, 0.0, 6.0, 6.0), (Span("ivc", 0.0, 60.0),))
        for x_mm in (0.0, 11.5)
        for curve in (Curve.through([(x_mm, 0.0, 0.0), (x_mm, 0.0, -60.0)]),)
    ]
    scene = Scene("both", tuple(tubes), lumen_hu=160.0, background_hu=50.0)
    both = render(scene, fit_grid(scene, (1.5, 0.8, 0.8)), Scanner(noise_hu=12.0))
    found = vs.measure(both.image, both.segmentation)
    assert any("check that the labels hold no other vessel" in text for text in found.warnings)


def test_blood_without_contrast_is_not_assessable(plain: Rendering) -> None:
    dark = np.random.default_rng(1).normal(45.0, 12.0, plain.image.grid.shape)
    image = replace(plain.image, voxels=dark.astype(np.int16))
    found = vs.measure(image, plain.segmentation)
    assert all(row["state"] == "not_assessable" for row in found.segments.rows)
    assert any("gray_refused_not_enhanced" in words for words in flags_of(found))


def test_the_streaks_of_a_hip_prosthesis_are_flagged_where_they_are(plain: Rendering) -> None:
    voxels = plain.image.voxels.astype(np.float32)
    middle = np.array(voxels.shape) // 2
    rows, columns = np.mgrid[: voxels.shape[1], : voxels.shape[2]]
    from_head = np.hypot(rows - middle[1], columns - 8)
    turn = np.arctan2(rows - middle[1], columns - 8)
    streaks = 250.0 * np.cos(14.0 * turn) * np.exp(-from_head / 25.0)
    struck = slice(middle[0] - 4, middle[0] + 5)
    voxels[struck] += streaks
    voxels[struck, from_head < 9.0] = 3071.0
    image = replace(plain.image, voxels=voxels.astype(np.int16))
    found = vs.measure(image, plain.segmentation)
    z_mm = np.array(found.cross_sections.column("z_mm"), dtype=float)
    at = plain.image.grid.to_lps(np.array([[k, 0.0, 0.0] for k in (struck.start, struck.stop)]))
    low, high = sorted(at[:, 2])
    inside = (z_mm > low) & (z_mm < high)
    said = np.array(["metal_implant_in_slice" in words for words in flags_of(found)])
    assert said[inside].all()
    assert not said[(z_mm > high + 8.0) | (z_mm < low - 8.0)].any()
    assert any("metal implant" in text for text in found.warnings)
    clean = vs.measure(plain.image, plain.segmentation)
    assert not any("metal_implant_in_slice" in words for words in flags_of(clean))


def test_values_that_are_not_numbers_are_refused(plain: Rendering) -> None:
    voxels = plain.image.voxels.astype(np.float32)
    voxels[20] = np.nan
    with pytest.raises(MeasurementError, match="not numbers"):
        vs.measure(replace(plain.image, voxels=voxels), plain.segmentation)


def test_an_empty_stent_mask_changes_nothing(plain: Rendering) -> None:
    empty = np.zeros(plain.image.grid.shape, dtype=bool)
    found = vs.measure(plain.image, replace(plain.segmentation, stent=empty))
    without = vs.measure(plain.image, plain.segmentation)
    assert found.stents.rows == ()
    assert found.cross_sections.rows == without.cross_sections.rows


def test_empty_labels_are_refused(plain: Rendering) -> None:
    with pytest.raises((LabelError, MeasurementError)):
        vs.measure(
            plain.image,
            replace(plain.segmentation, labels=np.zeros_like(plain.segmentation.labels)),
        )


def test_labels_of_another_image_are_refused(plain: Rendering) -> None:
    grid = Grid.from_axes((8, 8, 8), spacing_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
    labels = np.ones(grid.shape, dtype=np.uint8)
    with pytest.raises(LabelError, match="another grid"):
        vs.measure(plain.image, Segmentation(labels, grid, {1: "ivc"}))


def test_an_image_of_one_value_is_refused(plain: Rendering) -> None:
    flat = Volume(np.zeros(plain.image.grid.shape, dtype=np.int16), plain.image.grid)
    with pytest.raises(MeasurementError, match="same value"):
        vs.measure(flat, plain.segmentation)
