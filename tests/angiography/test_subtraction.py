"""Subtraction: contrast medium alone is left, whatever the pixels, masks and motion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from venoseg.angiography import Run, compose, subtract
from venoseg.angiography.registration import found_shift, still
from venoseg.angiography.subtraction import native_attenuation
from venoseg.dicom.angiogram import Mask
from venoseg.errors import SeriesError

AVERAGE = Mask("AVG_SUB", applies_to=((2, 9),), mask_frames=(0, 1))


def background(scene: Any, reach: int = 6) -> Any:
    vessels = sum(vein.picture(scene.shape) for vein in scene.veins)
    far = ~ndimage.binary_dilation(vessels > 0, iterations=reach)
    far[:reach] = far[-reach:] = far[:, :reach] = far[:, -reach:] = False
    return far


def picture_of(scene: Any, mask: Mask | None = AVERAGE, **header: Any) -> Any:
    run = scene.run(masks=() if mask is None else (mask,), **header)
    return compose(subtract(run)).picture


@pytest.mark.parametrize(("relation", "sign"), [("LIN", 1), ("LOG", 1), ("LOG", -1)])
def test_opacity_of_the_vein_is_what_beer_and_lambert_say(scene: Any, relation: str, sign: int):
    scene = scene.but(relation=relation, noise=0.0, sign=sign)
    run = scene.run(masks=(AVERAGE,), sign=sign)
    picture = next(subtract(run).pictures())
    truth = scene.veins[0].picture(scene.shape)
    unit = 1.0 if relation == "LIN" else np.log(4096.0) / 6.0
    inside = np.s_[100:150, 124:132]
    assert picture[inside].mean() / truth[inside].mean() == pytest.approx(unit, rel=0.02)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("relation", ["LOG", "DISP"])
def test_a_silent_header_s_polarity_is_found_in_the_pictures(scene: Any, relation: str, sign: int):
    subtraction = subtract(scene.but(relation=relation, sign=sign).run(masks=(AVERAGE,)))
    picture = compose(subtraction).picture
    assert subtraction.curve.polarity == "found"
    assert picture[128, 128] > 20 * np.std(picture[background(scene)])


def test_display_values_are_marked_as_not_densitometric(scene: Any):
    subtraction = subtract(scene.but(relation="DISP").run(masks=(AVERAGE,)))
    assert "display_values" in subtraction.flags
    assert not subtraction.curve.densitometric


def test_subtracted_frames_are_not_subtracted_again(scene: Any):
    vein = scene.veins[0].picture(scene.shape)
    frames = np.array([2000 - share * 1000 * vein for share in scene.opacities()])
    run = Run.from_array(
        frames.astype(np.uint16),
        np.arange(10.0),
        bits_stored=12,
        relation="LIN",
        subtracted=True,
        masks=(AVERAGE,),
    )
    subtraction = subtract(run)
    assert subtraction.plan.operation == "subtracted"
    last = list(subtraction.pictures())[-1]
    assert last[128, 128] > 0.3
    assert abs(np.median(last)) < 1e-6


@pytest.mark.parametrize("motion", [(1.4, -1.5), (-0.3, 0.6), (2.0, 0.0), (5.0, -7.0)])
def test_motion_between_mask_and_run_leaves_hardly_more_than_noise(scene: Any, motion: Any):
    resting = subtract(scene.run(masks=(AVERAGE,)), follow_motion=False)
    floor = np.std(next(resting.pictures())[background(scene)])
    subtraction = subtract(scene.but(motion=motion).run(masks=(AVERAGE,)))
    left = next(subtraction.pictures())[background(scene, 10)]
    assert np.std(left) < 1.15 * floor
    np.testing.assert_allclose(subtraction.mask_shift_px, motion, atol=0.05)


def test_contrast_medium_is_not_taken_for_motion(scene: Any, vein: Any):
    """A large vein that fills goes with the patient's own slopes; it must not draw the mask."""
    wide = type(vein)(width_px=lambda along: along * 0 + 70.0, opacity=0.35)
    subtraction = subtract(scene.but(veins=(wide,), motion=(0.8, -1.3)).run(masks=(AVERAGE,)))
    np.testing.assert_allclose(subtraction.mask_shift_px, (0.8, -1.3), atol=0.08)
    np.testing.assert_allclose(subtraction.shifts_px, 0.0, atol=0.08)


def test_a_vein_before_nothing_gives_no_motion(scene: Any, vein: Any):
    wide = type(vein)(width_px=lambda along: along * 0 + 50.0)
    bare = scene.but(veins=(wide,), extra=2.0 - scene.body())
    subtraction = subtract(bare.run(masks=(AVERAGE,)))
    assert subtraction.mask_shift_px == (0.0, 0.0)


def test_motion_that_differs_from_place_to_place_is_followed(scene: Any):
    floor = np.std(next(subtract(scene.run(masks=(AVERAGE,))).pictures())[background(scene)])
    subtraction = subtract(scene.but(stretch=2.0).run(masks=(AVERAGE,)))
    assert subtraction.locally_warped
    assert np.std(next(subtraction.pictures())[background(scene, 10)]) < 1.3 * floor


def test_pixels_near_the_edge_are_not_seen_after_motion(scene: Any):
    subtraction = subtract(scene.but(motion=(5.0, -7.0)).run(masks=(AVERAGE,)))
    assert not subtraction.seen[:7].any()
    assert subtraction.seen[10:-10, 10:-10].all()


@pytest.mark.parametrize("column", [1.5, -1.5])
def test_the_sign_of_the_stated_shift_is_settled_by_the_pictures(scene: Any, column: float):
    """The standard's columns count to the left, some makers' to the right: both come out."""
    stated = Mask("AVG_SUB", ((2, 9),), (0, 1), sub_pixel_shift=(1.0, column))
    subtraction = subtract(scene.but(motion=(1.0, -1.5)).run(masks=(stated,)))
    np.testing.assert_allclose(subtraction.mask_shift_px, (1.0, -1.5), atol=0.05)


def test_contrast_frames_are_averaged_from_the_current_one_on(scene: Any):
    averaged = Mask("AVG_SUB", ((2, 9),), (0, 1), contrast_averaging=4)
    subtraction = subtract(scene.run(masks=(averaged,)))
    assert subtraction.plan.pairings[0].contrast == (2, 3, 4, 5)
    assert subtraction.plan.pairings[-1].contrast == (6, 7, 8, 9)
    single = next(subtract(scene.run(masks=(AVERAGE,))).pictures())[background(scene)]
    assert np.std(next(subtraction.pictures())[background(scene)]) < 0.85 * np.std(single)


def test_time_interval_differencing_takes_earlier_frames(scene: Any):
    subtraction = subtract(scene.run(masks=(Mask("TID", tid_offset=3),)))
    pairs = [(pair.contrast[0], pair.mask[0]) for pair in subtraction.plan.pairings]
    assert pairs == [(n, n - 3) for n in range(3, 10)]


def test_reversed_time_interval_differencing_runs_the_mask_backwards(scene: Any):
    item = Mask("REV_TID", applies_to=((5, 9),), tid_offset=1)
    pairs = subtract(scene.run(masks=(item,))).plan.pairings
    assert [(p.contrast[0], p.mask[0]) for p in pairs] == [(5, 4), (6, 3), (7, 2), (8, 1), (9, 0)]


def test_a_mask_is_chosen_before_the_contrast_medium_comes(scene: Any):
    filled = (0.0,) * 5 + (0.02, 0.4, 0.9, 1.0, 1.0)
    subtraction = subtract(scene.but(filled=filled).run())
    assert subtraction.plan.operation == "own"
    mask = subtraction.plan.pairings[0].mask
    assert mask
    assert max(mask) <= 4
    assert not subtraction.flags


def test_contrast_in_the_first_frame_is_said(scene: Any):
    subtraction = subtract(scene.but(filled=(0.0, *(1.0,) * 9), masks=1).run())
    assert "mask_may_hold_contrast" in subtraction.flags


@pytest.mark.parametrize("frames", [(), (40,)])
def test_missing_mask_frames_are_refused_by_name(scene: Any, frames: tuple[int, ...]):
    with pytest.raises(SeriesError, match="mask frame"):
        subtract(scene.run(masks=(Mask("AVG_SUB", mask_frames=frames),)))


def test_one_frame_gives_a_natural_picture(scene: Any):
    one = scene.stored()[5:6]
    run = Run.from_array(one, np.zeros(1), bits_stored=12, relation="LIN")
    subtraction = subtract(run)
    assert subtraction.plan.operation == "natural"
    assert "one_frame" in subtraction.flags
    assert compose(subtraction).picture[128, 128] > 0.2


def test_subtraction_that_the_header_rules_out_is_not_done(scene: Any):
    subtraction = subtract(scene.run(masks=(Mask("NONE"),)))
    assert subtraction.plan.operation == "natural"


def test_shuttered_pixels_do_not_count(scene: Any):
    visible = np.zeros(scene.shape, dtype=bool)
    visible[30:220, 40:210] = True
    stored = scene.stored()
    stored[:, ~visible] = 0
    run = Run.from_array(
        stored, np.arange(10.0), bits_stored=12, relation="LIN", masks=(AVERAGE,), visible=visible
    )
    subtraction = subtract(run)
    assert not subtraction.seen[:30].any()
    assert np.abs(subtraction.mask_shift_px).max() < 0.05


@pytest.mark.parametrize("value", [2, 4095])
def test_a_blank_border_is_not_seen(scene: Any, value: int):
    stored = scene.stored()
    stored[:, :, :30] = value
    run = Run.from_array(stored, np.arange(10.0), bits_stored=12, relation="LIN", masks=(AVERAGE,))
    seen = subtract(run).seen
    assert not seen[:, :30].any()
    assert seen[10:-10, 40:-10].all()


def test_a_shutter_over_everything_is_refused(scene: Any):
    with pytest.raises(SeriesError, match="shutter"):
        subtract(scene.run(visible=np.zeros(scene.shape, dtype=bool)))


def test_saturated_pixels_are_counted(scene: Any):
    stored = scene.stored()
    stored[2:, 100:150, 120:136] = 0
    run = Run.from_array(stored, np.arange(10.0), bits_stored=12, relation="LIN", masks=(AVERAGE,))
    composite = compose(subtract(run))
    assert composite.saturated[120, 128] == 1.0
    assert composite.saturated[40, 40] == 0.0


def test_the_picture_without_contrast_is_the_mask(scene: Any):
    subtraction = subtract(scene.run(masks=(AVERAGE,)))
    native = native_attenuation(subtraction)
    assert abs(native[100:150, 128].mean() - native[100:150, 100].mean()) < 0.5


def test_few_frames_are_read_ahead(scene: Any):
    """Memory must not grow with the length of a run."""
    stored = scene.stored()
    alive: list[int] = []

    def frames(numbers: Any) -> Any:
        for number in numbers:
            alive.append(number)
            yield stored[number]

    run = Run(frames, np.arange(10.0), scene.shape, 12, "LIN", masks=(AVERAGE,))
    pictures = subtract(run).pictures()
    alive.clear()
    for taken, _ in enumerate(pictures, 1):
        assert len(alive) <= taken + 2
    assert len(alive) == 8


def test_noise_is_not_taken_for_motion():
    for seed in range(30):
        one, other = np.random.default_rng(seed).normal(2.0, 0.01, (2, 256, 256)).astype(np.float32)
        assert found_shift(still(one, np.ones(one.shape, dtype=bool), 1), other) == (0.0, 0.0)


def test_a_mask_for_frames_that_were_not_exported_is_said(scene: Any):
    beyond = Mask("AVG_SUB", applies_to=((40, 49),), mask_frames=(0, 1))
    with pytest.raises(SeriesError, match="a run of 10 does not have"):
        subtract(scene.run(masks=(beyond,)))
