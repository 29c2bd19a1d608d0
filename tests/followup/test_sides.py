from __future__ import annotations

from dataclasses import replace

import pytest

from venoseg.errors import LabelError
from venoseg.followup.case import Case, Conditions, Stent, Timepoint
from venoseg.followup.sides import refuse_swapped_sides, stents_on_the_other_side
from venoseg.followup.visit import CtVisit
from venoseg.lumen.assess import METAL
from venoseg.tables import Table


def other(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_")
    return name.replace("right_", "left_")


def test_veins_called_by_the_other_side_are_refused(first) -> None:
    tree = first.found.tree
    refuse_swapped_sides(tree, "baseline")
    swapped = replace(
        tree, branches=tuple(replace(b, vessel=other(b.vessel)) for b in tree.branches)
    )
    with pytest.raises(LabelError, match="baseline: the veins called left lie right of those"):
        refuse_swapped_sides(swapped, "baseline")


@pytest.mark.parametrize(("side", "told"), [("left", False), ("right", True)])
def test_metal_on_the_side_without_stent_is_told(first, side: str, told: bool) -> None:
    table = first.found.cross_sections
    rows = tuple(
        row | {"flags": METAL} if row["vessel"] == "left_common_iliac_vein" else row
        for row in table.rows
    )
    found = replace(first.found, cross_sections=Table(table.columns, rows))
    stents = (Stent(0, f"{side}_common_iliac_vein", f"{side}_common_iliac_vein"),)
    case = Case("p", (Timepoint("a", 0), Timepoint("b", 1)), stents)
    words = list(stents_on_the_other_side(case, CtVisit("b", "b", 1, found, Conditions())))
    assert bool(words) is told
    assert all("left and right may be swapped" in one for one in words)
