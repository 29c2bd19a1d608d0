"""Arteries are followed, and what cannot be told from them is not drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.errors import InputError
from venoseg.segmentation import Seed, VesselConfidence
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.context.seeing import refuse_iliac_artery
from venoseg.segmentation.courses.divide import Stretch
from venoseg.segmentation.doubts import with_doubts, withheld
from venoseg.segmentation.landmarks.arterial import Artery, below_division
from venoseg.segmentation.landmarks.cava import division_mm, shows_aorta
from venoseg.segmentation.landmarks.central import Landmarks
from venoseg.segmentation.landmarks.iliac import Iliac, iliac_vessels
from venoseg.segmentation.landmarks.tracks import Track
from venoseg.segmentation.trust.judging import Judged, doubted
from venoseg.segmentation.trust.telling import told_apart, where_exchanged
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 60, 90), spacing_mm=(3.0, 3.0, 3.0), origin_lps_mm=(-135, -90, 0))
DIVIDES_MM = 120.0
NOWHERE = np.empty((0, 3))


def middle(z: np.ndarray, side: float, before_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, in mm, of a vessel that runs outwards below the division."""
    return side * 0.6 * np.maximum(DIVIDES_MM - z, 0.0), np.full(z.shape, -before_mm)


def inner_middle(z: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, in mm, of an internal artery: it leaves the other one and falls back."""
    below = np.maximum(DIVIDES_MM - 45.0 - z, 0.0)
    return np.full(z.shape, side * 0.6 * 45.0), -10.0 + 0.7 * below


def pelvis(veins: bool, vein_hu: float = 150.0, internal: tuple[float, ...] = ()) -> np.ndarray:
    """Fat with an aorta that divides; a wider vein touches each iliac artery from behind."""
    z, y, x = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)[::-1]
    image = np.full(GRID.shape, -100.0, dtype=np.float32)
    for side in (-1.0, 1.0):
        mx, my = middle(z, side, 10.0)
        if veins:
            image[(np.hypot(x - mx, y - my - 12.0) < 7.5) & (z < DIVIDES_MM - 12)] = vein_hu
        image[np.hypot(x - mx, y - my) < np.where(z > DIVIDES_MM, 9.0, 5.0)] = 150.0
        if side in internal:
            ix, iy = inner_middle(z, side)
            low = (z < DIVIDES_MM - 45.0) & (z > DIVIDES_MM - 95.0)
            image[(np.hypot(x - ix, y - iy) < 4.0) & low] = 150.0
    noise = np.random.default_rng(0).normal(0.0, 6.0, GRID.shape)
    return (image + noise).astype(np.float32)


def landmarks() -> Landmarks:
    z = 3.0 * np.arange(60)
    points = np.column_stack([np.zeros(60), np.full(60, -10.0), z])
    seen = np.where(z >= DIVIDES_MM, 120.0, 5.0)
    aorta = Track(points, np.full(60, 8.5), seen, np.full(60, 150.0))
    return Landmarks(aorta, aorta, np.zeros(60), np.zeros(60))


class TestIliacArteries:
    @pytest.mark.parametrize("veins", [False, True])
    def test_both_are_followed_to_the_groin_and_no_vein_is_taken_for_one(self, veins):
        found = iliac_vessels(below_division(pelvis(veins), GRID, landmarks()), NOWHERE).arteries
        assert len(found) == 2
        for artery, side in zip(found, (-1.0, 1.0), strict=True):
            low = artery.points_lps_mm[artery.points_lps_mm[:, 2] < DIVIDES_MM - 20]
            mx, my = middle(low[:, 2], side, 10.0)
            assert np.ptp(low[:, 2]) > 80.0
            assert np.hypot(low[:, 0] - mx, low[:, 1] - my).max() < 5.0

    def test_internal_ones_are_followed_down_and_back(self):
        image = pelvis(veins=True, internal=(-1.0, 1.0))
        found = iliac_vessels(below_division(image, GRID, landmarks()), NOWHERE)
        assert len(found.arteries) == 2
        assert found.without_internal == ()
        for side in (-1.0, 1.0):
            own = [
                one.points_lps_mm for one in found.internal if side * one.points_lps_mm[0, 0] > 0
            ]
            # What is seen, and what leads from there to the artery it comes from.
            seen, root = own
            x, y, z = seen.T
            ix, iy = inner_middle(z, side)
            assert np.hypot(x - ix, y - iy).max() < 5.0
            assert np.ptp(z) > 30.0
            other = np.concatenate([one.points_lps_mm for one in found.arteries])
            assert np.linalg.norm(root[-1] - other, axis=1).min() < 4.0
            assert np.linalg.norm(root[0] - seen[-1]) < 4.0
            assert (np.diff(root[:, 2]) > 0.0).all()

    @pytest.mark.parametrize("veins", [False, True])
    def test_none_is_followed_as_internal_where_there_is_none(self, veins):
        found = iliac_vessels(below_division(pelvis(veins), GRID, landmarks()), NOWHERE)
        assert found.internal == ()
        assert found.without_internal == ()

    @pytest.mark.parametrize(("side", "without"), [(-1.0, "left"), (1.0, "right")])
    def test_one_that_is_followed_on_the_other_side_alone_is_missed(self, side, without):
        image = pelvis(veins=True, internal=(side,))
        found = iliac_vessels(below_division(image, GRID, landmarks()), NOWHERE)
        assert found.internal
        assert found.without_internal == (without,)

    def test_a_vein_goes_on_where_it_ran_across_the_slices_and_was_not_seen(self):
        image = pelvis(veins=True)
        k, j, i = np.indices(GRID.shape)
        x, y, z = np.moveaxis(GRID.to_lps(np.stack([k, j, i], axis=-1)), -1, 0)
        mx, my = middle(z, 1.0, 10.0)
        hidden = (z > 45.0) & (z < 75.0) & (x > 0.0) & (np.hypot(x - mx, y - my) > 6.0)
        image[hidden] = -100.0
        z = iliac_vessels(below_division(image, GRID, landmarks()), NOWHERE).vein("left")[:, 2]
        assert (z < 45.0).any()
        assert not ((z > 48.0) & (z < 72.0)).any()
        assert (z > 75.0).sum() > 5

    def test_none_where_nothing_has_the_grey_value_of_the_aorta(self):
        image = pelvis(veins=True)
        z = GRID.to_lps(np.column_stack([np.arange(60)] * 3))[:, 2]
        image[z < DIVIDES_MM] = np.minimum(image[z < DIVIDES_MM], 60.0)
        assert iliac_vessels(below_division(image, GRID, landmarks()), NOWHERE).arteries == ()


def test_an_artery_covers_what_lies_within_its_radius():
    artery = Artery(np.array([[0.0, 0.0, 30.0]]), np.array([6.0]))
    covered = artery.covers(GRID, 1.0)
    points = GRID.to_lps(np.argwhere(covered))
    assert (np.linalg.norm(points - [0.0, 0.0, 30.0], axis=1) < 6.0).all()
    assert covered.sum() * 27.0 == pytest.approx(4 / 3 * np.pi * 6.0**3, rel=0.25)


def test_an_artery_is_deepest_in_its_middle_and_ends_at_its_wall():
    artery = Artery(np.array([[0.0, 0.0, 30.0]]), np.array([5.0]))
    depths = artery.depths(GRID, -0.5)
    away = np.linalg.norm(GRID.to_lps(depths.index) - [0.0, 0.0, 30.0], axis=1)
    wall = 1.3 * 5.0 + 0.8
    assert away.max() < 1.5 * wall
    assert depths.depth == pytest.approx(1.0 - away / wall, abs=1e-4)
    assert len(depths.deeper_than(0.0)) == (away < wall).sum()


def test_an_aorta_that_only_becomes_thinner_high_above_the_crests_does_not_divide_there():
    found = landmarks()
    z = found.aorta.points_lps_mm[:, 2]
    thin = replace(found.aorta, contrast_hu=np.where(z >= DIVIDES_MM, 120.0, 40.0))
    found = replace(found, aorta=thin)
    # Crests out of view lie below the image, which ends at 0.
    assert division_mm(found) == pytest.approx(27.0)
    assert division_mm(replace(found, crest_z_mm=60.0)) == pytest.approx(87.0)
    assert division_mm(replace(found, crest_z_mm=110.0)) == pytest.approx(DIVIDES_MM)
    bent = thin.points_lps_mm.copy()
    bent[:, 0] += np.maximum(DIVIDES_MM - z, 0.0)
    aside = replace(found, aorta=replace(thin, points_lps_mm=bent), crest_z_mm=60.0)
    assert division_mm(aside) > 110.0


class TestToldApart:
    course = course_through(np.array([[0.0, 0.0, 150.0], [0.0, 0.0, 0.0]]), 1.5, 3.0)

    def told(
        self,
        vessel: str,
        vein_hu: float,
        tracked: tuple[Artery, ...],
        said_z_mm: tuple[float, ...] = (),
        pelvis_only: bool = False,
    ) -> Judged:
        """What is left of a straight vein from z 150 to 0 mm."""
        count = len(self.course.points_lps_mm)
        radius = np.full((count, RAYS), 6.0)
        tube = Tube(self.course, radius, np.full(count, vein_hu), radius)
        picture = Picture(np.zeros(GRID.shape), np.zeros(GRID.shape), GRID)
        known = None if pelvis_only else 150.0
        scene = Scene(
            picture,
            artery_hu=known,
            iliac=Iliac(tracked),
            aorta_out_of_view=pelvis_only,
            said_lps_mm=np.array([[0.0, 0.0, z] for z in said_z_mm]).reshape(-1, 3),
        )
        one = Judged(
            Stretch(0, vessel, 0, count),
            np.ones(count, dtype=bool),
            (),
            VesselConfidence(vessel, 1.0),
            True,
        )
        (told,) = told_apart([one], [tube], scene)
        return told

    def drawn(
        self,
        vessel: str,
        vein_hu: float,
        tracked: tuple[Artery, ...],
        said_z_mm: tuple[float, ...] = (),
        pelvis_only: bool = False,
    ) -> np.ndarray:
        """Heights of its open stations."""
        told = self.told(vessel, vein_hu, tracked, said_z_mm, pelvis_only)
        heights: np.ndarray = self.course.points_lps_mm[told.open_stations, 2]
        return heights

    def artery(self, high: float, low: float) -> Artery:
        z = np.arange(low, high, 3.0)
        return Artery(np.column_stack([np.zeros(len(z)), np.full(len(z), -12.0), z]), z * 0 + 5.0)

    def test_a_vein_as_bright_as_arteries_is_drawn_where_one_runs_beside_it(self):
        z = self.drawn("left_iliac_vein", 150.0, (self.artery(100.0, 0.0),))
        assert len(z)
        assert z.max() < 95.0
        assert z.min() < 2.0

    def test_nothing_is_drawn_where_none_was_followed(self):
        assert len(self.drawn("left_iliac_vein", 150.0, ())) == 0

    @pytest.mark.parametrize(("high", "open_again"), [(93.0, True), (117.0, False)])
    def test_a_vein_goes_on_over_a_gap_no_longer_than_it_is_wide(self, high, open_again):
        z = np.concatenate([np.arange(0.0, 58.0, 3.0), np.arange(high, 151.0, 3.0)])
        artery = Artery(np.column_stack([z * 0, z * 0 - 12.0, z]), z * 0 + 5.0)
        drawn = self.drawn("left_iliac_vein", 150.0, (artery,))
        middle = 0.5 * (57.0 + high)
        assert bool((np.abs(drawn - middle) < 1.5).any()) == open_again

    @pytest.mark.parametrize(("gap_mm", "drawn"), [(3.0, True), (24.0, False)])
    def test_where_two_stretches_of_an_artery_meet_it_is_not_lost(self, gap_mm, drawn):
        tracked = (self.artery(150.0, 60.0 + gap_mm), self.artery(63.0, 0.0))
        z = self.drawn("left_iliac_vein", 150.0, tracked)
        assert bool((np.abs(z - 60.0 - gap_mm / 2.0) < 1.5).any()) == drawn

    def test_a_darker_vein_and_the_cava_are_drawn_all_along(self):
        assert np.ptp(self.drawn("left_iliac_vein", 95.0, ())) == pytest.approx(150.0)
        assert np.ptp(self.drawn("ivc", 150.0, ())) == pytest.approx(150.0)

    def test_it_is_drawn_near_points_that_somebody_set(self):
        z = self.drawn("left_iliac_vein", 150.0, (), said_z_mm=(60.0,))
        assert z.max() == pytest.approx(80.0, abs=2.0)
        assert z.min() == pytest.approx(40.0, abs=2.0)

    def test_where_no_aorta_is_in_view_waypoints_must_show_the_vein(self):
        assert len(self.drawn("left_iliac_vein", 95.0, (), pelvis_only=True)) == 0
        assert len(self.drawn("left_iliac_vein", 95.0, (), (60.0,), pelvis_only=True)) > 20
        assert len(self.drawn("ivc", 95.0, (), pelvis_only=True)) > 90

    def test_a_vein_of_which_most_is_not_told_counts_as_merged_with_the_artery(self):
        for said, merged in (((60.0,), True), ((30.0, 65.0, 100.0), False)):
            assert self.told("left_iliac_vein", 95.0, (), said, pelvis_only=True).merged == merged


def test_an_image_that_begins_at_the_crests_does_not_show_the_aorta():
    found = landmarks()
    assert shows_aorta(found)
    assert shows_aorta(replace(found, crest_z_mm=120.0))
    assert not shows_aorta(replace(found, crest_z_mm=160.0))


def short_tube() -> Tube:
    """Three stations from 50 to 20 mm."""
    course = course_through(np.array([[0.0, 0.0, 50.0], [0.0, 0.0, 20.0]]), 20.0, 3.0)
    flat = np.full((3, RAYS), 5.0)
    return Tube(course, flat, np.full(3, 150.0), flat)


def eight_voxels() -> Drawn:
    """All of a small grid with the label 1."""
    grid = Grid.from_axes((2, 2, 2), spacing_mm=(1.0, 1.0, 1.0))
    return Drawn(grid, np.argwhere(np.ones(grid.shape)), np.ones(8, dtype=np.uint8))


@pytest.mark.parametrize(
    ("confidence", "merged", "drawn"), [(0.4, True, False), (0.4, False, True), (0.6, True, True)]
)
def test_a_doubtful_vein_beside_an_artery_is_not_drawn(confidence, merged, drawn):
    one = Judged(
        Stretch(0, "left_iliac_vein", 0, 3),
        np.ones(3, dtype=bool),
        (),
        VesselConfidence("left_iliac_vein", confidence, ("touches an artery",)),
        True,
        merged,
    )
    (found,), left = withheld([one], [short_tube()], eight_voxels(), ["left_iliac_vein"])
    assert bool(left.labels.any()) == drawn
    if not drawn:
        assert found.confidence.confidence == 0.0
        words = "cannot be told from the artery beside it: set waypoints at z 50 to 20 mm"
        assert words in found.confidence.reasons[0]
        assert not found.open_stations.any()


@pytest.mark.parametrize(
    ("vessel", "seen", "drawn"),
    [("left_iliac_vein", 0.1, False), ("left_iliac_vein", 0.8, True), ("ivc", 0.1, True)],
)
def test_an_iliac_vein_that_nothing_proves_is_not_drawn_but_one_beside_an_occlusion_is(
    vessel, seen, drawn
):
    one = Judged(
        Stretch(0, vessel, 0, 3),
        np.ones(3, dtype=bool),
        (),
        VesselConfidence(vessel, 0.1, ("no contrast over 90 % of its length",)),
        True,
        seen=seen,
    )
    (found,), left = withheld([one], [short_tube()], eight_voxels(), [vessel])
    assert bool(left.labels.any()) == drawn
    assert found.open_stations.any() == drawn
    assert found.confidence.reasons[0].startswith("not drawn, for nothing proves") != drawn


@pytest.mark.parametrize(
    ("factor", "vessel", "drawn"),
    [(0.9, "left_iliac_vein", True), (0.5, "left_iliac_vein", False), (0.5, "ivc", True)],
)
def test_without_seeds_what_is_open_of_an_iliac_vein_must_be_sure_but_not_all_of_it_be_open(
    factor, vessel, drawn
):
    closed = VesselConfidence(vessel, 0.3, ("no contrast over 70 % of its length",))
    one = Judged(
        Stretch(0, vessel, 0, 3), np.ones(3, dtype=bool), (), closed, True, seen=0.8, drawn=0.8
    )
    one = doubted(one, [(factor, "faint")])
    (found,), left = withheld([one], [short_tube()], eight_voxels(), [vessel], least=0.5)
    assert bool(left.labels.any()) == drawn
    assert (found.confidence.confidence > 0.0) == drawn
    assert found.confidence.reasons[0].startswith("was not found with certainty") != drawn


class TestSeedInAnIliacArtery:
    def scene(self, vein_hu: float) -> tuple[Picture, Landmarks, tuple[Artery, ...]]:
        image = pelvis(veins=True, vein_hu=vein_hu)
        x, y, z = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
        image[(np.hypot(x + 25.0, y + 5.0) < 8.0) & (z > DIVIDES_MM - 12)] = vein_hu
        found = landmarks()
        points = np.column_stack([np.full(60, -25.0), np.full(60, -5.0), 3.0 * np.arange(60)])
        seen = np.where(points[:, 2] > DIVIDES_MM - 12, 100.0, 5.0)
        cava = Track(points, np.full(60, 8.5), seen, np.full(60, vein_hu))
        found = replace(found, cava=cava)
        return (
            Picture(image, image, GRID),
            found,
            iliac_vessels(below_division(image, GRID, found), NOWHERE).arteries,
        )

    def seed(self, before_mm: float) -> Seed:
        x, y = middle(np.array([60.0]), 1.0, before_mm)
        point = (float(x[0]), float(y[0]), 60.0)
        return Seed("left_external_iliac_vein", "peripheral_end", point)

    def test_it_is_refused_where_the_artery_is_brighter(self):
        picture, found, tracked = self.scene(vein_hu=90.0)
        with pytest.raises(InputError, match="lies in an iliac artery"):
            refuse_iliac_artery(picture, found, [self.seed(10.0)], tracked)

    def test_in_the_vein_behind_it_is_not(self):
        picture, found, tracked = self.scene(vein_hu=90.0)
        refuse_iliac_artery(picture, found, [self.seed(-2.0)], tracked)

    def test_nor_where_both_are_as_bright(self):
        picture, found, tracked = self.scene(vein_hu=140.0)
        refuse_iliac_artery(picture, found, [self.seed(10.0)], tracked)


class TestExchanged:
    """A course from z 150 to 0 mm that swings out by so much around z 75 mm."""

    def course(self, out_mm: float) -> np.ndarray:
        z = np.arange(150.0, -1.0, -1.5)
        return np.column_stack(
            [np.zeros(len(z)), out_mm * np.exp(-0.5 * ((z - 75.0) / 9.0) ** 2), z]
        )

    def artery(self, y_mm: float) -> Artery:
        z = np.arange(0.0, 150.0, 3.0)
        return Artery(np.column_stack([z * 0.0, z * 0.0 + y_mm, z]), z * 0.0 + 5.0)

    def test_a_vein_that_leaves_its_way_to_an_artery(self):
        found = where_exchanged(self.course(18.0), 1.5, [self.artery(0.0)])
        z = self.course(18.0)[found, 2]
        assert z.max() < 110.0
        assert z.min() > 40.0
        assert 75.0 in z

    @pytest.mark.parametrize(("out_mm", "artery_mm"), [(8.0, 0.0), (18.0, 16.0), (18.0, -12.0)])
    def test_a_vein_that_bends_around_an_artery_or_away_from_it_is_none(self, out_mm, artery_mm):
        assert not where_exchanged(self.course(out_mm), 1.5, [self.artery(artery_mm)]).any()

    def test_nothing_is_told_without_an_artery(self):
        assert not where_exchanged(self.course(18.0), 1.5, []).any()


class TestWithoutInternal:
    """A straight left iliac vein from z 130 to 0 mm beside its artery, 150 HU both."""

    def doubted(self, without: tuple[str, ...], vein_hu: float = 150.0) -> VesselConfidence:
        return self.judged(without, vein_hu).confidence

    def judged(self, without: tuple[str, ...], vein_hu: float, before: int = 8) -> Judged:
        """What eight voxels are worth that were left of so many."""
        course = course_through(np.array([[0.0, 0.0, 130.0], [0.0, 0.0, 0.0]]), 1.5, 3.0)
        count = len(course.points_lps_mm)
        radius = np.full((count, RAYS), 6.0)
        tube = Tube(course, radius, np.full(count, vein_hu), radius)
        beside = Artery(course.points_lps_mm + np.array([0.0, -12.0, 0.0]), np.full(count, 5.0))
        scene = Scene(
            Picture(np.zeros(GRID.shape), np.zeros(GRID.shape), GRID),
            artery_hu=150.0,
            iliac=Iliac((beside,), without_internal=without),
            division_lps_mm=np.array([0.0, 0.0, DIVIDES_MM]),
        )
        name = "left_iliac_vein"
        sure = VesselConfidence(name, 1.0)
        one = Judged(Stretch(0, name, 0, count), np.ones(count, dtype=bool), (), sure, True)
        drawn = eight_voxels()
        (found,) = with_doubts([one], [tube], scene, [name], np.array([0, before]), drawn)
        return found

    def test_the_vein_may_hold_it_where_it_could_run(self):
        found = self.doubted(("left",))
        assert found.confidence == pytest.approx(0.7)
        words = "may hold its internal iliac artery, which could not be followed at z 99 to 0 mm"
        assert found.reasons == (words,)

    def test_not_that_of_the_other_side_nor_one_that_is_darker_than_arteries(self):
        assert self.doubted(()) == self.doubted(("right",))
        assert self.doubted(()) == self.doubted(("left",), vein_hu=100.0)
        assert self.doubted(()).confidence == 1.0

    @pytest.mark.parametrize(("vein_hu", "merged"), [(150.0, True), (100.0, False)])
    def test_what_was_lost_to_arteries_leaves_one_that_is_darker_unmixed_with_them(
        self, vein_hu, merged
    ):
        found = self.judged((), vein_hu, before=11)
        assert found.merged == merged
        assert "27 % of it lay in an artery" in found.confidence.reasons[0]
