"""Growing, shrinking, smoothing, filling and cutting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.errors import UsageError
from venoseg.segmentation import (
    Pen,
    apply,
    cut_with_plane,
    draw_contour,
    fill_between_slices,
    fill_holes,
    grow,
    paint_ball,
    relabel_branch,
    remove_islands,
    shrink,
    smooth,
)


def empty(grid):
    return np.zeros(grid.shape, dtype=np.uint8)


def ball(grid, center, radius, value=1):
    labels = empty(grid)
    apply(labels, paint_ball(labels, grid, center, radius, Pen(value)))
    return labels


def tube(grid, radius=5.0, value=1, index=((2, 30, 25), (37, 30, 25))):
    labels = empty(grid)
    apply(labels, paint_ball(labels, grid, grid.to_lps(index), radius, Pen(value)))
    return labels


def test_growing_by_millimetres_is_the_same_in_all_directions(askew):
    center = askew.to_lps((20, 30, 25))
    labels = empty(askew)
    labels[20, 30, 25] = 1
    apply(labels, grow(labels, askew, Pen(1), 4.0))
    np.testing.assert_array_equal(labels, ball(askew, center, 4.0))


def test_growing_stops_at_other_labels_and_at_the_named_box(upright):
    labels = ball(upright, (30, 25, 20), 5.0)
    labels[:, :, 36:] = 2
    within = (slice(0, 40), slice(0, 26), slice(0, 60))
    edit = grow(labels, upright, Pen(1), 4.0, within=within)
    apply(labels, edit)
    assert (labels[:, :, 36:] == 2).all()
    assert edit.box[1].stop <= 26
    assert labels[20, 17, 30] == 1
    assert labels[20, 33, 30] == 0


def test_shrinking_takes_a_layer_off_but_does_not_shorten_a_vein_at_its_neighbour(upright):
    labels = tube(upright, index=((0, 25, 30), (39, 25, 30)))
    labels[:20][labels[:20] == 1] = 2
    worn = ndimage.binary_erosion(labels[20] == 1)
    apply(labels, shrink(labels, upright, 1, 1.0))
    np.testing.assert_array_equal(labels[20] == 1, worn)
    assert np.count_nonzero(labels[39]) == np.count_nonzero(labels[30])
    assert np.count_nonzero(labels[19] == 2) == pytest.approx(np.pi * 25, rel=0.1)


def test_smoothing_drops_a_spike_and_keeps_the_width(askew):
    labels = tube(askew)
    clean = labels.copy()
    labels[20, 30, 32:] = 1
    apply(labels, smooth(labels, askew, 1, 1.2))
    assert labels[20, 30, 45] == 0
    assert np.count_nonzero(labels) == pytest.approx(np.count_nonzero(clean), rel=0.01)


def test_smoothing_leaves_the_border_with_the_next_vein(upright):
    labels = tube(upright, index=((2, 25, 30), (37, 25, 30)))
    labels[:20][labels[:20] == 1] = 2
    before = labels.copy()
    apply(labels, smooth(labels, upright, 1, 1.0))
    np.testing.assert_array_equal(labels[:20], before[:20])
    assert np.count_nonzero(labels[20] == 1) == pytest.approx(np.count_nonzero(before[20]), rel=0.1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gaps_between_drawn_slices_are_filled_along_a_slanting_vein(upright, axis):
    ends = [(4.0, 4.0, 4.0), (34.0, 34.0, 34.0)]
    whole = tube(upright, index=ends)
    labels = np.zeros_like(whole)
    drawn = np.arange(8, 34, 6)
    taken = [slice(None)] * 3
    taken[axis] = drawn
    labels[tuple(taken)] = whole[tuple(taken)]
    apply(labels, fill_between_slices(labels, upright, Pen(1), axis=axis))
    kept = [slice(None)] * 3
    kept[axis] = slice(8, 33)
    filled, truth = labels[tuple(kept)] == 1, whole[tuple(kept)] == 1
    dice = 2 * np.count_nonzero(filled & truth) / (filled.sum() + truth.sum())
    assert dice > 0.97
    outside = [slice(None)] * 3
    outside[axis] = slice(33, None)
    assert not labels[tuple(outside)].any()


def test_filling_between_slices_of_nothing_or_neighbours_changes_nothing(upright):
    labels = empty(upright)
    assert len(fill_between_slices(labels, upright, Pen(1))) == 0
    labels = ball(upright, (30, 25, 20), 4.0)
    assert len(fill_between_slices(labels, upright, Pen(1))) == 0


def test_islands_go_and_the_largest_piece_stays(upright):
    labels = ball(upright, (30, 25, 20), 6.0)
    labels[2, 2, 2:5] = 1
    labels[30:33, 4:7, 4:7] = 1
    kept = labels.copy()
    apply(kept, remove_islands(kept, upright, 1, least_volume_mm3=10.0))
    assert kept[2, 2, 3] == 0
    assert kept[31, 5, 5] == 1
    apply(labels, remove_islands(labels, upright, 1))
    np.testing.assert_array_equal(labels, ball(upright, (30, 25, 20), 6.0))


def test_holes_are_filled_but_not_where_another_label_lies(upright):
    labels = ball(upright, (30, 25, 20), 6.0)
    labels[20, 25, 30] = 0
    labels[20, 25, 27] = 2
    apply(labels, fill_holes(labels, 1))
    assert labels[20, 25, 30] == 1
    assert labels[20, 25, 27] == 2


def test_a_cut_removes_what_is_behind_it_and_nothing_else(askew):
    labels = tube(askew)
    labels[30:38, 5:10, 5:10] = 1  # a piece behind the plane that does not hang on the cut
    point = askew.to_lps((20, 30, 25))
    edit = cut_with_plane(labels, askew, 1, point, askew.directions[:, 0])
    apply(labels, edit)
    assert not labels[21:, 20:40].any()
    assert (labels[20] == 1).any()
    assert (labels[30:38, 5:10, 5:10] == 1).all()


def test_a_cut_can_name_the_far_part_otherwise(upright):
    labels = tube(upright, index=((2, 25, 30), (37, 25, 30)))
    apply(labels, cut_with_plane(labels, upright, 1, (30, 25, 20.5), (0, 0, -2), new_value=3))
    assert set(np.unique(labels[:21])) == {0, 3}
    assert set(np.unique(labels[21:])) == {0, 1}


def test_a_branch_gets_another_name_and_its_namesake_elsewhere_keeps_it(upright):
    labels = ball(upright, (15, 25, 20), 4.0)
    apply(labels, paint_ball(labels, upright, (45, 25, 20), 4.0, Pen(1)))
    apply(labels, relabel_branch(labels, upright, (46, 25, 20), 4))
    assert labels[20, 25, 45] == 4
    assert labels[20, 25, 15] == 1
    for place in [(30, 25, 20), (500, 0, 0)]:
        with pytest.raises(UsageError, match="no label at this place"):
            relabel_branch(labels, upright, place, 2)


def ellipse(grid, index, normal, axes_mm):
    normal = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    across = np.cross(normal, (0.0, 0.0, 1.0) if abs(normal[2]) < 0.9 else (0.0, 1.0, 0.0))
    across /= np.linalg.norm(across)
    upward = np.cross(normal, across)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)[:, None]
    center = grid.to_lps(index)
    around = axes_mm[0] * np.cos(angle) * across + axes_mm[1] * np.sin(angle) * upward
    return center + around, normal


@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 0.5, 0.3), (0.2, 1, -1)])
def test_an_outline_on_any_plane_becomes_its_area_of_voxels(askew, normal):
    contour, axis = ellipse(askew, (20, 30, 25), normal, (8.0, 5.0))
    labels = empty(askew)
    edit = draw_contour(labels, askew, Pen(1), contour, axis, thickness_mm=6.0)
    apply(labels, edit)
    volume = len(edit) * askew.voxel_volume_mm3
    assert volume == pytest.approx(np.pi * 8.0 * 5.0 * 6.0, rel=0.05)


def test_a_new_outline_takes_the_place_of_the_old_one(askew):
    first, axis = ellipse(askew, (20, 30, 25), (1, 0.5, 0.3), (9.0, 9.0))
    second, _ = ellipse(askew, (20, 30, 25), (1, 0.5, 0.3), (6.0, 4.0))
    labels = empty(askew)
    apply(labels, draw_contour(labels, askew, Pen(1), first, axis, thickness_mm=3.0))
    edit = draw_contour(
        labels, askew, Pen(1), second, axis, thickness_mm=3.0, replace_within_mm=8.0
    )
    apply(labels, edit)
    alone = empty(askew)
    apply(alone, draw_contour(alone, askew, Pen(1), second, axis, thickness_mm=3.0))
    np.testing.assert_array_equal(labels, alone)


def test_an_outline_without_area_or_off_its_plane_is_refused(upright):
    labels = empty(upright)
    with pytest.raises(UsageError, match="three corners"):
        draw_contour(labels, upright, Pen(1), [(0, 0, 0), (1, 1, 0)], (0, 0, 1))
    with pytest.raises(UsageError, match="do not lie in its plane"):
        draw_contour(labels, upright, Pen(1), [(0, 0, 0), (9, 0, 0), (0, 9, 9)], (0, 0, 1))


def test_lengths_that_are_none_are_refused(upright):
    labels = ball(upright, (30, 25, 20), 4.0)
    for change in (
        lambda: grow(labels, upright, Pen(1), 0.0),
        lambda: shrink(labels, upright, 1, -1.0),
        lambda: smooth(labels, upright, 1, float("inf")),
    ):
        with pytest.raises(UsageError, match="no length"):
            change()


def test_a_label_that_is_not_there_is_left_alone(upright):
    labels = ball(upright, (30, 25, 20), 4.0)
    for edit in (
        grow(labels, upright, Pen(5), 2.0),
        shrink(labels, upright, 5, 2.0),
        smooth(labels, upright, 5, 2.0),
        remove_islands(labels, upright, 5),
        fill_holes(labels, 5),
        cut_with_plane(labels, upright, 5, (30, 25, 20), (0, 0, 1)),
    ):
        assert len(edit) == 0
