from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.followup.bones import bones_of
from venoseg.followup.evidence import Mark, stent_marks
from venoseg.followup.levels import Match, match_levels, starts_of
from venoseg.followup.matching import match_visits
from venoseg.followup.registration import Motion, fit_rigid, register
from venoseg.lumen.stents.records import STENT_COLUMNS
from venoseg.tables import Table
from venoseg.volume import Volume

ENDS = ((1, "central"), (2, "peripheral"))


def registered(first, second):
    bones = [bones_of(s.found.volume, s.found.segmentation) for s in (first, second)]
    return register(*bones, starts_of(first.found.tree, second.found.tree))


def level_errors(match: Match, first, second) -> np.ndarray:
    """How far matched levels lie apart along the vein, for every matched station."""
    back = np.linalg.inv(second.motion)
    errors = []
    for vessel, one in match.vessels.items():
        here = first.found.tree.branch(vessel).curve
        there = second.found.tree.branch(vessel).curve
        shown = np.isfinite(one.to_mm)
        points = np.stack(
            [
                np.interp(one.to_mm[shown], there.position_mm, there.points_lps_mm[:, axis])
                for axis in range(3)
            ],
            axis=1,
        )
        returned = points @ back[:3, :3].T + back[:3, 3]
        apart = returned - here.points_lps_mm[shown]
        errors.append(np.abs(np.einsum("ij,ij->i", apart, here.tangents[shown])))
    return np.concatenate(errors)


def test_bones_find_how_the_patient_was_moved(first, second) -> None:
    motion = registered(first, second)
    assert motion is not None
    points = np.array([[0.0, 30.0, 100.0], [60.0, 0.0, -100.0], [-60.0, 40.0, 0.0]])
    expected = points @ second.motion[:3, :3].T + second.motion[:3, 3]
    assert np.linalg.norm(motion.apply(points) - expected, axis=1).max() < 0.6
    assert motion.residual_mm < 1.0


def test_levels_matched_by_bones_are_within_two_millimetres(first, second) -> None:
    match = match_levels(first.found.tree, second.found.tree, registered(first, second), 6.0)
    assert match.method == "bones"
    assert {"ivc", "left_common_iliac_vein", "right_external_iliac_vein"} <= set(match.vessels)
    errors = level_errors(match, first, second)
    assert len(errors) > 150
    assert errors.max() <= 2.0
    assert match.residual_mm is not None
    assert np.quantile(errors, 0.95) <= match.residual_mm


def test_levels_matched_by_length_say_so_and_are_right_near_the_confluence(first, second) -> None:
    match = match_levels(first.found.tree, second.found.tree, None, 6.0)
    assert match.method == "arc length"
    assert any("length along the veins" in note for note in match.notes)
    assert match.residual_mm is not None
    errors = level_errors(match, first, second)
    assert errors.max() <= 2.0
    assert np.quantile(errors, 0.95) <= match.residual_mm


def test_veins_that_moved_against_the_bones_are_followed(first, breathed) -> None:
    found = first.found, breathed.found
    match = match_visits(*found, 6.0)
    assert match.method == "bones"
    assert any("mm lower against the bones" in note for note in match.notes)
    near = {v: one for v, one in match.vessels.items() if "external" not in v}
    assert level_errors(replace(match, vessels=near), first, breathed).max() <= 2.0
    errors = level_errors(match, first, breathed)
    assert len(errors) > 100
    assert match.residual_mm is not None
    assert np.quantile(errors, 0.95) <= match.residual_mm


def test_the_doubt_of_a_level_grows_away_from_what_tells_it(first, second) -> None:
    match = match_levels(first.found.tree, second.found.tree, registered(first, second), 6.0)
    cava = match.vessels["ivc"].doubt_mm
    assert cava is not None
    assert cava[0] > 2.0 * cava[-1]


def test_a_place_that_was_pointed_at_tells_the_level_around_it(first, breathed) -> None:
    curve = first.found.tree.branch("ivc").curve
    # The cava's upper end is said to have gone 5 mm farther down than all the rest.
    farther = 5.0 * curve.tangents[5]
    there = breathed.motion[:3, :3] @ curve.points_lps_mm[5] + breathed.motion[:3, 3] + farther
    motion = Motion(np.eye(4), 0.0, 0.0)
    trees = first.found.tree, breathed.found.tree
    blind = match_levels(*trees, motion, 6.0)
    told = match_levels(*trees, motion, 6.0, seen=[Mark(curve.points_lps_mm[5], there, 1.0)])
    cavae = blind.vessels["ivc"], told.vessels["ivc"]
    at = next(n for n in range(5, len(curve)) if np.isfinite(cavae[0].to_mm[n]))
    assert cavae[1].to_mm[at] - cavae[0].to_mm[at] == pytest.approx(5.0, abs=1.0)
    assert cavae[1].doubt_mm[at] < 0.6 * cavae[0].doubt_mm[at]


def test_ends_of_a_stent_are_marks_unless_there_are_several() -> None:
    ends = {f"{end}_{axis}_mm": float(n) for n, end in ENDS for axis in "xyz"}
    stent = dict.fromkeys(column.name for column in STENT_COLUMNS) | {"vessels": "ivc"} | ends
    one, two = (Table(STENT_COLUMNS, (stent,) * count) for count in (1, 2))
    marks = list(stent_marks(one, one))
    assert [mark.here_lps_mm.tolist() for mark in marks] == [[1.0] * 3, [2.0] * 3]
    assert list(stent_marks(one, two)) == list(stent_marks(two, one)) == []


def test_bones_too_far_apart_are_not_used(first, second) -> None:
    motion = registered(first, second)
    worse = replace(motion, residual_mm=7.0)
    assert match_levels(first.found.tree, second.found.tree, worse, 6.0).method == "arc length"


def test_a_scan_without_bones_or_units_has_none(first) -> None:
    volume, labels = first.found.volume, first.found.segmentation
    soft = Volume(np.minimum(volume.voxels, 150), volume.grid, source=volume.source)
    assert bones_of(soft, labels) is None
    assert bones_of(replace(volume, unit="arbitrary"), labels) is None


def test_other_bones_do_not_agree(first, second) -> None:
    mine = bones_of(first.found.volume, first.found.segmentation)
    other = bones_of(second.found.volume, second.found.segmentation)
    upside_down = replace(other, density=other.density[::-1].copy(), known=other.known[::-1].copy())
    assert register(mine, upside_down, starts_of(first.found.tree, second.found.tree)) is None


def test_scans_of_other_parts_share_no_level(scanned) -> None:
    groin = scanned(np.eye(4), (4.0, 3.0, 3.0), (70.0, 190.0, 270.0), (-135.0, -80.0, -150.0))
    belly = scanned(np.eye(4), (4.0, 3.0, 3.0), (90.0, 190.0, 270.0), (-135.0, -80.0, 30.0))
    match = match_levels(belly.found.tree, groin.found.tree, registered(belly, groin), 6.0)
    assert match.method == "none"
    assert any("no level can be matched" in note for note in match.notes)


def test_the_rigid_fit_takes_points_onto_others() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(30, 3)) * 50.0
    turned = points @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) + [5, 6, 7]
    matrix = fit_rigid(points, turned)
    assert points @ matrix[:3, :3].T + matrix[:3, 3] == pytest.approx(turned)
