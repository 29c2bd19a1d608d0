"""Limbs that join: measured as one tree from seeds, and no limb's collateral is another limb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from venoseg.angiography import Venogram, VenogramOptions, measure_run
from venoseg.angiography.meeting import MEETS
from venoseg.dicom.angiogram import Mask
from venoseg.errors import InputError
from venoseg.interchange.angio_seeds import read_angio_seeds

AVERAGE = Mask("AVG_SUB", ((2, 9),), (0, 1))
CAVA = {"vessel": "ivc"}
LEFT, RIGHT = ({"vessel": f"{side}_common_iliac_vein"} for side in ("left", "right"))
TREE = [
    CAVA | {"role": "central_end", "column": 128, "row": 15},
    CAVA | {"role": "peripheral_end", "column": 128, "row": 100},
    LEFT | {"role": "peripheral_end", "column": 212, "row": 235},
    RIGHT | {"role": "peripheral_end", "column": 44, "row": 235},
]


def read(folder: Path, points: list[dict[str, Any]]) -> Any:
    path = folder / "seeds.json"
    path.write_text(json.dumps({"points": points}))
    return read_angio_seeds(path)


@pytest.fixture
def confluence(scene: Any, vein: Any) -> Any:
    """A cava 24 px wide that divides at row 110 into limbs 16 px wide."""
    ends = [((128.0, -20.0), (128.0, 112.0), 24.0)]
    ends += [((128.0, 108.0), (128.0 + side * 93, 250.0), 16.0) for side in (-1, 1)]
    return scene.but(
        veins=tuple(
            type(vein)(start=start, stop=stop, width_px=lambda along, w=width: along * 0 + w)
            for start, stop, width in ends
        )
    )


@pytest.fixture
def found(confluence: Any, tmp_path: Path) -> Venogram:
    run = confluence.run(masks=(AVERAGE,))
    return measure_run(run, VenogramOptions(ways=read(tmp_path, TREE)))


def test_limbs_start_where_they_join_and_keep_their_widths(found: Venogram):
    _, *limbs = found.projections
    assert [p.vessel for p in limbs] == [LEFT["vessel"], RIGHT["vessel"]]
    for limb in limbs:
        first = limb.edges.course.points_px[0]
        assert np.abs(first - (128, 100)).max() < 14
        far = limb.position_px > 60
        assert np.nanmedian(limb.diameter_px[far]) == pytest.approx(16.0, abs=0.3)
        assert np.isfinite(limb.diameter_px[far]).mean() > 0.95


def test_the_confluence_itself_is_not_measured(found: Venogram):
    for limb in found.projections[1:]:
        assert MEETS in limb.flags[3]
        assert limb.state[3] == "not_assessable"
        assert np.isnan(limb.diameter_px[3])


def test_no_limb_is_a_collateral_of_another(found: Venogram):
    assert found.collaterals is not None
    assert found.collaterals.whole < 0.02


def test_the_other_limb_counts_as_collateral_when_it_is_not_named(confluence: Any, tmp_path: Path):
    ways = read(tmp_path, TREE[:3])
    one = measure_run(confluence.run(masks=(AVERAGE,)), VenogramOptions(ways=ways))
    assert one.collaterals is not None
    assert one.collaterals.whole > 0.15


def test_a_tree_needs_a_trunk(tmp_path: Path):
    with pytest.raises(InputError, match="central_end"):
        read(tmp_path, TREE[2:])


def test_veins_end_to_end_do_not_meet(scene: Any, tmp_path: Path):
    points = [
        CAVA | {"role": "central_end", "column": 128, "row": 20},
        CAVA | {"role": "peripheral_end", "column": 128, "row": 120},
        RIGHT | {"role": "central_end", "column": 128, "row": 120},
        RIGHT | {"role": "peripheral_end", "column": 128, "row": 235},
    ]
    ways = read(tmp_path, points)
    both = measure_run(scene.run(masks=(AVERAGE,)), VenogramOptions(ways=ways))
    assert not any(MEETS in flag for p in both.projections for flag in p.flags)
