"""What a structured report says of a vein without lumen over part of its length."""

from __future__ import annotations

import shutil
import subprocess
from types import SimpleNamespace

import highdicom
import numpy as np
import pytest

from venoseg.interchange import write_structured_report
from venoseg.interchange.vein_reports import vein_reports
from venoseg.lumen.tables.records import SEGMENT_COLUMNS
from venoseg.tables import Table

# The open part of the vein is 150 mm2 wide.
OPEN = SimpleNamespace(area_mm2=np.full(5, 150.0), minimum_mm=np.full(5, 12.0))


def found(**values):
    row = dict.fromkeys(column.name for column in SEGMENT_COLUMNS)
    row |= {"vessel": "ivc", "length_mm": 150.0, "mean_area_mm2": 150.0, "maximum_area_mm2": 150.0}
    row |= {"reference_kind": "expected_normal", "reference_area_mm2": 265.0}
    profile = SimpleNamespace(
        vessel="ivc",
        step_mm=1.0,
        branch=SimpleNamespace(curve=SimpleNamespace(position_mm=np.arange(5.0))),
        measured=np.ones(5, dtype=bool),
        shapes=OPEN,
        area_interval_mm2=np.tile([140.0, 160.0], (5, 1)),
        minimum_interval_mm=np.tile([11.0, 13.0], (5, 1)),
    )
    return SimpleNamespace(segments=Table(SEGMENT_COLUMNS, (row | values,)), profiles=(profile,))


SHUT = {"state": "occluded", "occluded_length_mm": 97.0, "minimum_area_mm2": 0.0}
SHUT |= {"area_stenosis_percent": 100.0}
BRIDGED = {"state": "bridged", "occluded_length_mm": 40.0, "minimum_area_mm2": 150.0}
BRIDGED |= {"area_stenosis_percent": 43.4}
PATENT = {"state": "patent", "occluded_length_mm": 0.0, "minimum_area_mm2": 150.0}


def told(path) -> dict[tuple[str, str | None], float]:
    content = highdicom.sr.srread(path).content
    (group,) = content.get_image_measurement_groups()
    return {
        (m.name.meaning, m.derivation and m.derivation.meaning): m.value
        for m in group.get_measurements()
    }


AREA = "Vessel lumen cross-sectional area"


def test_an_occluded_vein_has_its_length_and_no_area_of_the_open_part(tmp_path, ct_headers):
    write_structured_report(vein_reports(found(**SHUT)), ct_headers, tmp_path / "sr.dcm")
    figures = told(tmp_path / "sr.dcm")
    assert figures["Length without lumen", None] == 97.0
    assert figures[AREA, "Minimum"] == 0.0
    assert figures["Lumen Area Stenosis", None] == 100.0
    assert 150.0 not in [v for (name, _), v in figures.items() if name == AREA]
    assert ("Vessel lumen diameter", "Minimum") not in figures


def test_a_bridged_vein_has_no_area_at_all(tmp_path, ct_headers):
    write_structured_report(vein_reports(found(**BRIDGED)), ct_headers, tmp_path / "sr.dcm")
    figures = told(tmp_path / "sr.dcm")
    assert figures["Length without lumen", None] == 40.0
    assert not {name for name, _ in figures} & {AREA, "Lumen Area Stenosis"}


def test_an_open_vein_has_its_figures(tmp_path, ct_headers):
    write_structured_report(vein_reports(found(**PATENT)), ct_headers, tmp_path / "sr.dcm")
    figures = told(tmp_path / "sr.dcm")
    assert figures[AREA, "Minimum"] == 150.0
    assert ("Length without lumen", None) not in figures


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_the_report_of_an_occluded_vein_conforms(tmp_path, ct_headers):
    write_structured_report(vein_reports(found(**SHUT)), ct_headers, tmp_path / "sr.dcm")
    run = subprocess.run(["dciodvfy", tmp_path / "sr.dcm"], capture_output=True, text=True)
    # A private scheme is no defined term, as it cannot be; everything else must be.
    lines = [one for one in run.stderr.splitlines() if "<99VENOSEG>" not in one]
    lines = [one for one in lines if "needed to build DICOMDIR" not in one]
    assert [one for one in lines if one.startswith(("Error", "Warning"))] == []


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dcmtk is not installed")
def test_dcmtk_shows_the_occlusion(tmp_path, ct_headers):
    write_structured_report(vein_reports(found(**SHUT)), ct_headers, tmp_path / "sr.dcm")
    run = subprocess.run(["dsrdump", tmp_path / "sr.dcm"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "Length without lumen" in run.stdout
    assert "occlusion" in run.stdout
