"""Which stations of a tube are lumen, and how sure a vein is, by what the image shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation.courses.divide import Stretch
from venoseg.segmentation.trust.judging import Judged, judged
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.evidence import evidence_of, lumen_by
from venoseg.segmentation.tubes.following import way_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import Grid

VEIN = "left_external_iliac_vein"


def tube_of(points: list[tuple[float, float, float]], radius_mm: float = 7.0) -> Tube:
    """A round tube of 150 HU in fat."""
    course = course_through(np.array(points, dtype=float), 1.5, 1.0)
    shape = (len(course.points_lps_mm), RAYS)
    return Tube(course, np.full(shape, radius_mm), np.full(shape[0], 150.0), np.full(shape, 200.0))


@pytest.fixture
def tube() -> Tube:
    return tube_of([(0, 0, 150), (0, 0, 0)])


def middle(tube: Tube) -> slice:
    return slice(len(tube.level_hu) // 3, 2 * len(tube.level_hu) // 3)


def lumen(tube: Tube, blood_hu: float = 150.0) -> np.ndarray:
    return lumen_by(evidence_of(tube, [VEIN] * len(tube.level_hu), blood_hu), tube)


def changed(tube: Tube, **values: float) -> Tube:
    """Return the tube with other values in its middle third."""
    arrays = {name: getattr(tube, name).copy() for name in values}
    for name, value in values.items():
        arrays[name][middle(tube)] = value
    return replace(tube, **arrays)


class TestLumen:
    def test_a_plain_vein_is_lumen_throughout(self, tube):
        assert lumen(tube).all()

    @pytest.mark.parametrize(
        "values",
        [
            {"radius_mm": 2.2},
            {"level_hu": 50.0},
            {"level_hu": 75.0, "step_hu": 10.0},
            {"level_hu": 110.0, "step_hu": 5.0},
            {"level_hu": 300.0},
            {"level_hu": 90.0, "step_hu": -100.0},
            {"radius_mm": 16.0},
        ],
        ids=["collateral", "dark", "muscle", "liver", "bone", "disc in bone", "leak"],
    )
    def test_what_is_no_vein_is_left_out(self, tube, values):
        found = lumen(changed(tube, **values))
        part = middle(tube)
        assert not found[part.start + 3 : part.stop - 3].any()
        assert found[: part.start - 6].all()
        assert found[part.stop + 6 :].all()

    def test_a_short_tight_stenosis_stays(self, tube):
        radius = tube.radius_mm.copy()
        radius[50:55] = 2.2
        assert lumen(replace(tube, radius_mm=radius)).all()

    def test_blood_that_goes_on_without_an_edge_stays(self, tube):
        assert lumen(changed(tube, step_hu=5.0)).all()

    def test_blood_inside_a_stent_stays(self, tube):
        assert lumen(changed(tube, step_hu=-400.0)).all()

    def test_a_course_that_leads_up_the_body_is_no_vein(self):
        tube = tube_of([(0, 0, 100), (0, 0, 40), (60, 0, 90), (70, 0, 0)])
        z = tube.course.points_lps_mm[:, 2]
        rising = np.gradient(z) > 0.5
        assert not lumen(tube)[rising].any()


def one_of(tube: Tube, vessel: str = VEIN, artery_hu: float | None = None) -> Judged:
    n = len(tube.level_hu)
    grid = Grid.from_axes((10, 10, 10), spacing_mm=(20.0, 20.0, 20.0))
    flat = np.zeros(grid.shape, dtype=np.float32)
    (found,) = judged(
        [Stretch(0, vessel, 0, n)], [tube], Picture(flat, flat, grid), None, artery_hu
    )
    return found


class TestArteries:
    def led_into(self, tube: Tube, below_mm: float) -> Judged:
        """The verdict where the lower part of a course runs in an artery."""
        grid = Grid.from_axes((90, 20, 20), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-20, -20, 0))
        flat = np.zeros(grid.shape, dtype=np.float32)
        artery = np.zeros(grid.shape, dtype=bool)
        artery[: round(below_mm / 2.0)] = True
        n = len(tube.level_hu)
        stretch = Stretch(0, "ivc", 0, n)
        (found,) = judged([stretch], [tube], Picture(flat, flat, grid), artery)
        return found

    def test_what_leads_up_to_an_artery_is_kept(self, tube):
        found = self.led_into(tube, 70.0)
        z = tube.course.points_lps_mm[:, 2]
        assert found.open_stations[z > 100.0].all()
        assert not found.open_stations[z < 90.0].any()
        assert "runs in an artery along" in " ".join(found.confidence.reasons)

    def test_nothing_is_kept_of_a_course_in_an_artery(self, tube):
        found = self.led_into(tube, 160.0)
        assert not found.open_stations.any()
        (words,) = found.confidence.reasons
        assert words.startswith("runs in an artery at z ")
        assert words.endswith(" mm: set waypoints there")


class TestArterialPhase:
    def dark_below(self, tube: Tube) -> Tube:
        level, step = tube.level_hu.copy(), tube.step_hu.copy()
        level[len(level) // 2 :], step[len(level) // 2 :] = 50.0, 120.0
        return replace(tube, level_hu=level, step_hu=step)

    def test_a_cava_without_contrast_is_followed_in_fat_and_not_trusted(self, tube):
        found = one_of(self.dark_below(tube), "ivc", 320.0)
        assert found.open_stations.all()
        assert found.closed == ()
        assert any("only fat outlines it" in words for words in found.confidence.reasons)

    def test_in_a_venous_phase_it_is_an_occlusion(self, tube):
        found = one_of(self.dark_below(tube), "ivc", 170.0)
        assert not found.open_stations[-20:].any()
        assert len(found.closed) == 1

    def test_muscle_has_no_outline(self, tube):
        dark = self.dark_below(tube)
        step = dark.step_hu.copy()
        step[len(step) // 2 :] = 5.0
        found = one_of(replace(dark, step_hu=step), "ivc", 320.0)
        assert not found.open_stations[-20:].any()

    def test_an_iliac_vein_is_not(self, tube):
        assert not one_of(self.dark_below(tube), VEIN, 320.0).open_stations[-20:].any()


class TestConfidence:
    def one(self, tube: Tube):
        return one_of(tube).confidence

    def test_a_plain_vein_is_sure(self, tube):
        assert self.one(tube).confidence == 1.0
        assert self.one(tube).reasons == ()

    def test_a_wall_that_does_not_show_is_doubted(self, tube):
        step = tube.step_hu.copy()
        step[:, : RAYS // 2] = 5.0
        found = self.one(replace(tube, step_hu=step))
        assert found.confidence < 0.5
        assert "of the wall shows" in " ".join(found.reasons)

    def test_a_vein_shut_over_most_of_its_length_is_doubted(self, tube):
        level = tube.level_hu.copy()
        level[: 2 * len(level) // 3] = 50.0
        found = self.one(replace(tube, level_hu=level))
        assert found.confidence < 0.5
        assert "no contrast" in " ".join(found.reasons)

    def test_nothing_is_left_of_a_tube_without_edges(self, tube):
        found = self.one(replace(tube, step_hu=np.zeros_like(tube.step_hu)))
        assert found.confidence == 0.0
        assert found.reasons == ("no lumen that could be told from what surrounds it",)


@pytest.mark.parametrize(("around", "straight"), [(3.0, True), (0.3, False)])
def test_a_way_around_an_occlusion_gives_way_to_the_straight_line(around, straight):
    grid = Grid.from_axes((60, 20, 20), spacing_mm=(2.0, 2.0, 2.0))
    cost = np.full(grid.shape, 50.0, dtype=np.float32)
    cost[25:50, 10, 4] = cost[25:50, 10, 16] = around
    cost[25, 10, 4:17] = around
    start, end = grid.to_lps(np.array([[49, 10, 4], [40, 10, 16]]))
    flat = np.zeros(grid.shape, dtype=np.float32)
    way = way_through(Picture(flat, flat, grid), cost, np.stack([start, end]))
    if straight:
        np.testing.assert_allclose(way, [start, end])
    else:
        np.testing.assert_allclose(way[[0, -1]], [start, end])
        assert way[:, 2].min() == pytest.approx(50.0)
