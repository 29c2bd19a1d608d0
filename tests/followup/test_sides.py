from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.angiography.conftest import Scene, Vein

from venoseg.angiography import VenogramOptions, Way, measure_run
from venoseg.errors import LabelError
from venoseg.followup.case import Case, Conditions, Stent, Timepoint
from venoseg.followup.sides import (
    refuse_swapped_sides,
    sides_in_the_picture,
    stents_on_the_other_side,
)
from venoseg.followup.visit import CtVisit, RunVisit
from venoseg.lumen.assess import METAL
from venoseg.tables import Table


def other(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_")
    return name.replace("right_", "left_")


def test_veins_called_by_the_other_side_are_refused(first) -> None:
    labels = first.found.segmentation
    refuse_swapped_sides(labels, "baseline")
    swapped = replace(labels, names={n: other(name) for n, name in labels.names.items()})
    with pytest.raises(LabelError, match="baseline: the veins called left lie right of those"):
        refuse_swapped_sides(swapped, "baseline")


def test_swapped_sides_are_told_where_no_vein_has_its_counterpart(first) -> None:
    labels = first.found.segmentation
    kept = ("left_common_iliac_vein", "right_external_iliac_vein")
    names = {n: name for n, name in labels.names.items() if name in kept}
    voxels = np.where(np.isin(labels.labels, list(names)), labels.labels, 0)
    one = replace(labels, labels=voxels, names=names)
    refuse_swapped_sides(one, "baseline")
    with pytest.raises(LabelError):
        refuse_swapped_sides(replace(one, names={n: other(v) for n, v in names.items()}), "b")


@pytest.mark.parametrize(
    ("left_column", "primary", "told"),
    [(180.0, 0.0, False), (70.0, 0.0, True), (70.0, 90.0, False), (70.0, None, False)],
)
def test_a_run_whose_sides_are_swapped_says_so(
    left_column: float, primary: float | None, told: bool
) -> None:
    columns = {"left_iliac_vein": left_column, "right_iliac_vein": 250.0 - left_column}
    veins = tuple(Vein(start=(x, 20.0), stop=(x, 235.0)) for x in columns.values())
    ways = tuple(Way(v, np.array([[x, 30.0], [x, 225.0]])) for v, x in columns.items())
    run = Scene(veins=veins).run(angles_degrees=(primary, 0.0))
    visit = RunVisit("b", "b", 1, measure_run(run, VenogramOptions(ways=ways)))
    words = list(sides_in_the_picture(visit))
    assert bool(words) is told
    assert all("left and right may be swapped" in one for one in words)


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
