"""Artery and vein of a side are followed together, and parted where they touch."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation import VesselConfidence
from venoseg.segmentation.courses.divide import Stretch, confluence_of
from venoseg.segmentation.courses.plan import Chain, undivided, with_vein
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.landmarks.candidates import Places
from venoseg.segmentation.landmarks.pairs import _Step, _went, pair_through
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.trust.parting import without_touching
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import Grid, Volume

PLACE = Grid.from_axes((30, 40, 40), spacing_mm=(3.0, 3.0, 3.0), origin_lps_mm=(0, 0, 0))
DOWN_MM = 100.0 + 3.0 * np.arange(30)[::-1]


def scores(*peaks: tuple[float, np.ndarray, np.ndarray]) -> np.ndarray:
    """Return a picture of peaks of a height at a row and a column in each slice."""
    score = np.full(PLACE.shape, -1.0, dtype=np.float32)
    for height, rows, columns in peaks:
        for k in range(len(score)):
            score[k, rows[k], columns[k]] = height
    return score


def places(score: np.ndarray, radius_mm: float = 4.5) -> Places:
    return Places(score, np.full(score.shape, radius_mm, np.float32))


class TestPairs:
    steady = np.full(30, 20)

    def test_each_keeps_to_its_vessel_though_both_look_like_either(self):
        # Left side: the vein lies behind the artery and inside of it.
        both = scores((1.0, self.steady, self.steady), (1.0, self.steady + 4, self.steady - 2))
        artery, vein, inner = pair_through(places(both), places(both), PLACE, 1.0, DOWN_MM, 9.0)
        assert (artery == [20, 20]).all()
        assert (vein == [24, 18]).all()
        assert (inner == -1).all()

    def test_places_left_out_would_have_led_to_no_better_sum(self):
        rng = np.random.default_rng(3)
        # Of seven and four places from the last, unseen, on each is worse by 0.4 than the next.
        total = 0.4 * (np.arange(-6.0, 1.0)[:, None] + np.arange(-3.0, 1.0))
        total = total + 0.1 * rng.normal(size=(5, 7, 4))
        found, moved = 1.5, rng.uniform(0.0, 4.0, (5, 6))
        vein, inner = rng.uniform(0.0, 4.0, (7, 7)), rng.uniform(0.0, 4.0, (6, 4, 4))
        # Where each stays is free.
        vein[range(7), range(7)] = inner[:, range(4), range(4)] = 0.0
        vein[:, -1] = vein[-1] = found
        inner[:, :, -1] = inner[:, -1] = found
        vein[-1, -1] = inner[:, -1, -1] = 0.0
        every = total[:, None, :, None, :, None] - moved[:, :, None, None, None, None]
        every = every - vein[:, :, None, None] - inner[:, None, None]
        assert np.allclose(_went(total, _Step(moved, vein, inner)), every.max(axis=(0, 2, 4)))

    def test_an_artery_that_is_lost_for_a_while_does_not_slip_into_the_vein(self):
        rows = self.steady.copy()
        weak = np.where(np.abs(np.arange(30) - 15) < 4, 1, 0)
        arteries = scores((1.0, rows + 4, self.steady - 2))
        for k in np.flatnonzero(weak == 0):
            arteries[k, 20, 20] = 1.0
        for k in np.flatnonzero(weak):
            arteries[k, 20, 20] = 0.1
        veins = scores((1.0, rows + 4, self.steady - 2))
        artery, _, _ = pair_through(places(arteries), places(veins), PLACE, 1.0, DOWN_MM, 9.0)
        assert (artery == [20, 20]).all()

    def test_a_vein_that_crosses_the_spine_is_not_sought_outside_of_the_artery(self):
        # The artery itself stands out as a vein does; the vein is too flat to stand out.
        artery = scores((1.0, self.steady, self.steady + 5), (0.4, self.steady, self.steady))
        veins = scores((1.0, self.steady, self.steady + 5))
        above = np.full(30, 40.0)
        found = {
            crosses: pair_through(places(artery), places(veins), PLACE, 1.0, above, 9.0, crosses)
            for crosses in (False, True)
        }
        assert (found[False][1] == [20, 25]).all()
        # In the uppermost slice a vein is known to be.
        assert (found[True][1][:-1] == -1).all()
        assert (found[True][0] == [20, 25]).all()

    def test_a_far_jump_to_what_stands_out_better_is_not_made(self):
        columns = np.where(np.arange(30) < 15, 20, 28)
        artery = scores((1.0, self.steady, columns), (0.8, self.steady, self.steady))
        followed, _, _ = pair_through(places(artery), places(scores()), PLACE, 1.0, DOWN_MM, 9.0)
        assert (followed == [20, 20]).all()

    def test_where_no_vein_shows_none_is_followed(self):
        artery = scores((1.0, self.steady, self.steady))
        veins = scores()
        veins[20:] = scores((1.0, self.steady + 4, self.steady - 2))[20:]
        _, vein, _ = pair_through(places(artery), places(veins), PLACE, 1.0, DOWN_MM, 9.0)
        assert (vein[:20] == -1).all()
        assert (vein[20:] == [24, 18]).all()

    def test_an_internal_artery_is_followed_to_where_it_joins_and_is_not_the_vein(self):
        # It leaves the artery inside of the vein, is brighter than the vein, and falls back.
        joins = 19
        rows = 22 + (joins - 1 - np.arange(30)) // 2
        down_mm = 3.0 * np.arange(30)[::-1] + 10.0
        artery = scores((1.0, self.steady, self.steady))
        inner = scores((1.2, np.clip(rows, 0, 39), np.full(30, 18)))
        inner[joins:], inner[:4] = -1.0, -1.0
        veins = np.maximum(scores((0.3, self.steady + 4, self.steady + 1)), inner)
        three = places(artery, 3.0), places(veins, 3.0), PLACE, 1.0, down_mm, 9.0
        _, slipped, _ = pair_through(*three)
        assert (slipped[10:joins, 1] == 18).all()
        followed, vein, found = pair_through(*three, inner=places(inner, 3.0))
        assert (followed == [20, 20]).all()
        assert (vein == [24, 21]).all()
        assert (found[4:joins] == np.column_stack([rows, np.full(30, 18)])[4:joins]).all()
        assert (found[joins:] == -1).all()
        assert (found[:4] == -1).all()

    def test_what_does_not_come_to_the_artery_is_no_internal_artery(self):
        artery = scores((1.0, self.steady, self.steady))
        beside = scores((1.2, self.steady + 8, self.steady - 4))
        down_mm = 3.0 * np.arange(30)[::-1]
        _, _, found = pair_through(
            places(artery), places(scores()), PLACE, 1.0, down_mm, 9.0, inner=places(beside)
        )
        assert (found == -1).all()


class TestParting:
    grid = Grid.from_axes((40, 50, 50), spacing_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0, 0, 0))

    def touching(self, artery_hu: float, line_hu: float) -> tuple[np.ndarray, np.ndarray]:
        """A vein of radius 6 at y 20, an artery of radius 4 at y 30.5, a wall between the two."""
        _, y, x = np.indices(self.grid.shape)
        image = np.full(self.grid.shape, -100.0)
        in_vein = np.hypot(y - 20, x - 25) < 6.0
        in_artery = np.hypot(y - 30.5, x - 25) < 4.0
        image[in_vein], image[in_artery] = 120.0, artery_hu
        image[(y == 26) & (np.abs(x - 25) < 4)] = line_hu
        noise = np.random.default_rng(0).normal(0.0, 5.0, image.shape)
        return (image + noise).astype(np.int16), in_artery

    def leaked(self, in_artery: np.ndarray) -> tuple[np.ndarray, Artery, Judged, Tube]:
        """Labels of a vein that has leaked into all of the artery, and both vessels."""
        _, y, x = np.indices(self.grid.shape)
        labels = ((np.hypot(y - 20, x - 25) < 6.0) | in_artery).astype(np.uint8)
        course = course_through(np.array([[25.0, 20.0, 39.0], [25.0, 20.0, 0.0]]), 1.5, 3.0)
        count = len(course.points_lps_mm)
        radius = np.full((count, RAYS), 6.0)
        tube = Tube(course, radius, np.full(count, 120.0), radius)
        stretch = Stretch(0, "left_iliac_vein", 0, count)
        confidence = VesselConfidence("left_iliac_vein", 1.0, ())
        one = Judged(stretch, np.ones(count, bool), (), confidence, True)
        artery = Artery(
            np.column_stack([np.full(40, 25.0), np.full(40, 30.5), np.arange(40.0)]),
            np.full(40, 3.0),
        )
        return labels, artery, one, tube

    @pytest.mark.parametrize(("artery_hu", "line_hu"), [(120.0, 80.0), (220.0, 120.0)])
    def test_what_lies_beyond_the_wall_is_not_the_vein(self, artery_hu, line_hu):
        image, in_artery = self.touching(artery_hu, line_hu)
        labels, artery, one, tube = self.leaked(in_artery)
        true = (labels > 0) & ~in_artery
        drawn = Drawn(self.grid, np.argwhere(labels), labels[labels > 0])
        labels = without_touching(drawn, Volume(image, self.grid), [one], [tube], [artery]).labels
        assert (labels[in_artery] > 0).mean() < 0.03
        assert (labels[true] > 0).mean() > 0.95

    def test_voxels_of_half_a_millimetre_are_parted_as_well(self):
        """An odd number of them, so that the last ones fill no block."""
        image, in_artery = self.touching(220.0, 120.0)
        whole, artery, one, tube = self.leaked(in_artery)
        fine = [slice(0, -1)] * 3
        image, in_artery, whole = (
            np.kron(array, np.ones((2, 2, 2), array.dtype))[*fine]
            for array in (image, in_artery, whole)
        )
        true = (whole > 0) & ~in_artery
        grid = Grid.from_axes(image.shape, spacing_mm=(0.5,) * 3, origin_lps_mm=(-0.25,) * 3)
        drawn = Drawn(grid, np.argwhere(whole), whole[whole > 0])
        whole = without_touching(drawn, Volume(image, grid), [one], [tube], [artery]).labels
        assert (whole[in_artery] > 0).mean() < 0.03
        assert (whole[true] > 0).mean() > 0.95


class TestWaypointsInTheVein:
    vein = np.column_stack([np.full(60, 40.0), np.full(60, -10.0), 3.0 * np.arange(60)])

    def chain(self, *heights_mm: float) -> Chain:
        points = np.array([[0.0, 0.0, z] for z in heights_mm])
        return Chain("left", points, (), "left_external_iliac_vein")

    def test_they_lie_below_the_cava_and_above_the_end(self):
        chain = with_vein(self.chain(300.0, 10.0), self.vein, 150.0)
        inner = chain.points_lps_mm[1:-1]
        assert (inner[:, 0] == 40.0).all()
        assert inner[0, 2] < 150.0
        assert inner[-1, 2] > 22.0
        assert (np.diff(chain.points_lps_mm[:, 2]) < 0).all()
        assert 3 <= len(inner) <= 6

    def test_what_somebody_set_counts_more(self):
        chain = with_vein(self.chain(300.0, 90.0, 10.0), self.vein, 150.0)
        z = chain.points_lps_mm[:, 2]
        assert 90.0 in z
        assert not ((np.abs(z - 90.0) < 12.0) & (z != 90.0)).any()

    def test_none_where_no_vein_was_followed(self):
        chain = self.chain(300.0, 10.0)
        assert with_vein(chain, np.empty((0, 3)), 150.0) is chain


def test_iliac_veins_join_where_one_course_enters_the_wall_of_the_other():
    # In a flat cava, 24 mm wide above z 60, the courses lie 10 mm apart; below they lead away.
    def tube(side: float) -> Tube:
        points = np.array([[side * 5.0, 0.0, 120.0], [side * 5.0, 0.0, 60.0], [side * 40.0, 0, 0]])
        course = course_through(points, 1.5, 1.0)
        z = course.points_lps_mm[:, 2]
        radius = np.where(z > 60.0, 17.0, 5.0)[:, None] * np.ones(RAYS)
        return Tube(course, radius, np.full(len(z), 150.0), radius)

    tubes = tube(-1.0), tube(1.0)
    first, second = confluence_of(tubes)
    assert tubes[0].course.points_lps_mm[first, 2] == pytest.approx(60.0, abs=4.0)
    assert tubes[1].course.points_lps_mm[second, 2] == pytest.approx(60.0, abs=6.0)


def test_a_cava_is_one_down_to_the_division_of_the_aorta():
    cava = np.column_stack([np.arange(5) * 3.0, np.zeros(5), 400.0 - 30.0 * np.arange(5)])
    points = undivided(cava, np.array([20.0, 0.0, 315.0]))
    assert points[:-1] == pytest.approx(cava[:3])
    assert points[-1] == pytest.approx([7.5, 0.0, 325.0])
    assert undivided(cava, None) == pytest.approx(cava[:3])
