"""Lesions and references on veins whose calibre is written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.errors import UsageError
from venoseg.lumen import Measurements, ReferenceRule, measure, with_reference
from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.lesions import LESION_COLUMNS, lesion_table
from venoseg.lumen.tables.records import segment_table
from venoseg.lumen.tables.references import FROM_ITSELF, REFERENCE_KINDS, reference_lines


@pytest.fixture(scope="module")
def found(y_twin) -> Measurements:
    return measure(y_twin.image, y_twin.segmentation, boundary="mask")


def reshaped(
    profile: VesselProfile, areas_mm2: np.ndarray, aspects: np.ndarray | float = 1.0
) -> VesselProfile:
    """Return a vein whose sections are ellipses of given areas and aspects; NaN: not measured."""
    angle = np.linspace(0.0, 2 * np.pi, 96, endpoint=False)
    aspect = np.broadcast_to(aspects, areas_mm2.shape)
    minor = np.sqrt(areas_mm2 / np.pi / aspect)
    contours = np.stack(
        [(minor * aspect)[:, None] * np.cos(angle), minor[:, None] * np.sin(angle)], axis=-1
    )
    shapes = measure_shapes(contours)
    scale = np.array([0.9, 1.1])
    return replace(
        profile,
        contours_mm=contours,
        shapes=shapes,
        measured=~np.isnan(areas_mm2),
        area_interval_mm2=shapes.area_mm2[:, None] * scale,
        minimum_interval_mm=shapes.minimum_mm[:, None] * scale,
        flags=tuple(() if a == a else ("edge_lost",) for a in areas_mm2),
    )


def common(found: Measurements, side: str = "left") -> VesselProfile:
    return next(p for p in found.profiles if p.vessel == f"{side}_common_iliac_vein")


def lesions(profile: VesselProfile, rule: ReferenceRule | None = None) -> list[dict]:
    lines = reference_lines([profile], rule or ReferenceRule())
    return [dict(row) for row in lesion_table([profile], lines).rows]


def areas_of(profile: VesselProfile, normal: float = 200.0) -> np.ndarray:
    return np.full(len(profile.branch.curve), normal)


class TestLesions:
    def test_a_vein_of_normal_calibre_has_none(self, found):
        profile = common(found)
        assert lesions(reshaped(profile, areas_of(profile))) == []

    def test_the_smallest_place_of_a_short_stenosis_lies_between_stations(self, found):
        profile = common(found)
        away = profile.branch.curve.position_mm - 25.5
        lost = np.where(np.abs(away) < 7.5, 0.7 * np.cos(np.pi * away / 15.0) ** 2, 0.0)
        narrow = reshaped(profile, areas_of(profile) * (1.0 - lost))
        (row,) = lesions(narrow)
        (segment,) = segment_table([narrow]).rows
        for told in (row, segment):
            assert told["minimum_area_position_mm"] == pytest.approx(25.5, abs=0.01)
            assert told["minimum_area_mm2"] == pytest.approx(60.0, abs=0.4)
            assert told["area_stenosis_percent"] == pytest.approx(70.0, abs=0.2)
            assert told["minimum_diameter_mm"] == pytest.approx(8.74, abs=0.05)
        assert row["minimum_area_high_mm2"] == pytest.approx(66.3, abs=0.5)

    def test_a_vein_says_when_its_smallest_place_may_have_been_missed(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[20:29] = [150.0, 120.0, 90.0, np.nan, np.nan, np.nan, 90.0, 120.0, 150.0]
        (segment,) = segment_table([reshaped(profile, areas)]).rows
        assert "smallest_beside_unmeasured" in str(segment["flags"]).split()
        areas[20:29], areas[35] = 200.0, np.nan
        areas[10:13] = [120.0, 90.0, 120.0]
        (segment,) = segment_table([reshaped(profile, areas)]).rows
        assert "smallest_beside_unmeasured" not in str(segment["flags"]).split()

    def test_no_smaller_place_is_made_up_beside_a_sudden_change(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[20:24] = [70.0, 60.0, 60.0, 60.0]
        (row,) = lesions(reshaped(profile, areas))
        assert row["minimum_area_mm2"] == pytest.approx(60.0, rel=2e-3)

    def test_a_narrow_stretch_is_one_with_its_position_and_figures(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[10:15] = [90.0, 70.0, 50.0, 70.0, 90.0]
        (row,) = lesions(reshaped(profile, areas))
        assert (row["central_position_mm"], row["peripheral_position_mm"]) == (10.0, 14.0)
        assert row["length_mm"] == 5.0
        assert row["state"] == "stenotic"
        assert row["minimum_area_mm2"] == pytest.approx(50.0, rel=2e-3)
        assert row["minimum_area_position_mm"] == 12.0
        assert row["area_stenosis_percent"] == pytest.approx(75.0, abs=0.2)
        assert row["area_stenosis_low_percent"] == pytest.approx(72.5, abs=0.2)
        assert row["area_stenosis_high_percent"] == pytest.approx(77.5, abs=0.2)
        assert row["diameter_stenosis_percent"] == pytest.approx(50.0, abs=0.3)
        assert row["grade"] == "II"
        assert row["compression_index"] == pytest.approx(1.0, abs=0.01)
        assert (row["reference_kind"], row["reference_area_mm2"]) == ("expected_normal", 200.0)
        assert "Jayaraj" in row["reference_source"]

    def test_a_flat_vein_of_normal_area_is_one_by_diameter_only(self, found):
        """An aspect of 4 halves the width and leaves the area."""
        profile = common(found)
        aspects = np.ones(len(profile.branch.curve))
        aspects[10:14] = 4.2
        (row,) = lesions(reshaped(profile, areas_of(profile), aspects))
        assert (row["criterion"], row["state"], row["grade"]) == ("diameter", "patent", "I")
        assert row["area_stenosis_percent"] == pytest.approx(0.0, abs=0.2)
        assert row["diameter_stenosis_percent"] == pytest.approx(51.2, abs=0.3)
        assert row["compression_index"] == pytest.approx(1 / 4.2, abs=0.003)

    @pytest.mark.parametrize(("area", "grade"), [(99.0, "II"), (41.0, "II"), (39.0, "III")])
    def test_is_graded_by_its_area(self, found, area, grade):
        profile = common(found)
        areas = areas_of(profile)
        areas[10:14] = area
        assert [row["grade"] for row in lesions(reshaped(profile, areas))] == [grade]

    def test_two_stretches_close_together_are_one_and_apart_are_two(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[[10, 11, 14, 15]] = 80.0
        assert len(lesions(reshaped(profile, areas))) == 1
        areas[[14, 15]] = 200.0
        areas[[17, 18]] = 80.0
        assert len(lesions(reshaped(profile, areas))) == 2

    def test_what_is_not_measured_parts_lesions_and_is_said(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[10:16] = 80.0
        areas[12] = np.nan
        rows = lesions(reshaped(profile, areas))
        assert len(rows) == 2
        assert all("ends_where_measuring_ends" in row["flags"].split() for row in rows)

    def test_without_a_reference_there_is_no_lesion(self, found):
        internal = next(p for p in found.profiles if p.vessel == "left_internal_iliac_vein")
        assert lesions(reshaped(internal, areas_of(internal, 5.0))) == []

    def test_are_in_the_measurements(self, found):
        assert found.lesions.names == tuple(column.name for column in LESION_COLUMNS)


class TestReferences:
    def rule(self, kind: str) -> ReferenceRule:
        return ReferenceRule(kind)

    def narrowed(self, found: Measurements) -> VesselProfile:
        """200 mm2 at the central end, 100 mm2 at the peripheral, 40 mm2 between."""
        profile = common(found)
        count = len(profile.branch.curve)
        areas = np.full(count, 100.0)
        areas[: count // 2] = 200.0
        areas[count // 2 - 2 : count // 2 + 2] = 40.0
        return reshaped(profile, areas)

    @pytest.mark.parametrize(
        ("kind", "area"),
        [("central_adjacent", 200.0), ("peripheral_adjacent", 100.0), ("mean_adjacent", 150.0)],
    )
    def test_beside_the_narrowest_place(self, found, kind, area):
        profile = self.narrowed(found)
        line = reference_lines([profile], self.rule(kind))[profile.vessel]
        assert line.areas_mm2 == pytest.approx(area, rel=2e-3)
        assert line.kind == kind

    def test_interpolated_between_the_healthy_stretches(self, found):
        profile = self.narrowed(found)
        line = reference_lines([profile], self.rule("interpolated"))[profile.vessel]
        count = len(profile.branch.curve)
        assert line.areas_mm2[count // 2] == pytest.approx(150.0, abs=8.0)
        assert line.areas_mm2[0] == pytest.approx(200.0, rel=2e-3)
        assert (np.diff(line.areas_mm2) <= 1e-9).all()

    def test_of_the_other_side(self, found):
        left, right = common(found, "left"), common(found, "right")
        profiles = [
            reshaped(left, areas_of(left, 60.0)),
            reshaped(right, areas_of(right, 180.0)),
        ]
        lines = reference_lines(profiles, self.rule("contralateral"))
        assert lines[left.vessel].areas_mm2 == pytest.approx(180.0, rel=2e-3)
        assert right.vessel in lines[left.vessel].source
        # The narrow side is a doubtful reference for the wide one.
        assert lines[right.vessel].flags == ("doubtful_reference",)

    def test_the_cava_has_no_other_side(self, found):
        assert reference_lines(found.profiles, self.rule("contralateral"))["ivc"] is None

    def test_no_healthy_stretch_on_one_side_is_no_reference(self, found):
        profile = common(found)
        areas = areas_of(profile)
        areas[2] = 50.0
        line = reference_lines([reshaped(profile, areas)], self.rule("central_adjacent"))
        assert line[profile.vessel] is None

    def test_the_same_site_before(self, found):
        profile = common(found)
        at = profile.branch.curve.position_mm
        earlier = np.linspace(300.0, 200.0, len(at))
        earlier[5:9] = np.nan
        rule = ReferenceRule("baseline_same_site", sites={profile.vessel: (at, earlier)})
        lines = reference_lines(found.profiles, rule)
        line = lines[profile.vessel]
        assert line.areas_mm2[20] == pytest.approx(earlier[20])
        assert line.at(20).area_mm2 == pytest.approx(earlier[20])
        assert lines["ivc"] is None

    def test_a_stents_nominal_size(self, found):
        vessel = common(found).vessel
        rule = ReferenceRule("nominal_stent", nominal_diameter_mm={vessel: 16.0})
        line = reference_lines(found.profiles, rule)[vessel]
        assert line.areas_mm2 == pytest.approx(64 * np.pi)
        assert line.source == "nominal stent diameter 16 mm"

    @pytest.mark.parametrize("kind", FROM_ITSELF)
    def test_is_named_with_its_kind_and_area_in_every_table(self, found, kind):
        again = with_reference(found, self.rule(kind))
        assert again.parameters["reference"] == kind
        for row in again.segments.rows:
            if row["area_stenosis_percent"] is None:
                assert row["reference_kind"] in (None, kind)
                continue
            assert row["reference_kind"] == kind
            assert row["area_stenosis_percent"] == pytest.approx(
                100 * (1 - row["minimum_area_mm2"] / row["reference_area_mm2"]), abs=0.06
            )

    def test_and_back_gives_the_same_tables(self, found):
        again = with_reference(with_reference(found, self.rule("contralateral")), ReferenceRule())
        assert again.segments == found.segments
        assert again.cross_sections == found.cross_sections

    @pytest.mark.parametrize("kind", [kind for kind in REFERENCE_KINDS if kind not in FROM_ITSELF])
    def test_that_needs_more_is_refused_without_it(self, kind):
        with pytest.raises(UsageError, match="needs"):
            ReferenceRule(kind)

    def test_of_an_unknown_kind_is_refused(self):
        with pytest.raises(UsageError, match="no kind of reference"):
            ReferenceRule("guess")


@pytest.mark.parametrize(
    ("share", "state", "in_doubt"),
    [
        (0.8, "patent", False),
        (0.53, "patent", True),
        (0.48, "stenotic", True),
        (0.4, "stenotic", False),
    ],
)
def test_a_state_is_in_doubt_where_the_interval_holds_its_limit(found, share, state, in_doubt):
    """The intervals of these areas are a tenth of them wide to either side."""
    vein = found.profiles[0]
    rule = ReferenceRule()
    reference = reference_lines((vein,), rule)[vein.vessel]
    areas = np.full(len(vein.branch.curve), share) * reference.areas_mm2
    profile = reshaped(vein, areas)
    (row,) = segment_table((profile,), {vein.vessel: reference}).rows
    assert row["state"] == state
    assert ("state_in_doubt" in row["flags"].split()) is in_doubt
