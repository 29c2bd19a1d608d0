"""From seed points to veins, on twins whose veins are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.errors import InputError, MeasurementError, NeedsSeedsError
from venoseg.phantom import Rendering
from venoseg.segmentation import Seed, segment


def seeds_of(twin: Rendering, *vessels: str) -> list[Seed]:
    """The cava's central end and the peripheral ends of some veins."""
    rows = twin.truth.cross_sections.rows
    inside = [r for r in rows if twin.image.grid.contains((r["x_mm"], r["y_mm"], r["z_mm"]))]
    chosen = []
    for vessel in ("ivc", *vessels):
        own = [r for r in inside if r["vessel"] == vessel]
        row, role = (own[2], "central_end") if vessel == "ivc" else (own[-3], "peripheral_end")
        chosen.append(Seed(vessel, role, (row["x_mm"], row["y_mm"], row["z_mm"])))
    return chosen


@pytest.fixture(scope="module")
def seeds(y_twin) -> list[Seed]:
    return seeds_of(y_twin, "left_external_iliac_vein", "right_external_iliac_vein")


@pytest.fixture(scope="module")
def found(y_twin, seeds):
    return segment(y_twin.image, seeds)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2.0 * float((first & second).sum()) / float(first.sum() + second.sum())


class TestLumen:
    def test_three_seeds_give_the_whole_lumen(self, y_twin, found):
        truth = y_twin.segmentation
        internal = truth.mask("left_internal_iliac_vein") | truth.mask("right_internal_iliac_vein")
        assert dice(found.labels > 0, (truth.labels > 0) & ~internal) > 0.93
        assert dice(found.mask("ivc"), truth.mask("ivc")) > 0.93

    def test_no_side_is_taken_for_the_other(self, y_twin, found):
        truth = y_twin.segmentation
        for side, other in (("left", "right"), ("right", "left")):
            drawn = np.zeros(found.labels.shape, dtype=bool)
            for name in found.names.values():
                if name.startswith(side):
                    drawn |= found.mask(name)
            assert drawn.any()
            assert not (drawn & truth.mask(f"{other}_external_iliac_vein")).any()

    def test_a_plain_vein_raises_no_doubt_but_that_no_artery_is_there_to_compare(self, found):
        sure = {one.vessel: one for one in found.confidence}
        assert set(sure) == set(found.names.values())
        assert sure.pop("ivc").confidence > 0.8
        for one in sure.values():
            assert 0.6 < one.confidence < 0.75
            assert [reason for reason in one.reasons if "no artery" in reason] == list(one.reasons)
        assert found.occluded == ()
        assert found.origin == "semiautomatic"

    def test_a_part_in_doubt_is_told_and_stays_drawn(self, y_twin, seeds, found):
        grid = y_twin.image.grid
        vein = np.argwhere(y_twin.segmentation.mask("left_external_iliac_vein"))
        z = grid.to_lps(vein)[:, 2]
        bright = vein[np.abs(z - np.median(z)) < 12.0]
        voxels = y_twin.image.voxels.copy()
        voxels[tuple(bright.T)] += 65
        result = segment(replace(y_twin.image, voxels=voxels), seeds)
        before, after = (
            next(c for c in one.confidence if c.vessel.startswith("left"))
            for one in (found, result)
        )
        assert "much brighter than elsewhere" in " ".join(after.reasons)
        assert 0.5 <= after.confidence <= before.confidence
        assert result.labels[tuple(bright.T)].astype(bool).mean() > 0.9

    def test_the_way_the_voxels_are_stored_changes_nothing(self, y_twin, seeds, found, stored):
        grid, apply = stored(y_twin.image.grid, (2, 0, 1), (True, False, True))
        turned = replace(y_twin.image, voxels=apply(y_twin.image.voxels), grid=grid)
        again = segment(turned, seeds)
        assert dice(again.labels > 0, apply(found.labels) > 0) > 0.98

    def test_a_stretch_without_contrast_is_a_course_and_no_lumen(self, y_twin, seeds):
        grid = y_twin.image.grid
        z = grid.to_lps(np.argwhere(y_twin.segmentation.labels > 0))[:, 2]
        voxels = np.argwhere(y_twin.segmentation.labels > 0)[(z < -20) & (z > -60)]
        shut = y_twin.image.voxels.copy()
        shut[tuple(voxels.T)] = 48
        result = segment(replace(y_twin.image, voxels=shut), seeds)
        middle = voxels[np.abs(grid.to_lps(voxels)[:, 2] + 40) < 12]
        assert not result.labels[tuple(middle.T)].any()
        sides = {course.vessel.split("_")[0] for course in result.occluded}
        assert sides == {"left", "right"}
        assert all("no contrast" in " ".join(one.reasons) for one in result.confidence[1:])


class TestWrongSeeds:
    def test_a_single_seed_is_not_enough(self, y_twin, seeds):
        with pytest.raises(NeedsSeedsError, match="peripheral end on each side"):
            segment(y_twin.image, seeds[:1])

    def test_outside_the_image(self, y_twin, seeds):
        wrong = replace(seeds[0], lps_mm=(0.0, 0.0, 900.0))
        with pytest.raises(InputError, match="outside the image"):
            segment(y_twin.image, [wrong, *seeds[1:]])

    def test_in_air(self, y_twin, seeds):
        voxels = y_twin.image.voxels.copy()
        k, j, i = np.rint(y_twin.image.grid.to_index(seeds[0].lps_mm)).astype(int)
        voxels[k - 2 : k + 3, j - 4 : j + 5, i - 4 : i + 5] = -990
        with pytest.raises(InputError, match="lies in air"):
            segment(replace(y_twin.image, voxels=voxels), seeds)

    def test_swapped_sides(self, y_twin, seeds):
        swapped = [
            replace(seed, vessel=seed.vessel.replace(a, b))
            for seed, a, b in zip(seeds[1:], ("left", "right"), ("right", "left"), strict=True)
        ]
        with pytest.raises(InputError, match="swap left and right"):
            segment(y_twin.image, [seeds[0], *swapped])

    def test_without_contrast_nothing_is_drawn(self, y_twin, seeds):
        pale = np.minimum(y_twin.image.voxels, 48).astype(np.int16)
        with pytest.raises(MeasurementError, match="no contrast"):
            segment(replace(y_twin.image, voxels=pale), seeds)

    def test_values_that_are_no_hounsfield_units(self, y_twin, seeds):
        with pytest.raises(InputError, match="Hounsfield"):
            segment(replace(y_twin.image, unit="arbitrary"), seeds)
