"""Changes that can be done, undone and done again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from venoseg.errors import LabelError, UsageError
from venoseg.segmentation import (
    Pen,
    apply,
    cut_with_plane,
    eraser,
    fill_between_slices,
    fill_holes,
    grow,
    paint_ball,
    paint_disc,
    remove_islands,
    shrink,
    smooth,
    undo,
)
from venoseg.segmentation.edits import box_around, edit_to, label_box, merged
from venoseg.volume import Grid, Volume

SHAPE = (12, 14, 16)
GRID = Grid.from_axes(SHAPE, spacing_mm=(2.0, 0.8, 1.1))

points = st.tuples(st.floats(-3.0, 20.6), st.floats(-3.0, 14.2), st.floats(-3.0, 27.0))
values = st.integers(1, 3)
radii = st.floats(0.3, 8.0)
normals = st.sampled_from([(0, 0, 1), (0, 1, 0), (1, 1, 1), (1, -2, 0.5)])
pens = st.builds(Pen, st.integers(0, 3), st.sampled_from([(0,), None, (0, 1), (2, 3)]))

operations = st.one_of(
    st.builds(
        lambda p, q, r, pen: lambda a: paint_ball(a, GRID, [p, q], r, pen),
        *(points, points, radii, pens),
    ),
    st.builds(
        lambda p, r, n, pen: lambda a: paint_disc(a, GRID, p, r, n, pen),
        *(points, radii, normals, pens),
    ),
    st.builds(lambda pen, r: lambda a: grow(a, GRID, pen, r), pens, radii),
    st.builds(lambda v, r: lambda a: shrink(a, GRID, v, r), values, radii),
    st.builds(lambda v, r: lambda a: smooth(a, GRID, v, r), values, st.floats(0.3, 3.0)),
    st.builds(
        lambda pen, axis: lambda a: fill_between_slices(a, GRID, pen, axis=axis),
        *(pens, st.integers(0, 2)),
    ),
    st.builds(lambda v: lambda a: remove_islands(a, GRID, v), values),
    st.builds(lambda v: lambda a: fill_holes(a, v), values),
    st.builds(
        lambda v, p, n, new: lambda a: cut_with_plane(a, GRID, v, p, n, new_value=new),
        *(values, points, normals, st.integers(0, 3)),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(operations, min_size=1, max_size=6), st.integers(0, 5))
def test_undoing_in_reverse_restores_every_voxel_and_redoing_leads_back(steps, seed):
    blocks = np.random.default_rng(seed).integers(0, 4, (6, 7, 8), dtype=np.uint8)
    before = np.kron(blocks, np.ones((2, 2, 2), dtype=np.uint8))
    labels = before.copy()
    log = []
    for step in steps:
        untouched = labels.copy()
        edit = step(labels)
        np.testing.assert_array_equal(labels, untouched)  # an operation only looks
        apply(labels, edit)
        outside = np.ones(SHAPE, dtype=bool)
        outside[edit.box] = False
        np.testing.assert_array_equal(labels[outside], untouched[outside])
        assert np.count_nonzero(labels != untouched) == len(edit)
        log.append(edit)
    after = labels.copy()
    whole = merged(before, log)
    for edit in reversed(log):
        undo(labels, edit)
    np.testing.assert_array_equal(labels, before)
    apply(labels, whole)
    np.testing.assert_array_equal(labels, after)


def test_the_box_is_the_smallest_and_the_record_holds_changed_voxels_only():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    wanted = labels.copy()
    wanted[3:6, 2, 7] = 2
    edit = edit_to(labels, (slice(0, 12), slice(0, 14), slice(0, 16)), wanted)
    assert edit.box == (slice(3, 6), slice(2, 3), slice(7, 8))
    assert len(edit) == 3
    assert edit.values == (2,)


def test_an_edit_of_other_labels_is_refused_and_writes_nothing():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    edit = paint_ball(labels, GRID, GRID.to_lps((6, 7, 8)), 3.0, Pen(1))
    labels[6, 7, 8] = 2
    before = labels.copy()
    with pytest.raises(LabelError, match="not those"):
        apply(labels, edit)
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("radius", [4.0, 7.5])
def test_a_ball_is_round_in_millimetres_on_an_askew_grid(askew, radius):
    center = askew.to_lps((20.2, 30.4, 24.9))
    labels = np.zeros(askew.shape, dtype=np.uint8)
    apply(labels, paint_ball(labels, askew, center, radius, Pen(1)))
    index = np.moveaxis(np.indices(askew.shape), 0, -1)
    distance = np.linalg.norm(askew.to_lps(index) - center, axis=-1)
    np.testing.assert_array_equal(labels == 1, distance <= radius)


def test_a_stroke_leaves_no_gaps_between_its_points(askew):
    ends = askew.to_lps([(10, 20, 15), (30, 40, 35)])
    labels = np.zeros(askew.shape, dtype=np.uint8)
    apply(labels, paint_ball(labels, askew, ends, 3.0, Pen(1)))
    for share in np.linspace(0, 1, 50):
        inside = np.rint(askew.to_index(ends[0] + share * (ends[1] - ends[0]))).astype(int)
        assert labels[tuple(inside)] == 1
    length = np.linalg.norm(ends[1] - ends[0])
    volume = np.pi * 9.0 * (length + 4.0)
    assert labels.sum() * askew.voxel_volume_mm3 == pytest.approx(volume, rel=0.03)


@pytest.mark.parametrize("at", [12, 12.4, 12.5])
def test_a_disc_across_the_slices_paints_one_slice(upright, at):
    labels = np.zeros(upright.shape, dtype=np.uint8)
    center = upright.to_lps((at, 25, 30))
    apply(labels, paint_disc(labels, upright, center, 6.0, (0, 0, 1), Pen(1)))
    assert len(np.flatnonzero(labels.any(axis=(1, 2)))) == 1
    assert labels.sum() == pytest.approx(np.pi * 36, rel=0.03)


def test_a_disc_on_an_oblique_plane_has_no_holes(askew):
    labels = np.zeros(askew.shape, dtype=np.uint8)
    normal = np.array([1.0, 2.0, 1.5])
    center = askew.to_lps((20, 30, 25))
    apply(labels, paint_disc(labels, askew, center, 8.0, normal, Pen(1)))
    sides = [askew.to_index(center + s * 4 * normal / np.linalg.norm(normal)) for s in (-1, 1)]
    near = box_around(askew, center[None], 4.0)
    inner, _ = ndimage.label(labels[near] == 0)
    above, below = (inner[tuple(np.rint(s).astype(int) - [b.start for b in near])] for s in sides)
    assert above != below


def test_a_window_keeps_the_brush_off_other_gray_values(upright):
    voxels = np.zeros(upright.shape, dtype=np.int16)
    voxels[:, :, 30:] = 150
    image = Volume(voxels, upright)
    labels = np.zeros(upright.shape, dtype=np.uint8)
    pen = Pen(1, window_hu=(100.0, 200.0))
    apply(labels, paint_ball(labels, upright, (30, 25, 20), 5.0, pen, image))
    assert labels[:, :, :30].max() == 0
    assert labels[20, 25, 30] == 1
    with pytest.raises(UsageError, match="needs the image"):
        paint_ball(labels, upright, (30, 25, 20), 5.0, pen)


def test_a_brush_writes_over_no_other_label_unless_told(upright):
    labels = np.zeros(upright.shape, dtype=np.uint8)
    labels[:, :, :30] = 2
    apply(labels, paint_ball(labels, upright, (30, 25, 20), 5.0, Pen(1)))
    assert (labels[:, :, :30] == 2).all()
    apply(labels, paint_ball(labels, upright, (30, 25, 20), 5.0, Pen(1, over=(0, 2))))
    assert labels[20, 25, 27] == 1
    apply(labels, paint_ball(labels, upright, (30, 25, 20), 9.0, eraser(1)))
    assert not (labels == 1).any()
    assert labels[20, 25, 20] == 2


def test_a_stroke_outside_the_image_changes_nothing(upright):
    labels = np.zeros(upright.shape, dtype=np.uint8)
    assert len(paint_ball(labels, upright, (-50.0, 10.0, 10.0), 5.0, Pen(1))) == 0
    assert label_box(labels, 1) == (slice(0, 0),) * 3


@pytest.mark.parametrize(
    ("stroke", "radius", "message"),
    [
        ((0, 0, 0), 0.0, "no size"),
        ((0, 0, 0), float("nan"), "no size"),
        ((0, 0), 1.0, "made of points"),
        ((0, 0, float("nan")), 1.0, "made of points"),
    ],
)
def test_a_brush_without_size_or_place_is_refused(stroke, radius, message):
    with pytest.raises(UsageError, match=message):
        paint_ball(np.zeros(SHAPE, dtype=np.uint8), GRID, stroke, radius, Pen(1))


def test_a_label_beyond_eight_bits_is_refused():
    with pytest.raises(UsageError, match="no label"):
        Pen(256)
