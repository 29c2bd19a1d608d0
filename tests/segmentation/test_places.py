"""Reasons say at which heights they hold."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.trust.places import heights

LINE = np.column_stack([np.zeros(101), np.zeros(101), 200.0 - 2.0 * np.arange(101)])


def test_heights_run_from_the_head_down_and_near_ones_are_one():
    where = np.zeros(101, dtype=bool)
    where[10:20] = where[23:31] = where[80:] = True
    assert heights(LINE, where) == " at z 180 to 140 and 40 to 0 mm"


def test_of_many_the_longest_are_named_in_order():
    where = np.zeros(101, dtype=bool)
    where[[0, 1, 15, 40, 41, 42, 70, 71]] = True
    assert heights(LINE, where) == " at z 200 to 198 and 120 to 116 and 60 to 58 mm"


def test_nowhere_is_not_named():
    assert heights(LINE, np.zeros(101, dtype=bool)) == ""


def test_one_height_is_named_once():
    where = np.zeros(101, dtype=bool)
    where[40] = True
    assert heights(LINE, where) == " at z 120 mm"
