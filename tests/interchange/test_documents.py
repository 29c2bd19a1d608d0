"""Measurements and centerlines as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from venoseg.interchange.documents import centerline_document, measurements_document, to_json
from venoseg.lumen import measure
from venoseg.segmentation import Level


@pytest.fixture(scope="module")
def found(tilted):
    return measure(tilted.image, tilted.segmentation, boundary="mask", step_mm=2.0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused_instead_of_written(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"area_mm2": value})


def test_every_figure_has_its_definition_unit_and_method(found):
    document = json.loads(to_json(measurements_document(found)))
    for table in ("segments", "cross_sections"):
        for name in document[table][0]:
            assert document["definitions"][name]
    assert document["parameters"]["boundary"] == "mask"
    assert document["parameters"]["step_mm"] == 2.0
    assert document["references"]["ivc"]["source"]
    assert {"gray", "mask", "interval", "area_stenosis"} <= set(document["methods"])
    assert "not a medical device" in document["notice"]


def test_a_level_tells_where_on_its_vein_it_lies_and_one_not_found_why(found):
    x, y, z = (float(value) for value in found.tree.branch("ivc").curve.points_lps_mm[10])
    levels = (
        Level("renal_veins", (x, y, z), 8.0, 0.9, ("two veins",)),
        Level("left_inguinal_ligament", None, None, 0.0, ("no hips",)),
    )
    with_levels = replace(found, segmentation=replace(found.segmentation, levels=levels))
    renal, groin = json.loads(to_json(measurements_document(with_levels)))["levels"]
    position = float(found.tree.branch("ivc").curve.position_mm[10])
    assert (renal["vessel"], renal["confidence"]) == ("ivc", 0.9)
    assert renal["position_mm"] == pytest.approx(position, abs=0.01)
    assert (groin["vessel"], groin["lps_mm"], groin["position_mm"]) == (None, None, None)
    assert groin["reasons"] == ["no hips"]


def test_the_centerline_document_is_the_tree(found):
    document = json.loads(to_json(centerline_document(found.tree)))
    (branch,) = document["branches"]
    curve = found.tree.branch("ivc").curve
    assert document["confluence_lps_mm"] is None
    assert (branch["central_end"], branch["peripheral_end"]) == ("closed", "closed")
    np.testing.assert_allclose(branch["points_lps_mm"], curve.points_lps_mm, atol=6e-5)
    assert np.linalg.norm(branch["tangents"], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert branch["length_mm"] == pytest.approx(curve.length_mm, abs=1e-3)


def test_the_instances_of_the_series_are_not_repeated_in_the_document(found):
    source = measurements_document(found)["source"]
    assert "sop_instance_uids" not in source
    assert source["shape"] == list(found.volume.grid.shape)
