from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from venoseg.followup.case import Case, Event, Stent, Timepoint
from venoseg.followup.patency import patency_table, targets_of
from venoseg.followup.rules import Rules
from venoseg.followup.visit import CtVisit
from venoseg.tables import Row

SIDE = "left"
VEINS = ("left_common_iliac_vein", "left_external_iliac_vein")


@dataclass(frozen=True)
class Seen(CtVisit):
    """A scan of which only the rows of the segments are known."""

    rows: tuple[Row, ...] = field(default=())

    def segment(self, vessel: str) -> Row | None:
        return next((row for row in self.rows if row["vessel"] == vessel), None)

    def stations(self, vessel: str) -> list[Row]:  # noqa: ARG002 - as the visit has it
        return []


def seen(label: str, day: int, state: str, inside: float | None = None) -> Seen:
    rows = tuple(
        {
            "vessel": vein,
            "state": state,
            "occluded_length_mm": 30.0 if state == "occluded" else 0.0,
            "in_stent_area_stenosis_percent": inside,
            "area_stenosis_percent": 10.0,
        }
        for vein in VEINS
    )
    return Seen(label, label, day, None, None, rows=rows)


def classes(states: dict[int, str], *events: Event, rules: Rules | None = None, **kw):
    """Return {day: (state, primary, assisted, secondary)} of the left limb, index on day 10."""
    visits = [seen(f"d{day}", day, state, kw.get("inside")) for day, state in states.items()]
    case = Case(
        "p",
        tuple(Timepoint(f"d{day}", day) for day in states),
        (Stent(10, *VEINS),),
        (Event(10, ("recanalisation", "stent")), *events),
        rules or Rules(),
    )
    rows = [row for row in patency_table(case, visits).rows if row["limb"] == "left"]
    names = ("state", "primary", "primary_assisted", "secondary")
    return {row["days"]: tuple(row[name] for name in names) for row in rows}


def test_open_without_further_intervention_is_primary() -> None:
    found = classes({0: "occluded", 11: "patent", 400: "patent"})
    assert found[-10] == ("occluded", None, None, None)
    assert found[1] == found[390] == ("patent", True, True, True)


def test_an_intervention_while_open_leaves_assisted_patency() -> None:
    found = classes({11: "patent", 400: "patent"}, Event(200, ("balloon_dilation",)))
    assert found[1] == ("patent", True, True, True)
    assert found[390] == ("patent", False, True, True)


def test_an_intervention_of_the_other_limb_or_of_the_index_ends_nothing() -> None:
    other = Event(200, ("balloon_dilation",), ("right",))
    planned = Event(12, ("balloon_dilation",), part_of_index=True)
    assert classes({11: "patent", 400: "patent"}, other, planned)[390][1:] == (True, True, True)


def test_reopening_an_occlusion_leaves_secondary_patency() -> None:
    lysis = Event(210, ("thrombolysis",))
    told = classes({11: "patent", 400: "patent"}, Event(200, ("occlusion",)), lysis)
    shown = classes({11: "patent", 200: "occluded", 400: "patent"}, lysis)
    assert told[390] == shown[390] == ("patent", False, False, True)
    assert shown[190] == ("occluded", False, False, False)


def test_what_the_images_do_not_tell_stays_empty() -> None:
    found = classes({11: "not_assessable", 400: "not_covered"})
    assert found[1] == ("non_diagnostic", None, None, None)
    assert found[390] == ("not_covered", None, None, None)


@pytest.mark.parametrize(("inside", "state"), [(49.0, "patent"), (50.0, "stenosed")])
def test_in_a_stent_the_tissue_in_it_decides(inside: float, state: str) -> None:
    assert classes({11: "stenotic", 400: "stenotic"}, inside=inside)[390][0] == state


def test_a_rule_lets_a_stenosis_end_primary_patency() -> None:
    strict = Rules(stenosis_ends_primary=True)
    states = {11: "patent", 400: "patent"}
    assert classes(states, inside=60.0)[390][1] is True
    assert classes(states, inside=60.0, rules=strict)[390][1:] == (False, True, True)


def test_limbs_and_stents_are_targets() -> None:
    stents = (Stent(0, "ivc", "ivc"), Stent(0, *VEINS))
    targets = targets_of(Case("p", (), stents))
    assert [t.name for t in targets] == [
        "left",
        "right",
        "stent ivc",
        "stent left_common_iliac_vein to left_external_iliac_vein",
    ]
    assert targets[0].vessels == ("ivc", *VEINS)
    assert targets[1].vessels == ("ivc",)
