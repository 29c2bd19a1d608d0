"""How far veins moved against the bones, from what was seen of it."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.followup.drift import Observations, Rigid, drift_from

HEAD = np.array([0.0, 0.0, 1.0])
LYING = Rigid(0.5, 0.003, np.zeros(3), np.eye(3))


def seen(points, along, moved, sd: float, *, bends: bool = False) -> Observations:
    points = np.asarray(points, dtype=float)
    count = len(points)
    return Observations(
        points,
        np.tile(np.asarray(along, dtype=float), (count, 1)),
        np.asarray(moved, dtype=float),
        np.full(count, sd),
        np.full(count, bends),
    )


def heights(*z: float) -> np.ndarray:
    return np.array([[0.0, 0.0, one] for one in z])


def test_a_movement_seen_all_over_is_followed_and_well_known() -> None:
    at = heights(*range(-100, 101, 20))
    drift = drift_from(seen(at, HEAD, np.full(len(at), -8.0), 1.0), LYING)
    mean, sd = drift.along(heights(-50.0, 30.0), np.tile(HEAD, (2, 1)))
    assert mean == pytest.approx(-8.0, abs=0.4)
    assert sd.max() < 1.0


def test_what_nobody_saw_is_told_to_be_doubtful() -> None:
    drift = drift_from(seen(heights(0.0), HEAD, [0.0], 1.5), LYING)
    low, high = drift.along(heights(5.0, 150.0), np.tile(HEAD, (2, 1)))[1]
    assert low < 2.0
    assert high > 5.0


def test_one_odd_sight_does_not_pull_the_others_along() -> None:
    at = heights(*range(0, 101, 10))
    moved = np.full(len(at), 3.0)
    moved[5] = 20.0
    drift = drift_from(seen(at, HEAD, moved, 1.0), LYING)
    assert drift.along(at[5:6], HEAD[None])[0] == pytest.approx(3.0, abs=0.8)


def test_a_vein_drawn_aside_has_not_moved_along_itself() -> None:
    at = heights(*range(0, 101, 10))
    aside = 4.0 * np.exp(-(((at[:, 2] - 50.0) / 15.0) ** 2))
    across = seen(at, [1.0, 0.0, 0.0], aside, 0.8, bends=True)
    end = seen(heights(0.0), HEAD, [0.0], 1.0)
    drift = drift_from(Observations.joined([across, end]), LYING)
    assert abs(drift.along(heights(20.0), HEAD[None])[0][0]) < 0.5


def test_a_course_that_fits_says_little_of_how_far_its_vein_has_slid() -> None:
    slope = np.radians(10.0)
    along = np.array([np.sin(slope), 0.0, np.cos(slope)])
    across = np.array([np.cos(slope), 0.0, -np.sin(slope)])
    at = heights(*range(0, 151, 10))[:, 2:] * along
    end = seen(at[:1], along, [0.0], 1.0)
    sides = (across, [0.0, 1.0, 0.0])
    fits = [seen(at, side, np.zeros(len(at)), 0.8, bends=True) for side in sides]
    top = at[-1:], along[None]
    unseen = drift_from(end, LYING).along(*top)[1][0]
    assert drift_from(Observations.joined([end, *fits]), LYING).along(*top)[1][0] > 0.42 * unseen
