"""Ends of the iliac veins on a coarse picture whose vessels are known."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.courses.groin import Ends, less_sure_of_short, peripheral_ends
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.model import LEAST_CONFIDENCE, VesselConfidence
from venoseg.segmentation.voxels.domains import Picture, bones_in
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 40, 60), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-60.0, -40.0, 0.0))


def artery_at(column: int) -> Artery:
    """An artery through the lower 40 slices."""
    index = np.array([(k, 20, column) for k in range(40)], dtype=float)
    return Artery(GRID.to_lps(index), np.full(40, 3.0))


def fork() -> tuple[np.ndarray, list[Artery]]:
    """A cava that forks into two veins, and an artery outside of each of them."""
    image = np.full(GRID.shape, -90.0, dtype=np.float32)
    image[40:, 18:24, 26:34] = 130.0
    arteries = []
    for vein, artery in ((14, 9), (44, 53)):
        image[:42, 18:23, vein : vein + 5] = 130.0
        image[40:42, 18:23, min(vein, 28) : max(vein, 28) + 5] = 130.0
        image[:40, 18:22, artery - 2 : artery + 2] = 135.0
        arteries.append(artery_at(artery))
    return image, arteries


CAVA = GRID.to_lps(np.array([(58, 21, 30), (46, 21, 30)], dtype=float))


def ends(image: np.ndarray, arteries: list[Artery], never: np.ndarray | None = None) -> Ends:
    picture = Picture(image, image, GRID)
    never = np.zeros(GRID.shape, dtype=bool) if never is None else never
    return peripheral_ends(picture, arteries, never, CAVA, 130.0, 0.0)


def test_each_side_ends_at_the_lowest_place_of_its_vein():
    image, arteries = fork()
    found = ends(image, arteries)
    assert found.missing == ()
    assert found.found["right"][0] == pytest.approx(-28.0, abs=3.0)
    assert found.found["left"][0] == pytest.approx(32.0, abs=3.0)
    assert all(end[2] < 10.0 for end in found.found.values())


def test_what_lies_where_no_vein_can_be_is_not_an_end():
    image, arteries = fork()
    never = np.zeros(GRID.shape, dtype=bool)
    never[:, :, 42:50] = True
    found = ends(image, arteries, never)
    assert found.missing == ("left",)


def test_where_no_artery_was_followed_no_end_is_found():
    image, arteries = fork()
    assert ends(image, arteries[1:]).missing == ("right",)


def test_blood_outside_of_the_artery_is_no_vein():
    image, _ = fork()
    assert ends(image, [artery_at(23), artery_at(53)]).missing == ("right",)


@pytest.mark.parametrize(("width", "bone"), [(24, True), (6, False)])
def test_marrow_is_bone_and_the_blood_in_a_stent_is_not(width, bone):
    image = np.full(GRID.shape, 40.0, dtype=np.float32)
    shell = slice(8, 8 + width)
    image[:, shell, shell] = 500.0
    image[:, 9 : 7 + width, 9 : 7 + width] = 130.0
    inside = bones_in(Picture(image, image, GRID), 150.0)
    assert bool(inside[30, 8 + width // 2, 8 + width // 2]) == bone


class TestShort:
    """Veins of both sides from z 280 mm, of which the left one goes down to 100 mm."""

    def confidence(self, right_mm: float, before: float = 1.0) -> dict[str, VesselConfidence]:
        found = {"right": np.array([-50.0, 0.0, right_mm]), "left": np.array([50.0, 0.0, 100.0])}
        names = ("ivc", "right_iliac_vein", "left_iliac_vein")
        sure = [VesselConfidence(name, before) for name in names]
        return {one.vessel: one for one in less_sure_of_short(sure, Ends(found, ()), 280.0)}

    def test_a_vein_that_ends_far_above_that_of_the_other_side_is_less_sure(self):
        found = self.confidence(172.0)
        assert found["right_iliac_vein"].confidence == pytest.approx(0.6)
        words = "followed down to z 172 mm only, 72 mm above where that of the other side ends"
        assert found["right_iliac_vein"].reasons == (words,)
        for other in ("ivc", "left_iliac_vein"):
            assert found[other] == VesselConfidence(other, 1.0)

    def test_what_was_found_of_it_stays_sure_enough_to_be_drawn(self):
        assert self.confidence(250.0)["right_iliac_vein"].confidence == LEAST_CONFIDENCE
        assert self.confidence(250.0, 0.3)["right_iliac_vein"].confidence == 0.3

    def test_a_body_that_leans_raises_no_doubt(self):
        assert self.confidence(125.0)["right_iliac_vein"] == VesselConfidence(
            "right_iliac_vein", 1.0
        )
