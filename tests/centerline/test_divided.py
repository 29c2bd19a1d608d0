"""Sheets between the lumens of a divided vein, on labels drawn in a few slices."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline import trace
from venoseg.centerline.divided import sheets_between
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid

SHAPE = (20, 40, 40)


def grid(slices: int = SHAPE[0]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = [[0.0, 0.0, 0.8], [0.0, 0.8, 0.0], [1.0, 0.0, 0.0]]
    return Grid((slices, *SHAPE[1:]), affine)


def disc(radius: float, middle: tuple[float, float] = (20.0, 20.0)) -> np.ndarray:
    rows, columns = np.indices(SHAPE[1:])
    return (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 <= radius**2


def standing(slice_of_it: np.ndarray) -> np.ndarray:
    return np.repeat(slice_of_it[None], SHAPE[0], axis=0)


def parted(width: int, first: int = 4, stop: int = 16) -> np.ndarray:
    """Return a round vein of 16 mm with a gap across, in some of its slices."""
    mask = standing(disc(10.0))
    mask[first:stop, :, 20 : 20 + width] = False
    return mask


def filled(mask: np.ndarray) -> np.ndarray | None:
    return sheets_between(mask, np.zeros_like(mask), grid())


@pytest.mark.parametrize("width", [1, 3, 5])
def test_what_divides_a_vein_is_filled_where_it_does(width):
    mask = parted(width)
    sheets = filled(mask)
    assert sheets is not None
    assert not (sheets & mask).any()
    np.testing.assert_array_equal(sheets.any(axis=(1, 2)).nonzero()[0], np.arange(4, 16))
    missing = standing(disc(10.0)) & ~mask
    assert (sheets & missing).sum() > 0.7 * missing.sum()
    assert (sheets & ~standing(disc(10.0))).sum() == 0


def test_a_sheet_along_the_other_axis_is_the_same():
    turned = parted(3).swapaxes(1, 2)
    sheets = filled(turned)
    straight = filled(parted(3))
    assert sheets is not None
    assert straight is not None
    np.testing.assert_array_equal(sheets.swapaxes(1, 2), straight)


def test_two_vessels_side_by_side_are_not_one():
    mask = standing(disc(6.0, (20.0, 12.0)) | disc(6.0, (20.0, 26.0)))
    assert filled(mask) is None


def test_what_is_thicker_than_a_sheet_stays_apart():
    assert filled(parted(9)) is None


def test_a_bay_divides_nothing():
    mask = parted(3)
    mask[:, 24:, :] = standing(disc(10.0))[:, 24:, :]
    assert filled(mask) is None


def test_a_few_ragged_slices_divide_nothing():
    assert filled(parted(2, 8, 11)) is None


def test_another_vein_between_is_no_sheet():
    mask = parted(3)
    foreign = standing(disc(10.0)) & ~mask
    assert sheets_between(mask, foreign, grid()) is None


def test_the_course_of_a_divided_vein_keeps_to_the_middle_of_both_lumens():
    mask = np.repeat(disc(10.0)[None], 60, axis=0)
    mask[15:45, :, 23:25] = False
    labels = Segmentation(mask.astype(np.uint8), grid(60), {1: "ivc"})
    branch = trace(labels).branches[0]
    aside = branch.curve.points_lps_mm[:, :2] - 16.0
    assert np.abs(aside).max() < 0.4
    assert branch.curve.length_mm == pytest.approx(59.0, abs=1.0)
    assert "divided_lumen" in branch.flags
