"""A vein is no surer than the share of its length along which nothing is in doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation import VesselConfidence
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.divide import Stretch
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.landmarks.iliac import Iliac
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.trust.unsure import less_sure
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import Grid

HIGH_MM = 200.0
ARTERY_HU, VEIN_HU = 150.0, 130.0
COURSE = course_through(np.array([[0.0, 0.0, HIGH_MM], [0.0, 0.0, 0.0]]), 2.0, 3.0)
Z = COURSE.points_lps_mm[:, 2]
BETWEEN = (Z < 121.0) & (Z > 79.0)
SHARE = float(BETWEEN.mean())


def tube(level_hu: np.ndarray | float = VEIN_HU, shows: np.ndarray | float = 1.0) -> Tube:
    """A round vein, straight down; ``shows`` is the share of the wall that does."""
    steps = np.linspace(0.0, 1.0, RAYS, endpoint=False) < np.broadcast_to(shows, Z.shape)[:, None]
    level = np.broadcast_to(level_hu, Z.shape).astype(float)
    return Tube(COURSE, np.full((len(Z), RAYS), 6.0), level, np.where(steps, 200.0, 0.0))


def artery(in_vein: np.ndarray | None = None, kept: np.ndarray | None = None) -> Artery:
    """One that runs before the vein, and has its track in it where that is told."""
    before = np.full(len(Z), -12.0) if in_vein is None else np.where(in_vein, 0.0, -12.0)
    points = np.column_stack([np.zeros(len(Z)), before, Z])
    if kept is not None:
        points = points[kept]
    return Artery(points, np.full(len(points), 4.0), in_vein)


def scene(*arteries: Artery, artery_hu: float = ARTERY_HU) -> Scene:
    grid = Grid.from_axes((2, 2, 2), spacing_mm=(3.0, 3.0, 3.0))
    picture = Picture(np.zeros(grid.shape), np.zeros(grid.shape), grid)
    return Scene(picture, artery_hu=artery_hu, iliac=Iliac(arteries))


def judged(confidence: float = 1.0, vessel: str = "left_iliac_vein") -> Judged:
    told = VesselConfidence(vessel, confidence)
    return Judged(Stretch(0, vessel, 0, len(Z)), np.ones(len(Z), dtype=bool), (), told, True)


def told(one: Judged, vein: Tube, beside: Scene) -> VesselConfidence:
    (found,) = less_sure([one], [vein], beside)
    return found.confidence


def test_a_vein_beside_an_artery_that_was_followed_stays_sure():
    sure = told(judged(), tube(), scene(artery()))
    assert (sure.confidence, sure.reasons) == (1.0, ())


def test_where_the_track_of_an_artery_runs_in_its_vein_the_artery_is_not_known():
    doubted = told(judged(), tube(), scene(artery(in_vein=BETWEEN)))
    # Beside its ends, too: there the stray track is nearer than the artery, which is 12 mm away.
    assert SHARE < 1.0 - doubted.confidence < SHARE + 2 * 12.0 / HIGH_MM
    assert "the artery beside it is not known along 31 % at z 130 to 70 mm" in doubted.reasons[0]


def test_so_it_is_where_its_track_is_lost():
    upper, lower = artery(kept=Z > 130.0), artery(kept=Z < 40.0)
    doubted = told(judged(), tube(), scene(upper, lower))
    # Within 20 mm of its ends it is known still.
    gap_mm = float(Z[Z > 130.0].min() - Z[Z < 40.0].max()) - 2 * np.sqrt(20.0**2 - 12.0**2)
    assert doubted.confidence == pytest.approx(1.0 - gap_mm / HIGH_MM, abs=0.015)
    assert "the artery beside it is not known along" in doubted.reasons[0]


def test_blood_that_is_darker_than_that_of_arteries_tells_the_vein_all_the_same():
    sure = told(judged(), tube(), scene(artery(in_vein=BETWEEN), artery_hu=VEIN_HU + 60.0))
    assert sure == VesselConfidence("left_iliac_vein", 1.0)


def test_so_does_a_point_that_somebody_set_in_it():
    beside = scene(artery(in_vein=BETWEEN))
    beside = replace(beside, said_lps_mm=np.array([[0.0, 0.0, 110.0], [0.0, 0.0, 90.0]]))
    assert told(judged(), tube(), beside).confidence == 1.0


def test_where_no_artery_was_followed_at_all_other_doubts_say_so():
    assert told(judged(), tube(), scene()).confidence == 1.0


def test_a_part_whose_wall_does_not_show_is_in_doubt_though_most_of_the_whole_wall_does():
    faint = tube(shows=np.where(BETWEEN, 0.6, 0.95))
    doubted = told(judged(), faint, scene(artery()))
    assert faint.shows.mean() > 0.85
    assert doubted.confidence == pytest.approx(1.0 - SHARE, abs=0.01)
    assert "much of its wall does not show along 21 % at z 120 to 80 mm" in doubted.reasons[0]


def test_blood_much_brighter_than_elsewhere_in_a_vein_is_in_doubt():
    spur = tube(level_hu=np.where(BETWEEN, 190.0, VEIN_HU))
    doubted = told(judged(), spur, scene(artery()))
    assert doubted.confidence == pytest.approx(1.0 - SHARE, abs=0.01)
    assert "much brighter than elsewhere along 21 % at z 120 to 80 mm" in doubted.reasons[0]
    streams = tube(level_hu=np.where(BETWEEN, 165.0, VEIN_HU))
    assert told(judged(), streams, scene(artery())).confidence == 1.0


def test_places_in_doubt_for_two_reasons_count_once():
    both = told(judged(), tube(shows=np.where(BETWEEN, 0.6, 0.95)), scene(artery(in_vein=BETWEEN)))
    alone = told(judged(), tube(), scene(artery(in_vein=BETWEEN)))
    assert len(both.reasons) == 2
    assert both.confidence == alone.confidence


def test_what_is_less_sure_anyway_stays_so_and_is_given_the_reason():
    doubted = told(judged(0.6), tube(), scene(artery(in_vein=BETWEEN)))
    assert doubted.confidence == 0.6
    assert len(doubted.reasons) == 1


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.5), (0.4, 0.4)])
def test_doubt_about_parts_alone_does_not_refuse_a_vein(before, after):
    doubted = told(judged(before), tube(shows=0.5), scene(artery()))
    assert doubted.confidence == after


def test_what_is_drawn_does_not_change():
    one = judged()
    (found,) = less_sure([one], [tube(shows=0.5)], scene(artery(in_vein=BETWEEN)))
    assert found.confidence != one.confidence
    assert found.open_stations is one.open_stations
    assert (found.closed, found.merged, found.drawn) == (one.closed, one.merged, one.drawn)


@pytest.mark.parametrize("vessel", ["ivc", "left_iliac_vein"])
def test_neither_a_cava_nor_what_is_not_drawn_is_asked(vessel):
    one = judged(0.0 if vessel != "ivc" else 1.0, vessel)
    if vessel != "ivc":
        one = replace(one, open_stations=one.open_stations & False)
    (found,) = less_sure([one], [tube(shows=0.5)], scene(artery(in_vein=BETWEEN)))
    assert found is one
