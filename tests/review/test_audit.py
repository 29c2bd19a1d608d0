"""The trail: who changed what, and every diameter before and after."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from venoseg.errors import OutputError, VenosegError
from venoseg.interchange import read_labels
from venoseg.lumen import measure, remeasure
from venoseg.review import (
    CaseFolder,
    audit_table,
    changes_table,
    find_work,
    list_versions,
    load,
    open_session,
    sign_off,
)
from venoseg.segmentation import eraser, paint_ball
from venoseg.segmentation.edits import Edit

Y = Path(__file__).parents[2] / "sample_data" / "iliocaval-y"


@pytest.fixture(scope="module")
def found(tilted):
    return measure(tilted.image, tilted.segmentation)


def narrowed(session, found) -> Edit:
    curve = found.profiles[0].branch.curve
    at = curve.points_lps_mm[40] + 7.0 * curve.across[40]
    return paint_ball(session.labels, session.image.grid, at, 3.5, eraser())


def test_every_diameter_that_changed_is_listed_before_and_after(opened, found):
    session = opened()
    box = session.draw("erase", narrowed(session, found))
    named = replace(session.segmentation, labels=session.labels.copy())
    after = remeasure(found, named, box)
    table = changes_table(found, after)
    stations = [r for r in table.rows if r["level"] == "station"]
    positions = {r["position_mm"] for r in stations}
    assert 40.0 in positions
    old = {r["position_mm"]: r for r in found.cross_sections.rows}
    new = {r["position_mm"]: r for r in after.cross_sections.rows}
    for row in stations:
        assert row["before"] == pytest.approx(old[row["position_mm"]][row["quantity"]], abs=1e-3)
        assert row["after"] == pytest.approx(new[row["position_mm"]][row["quantity"]], abs=1e-3)
    segments = {r["quantity"] for r in table.rows if r["level"] == "segment"}
    assert {"minimum_area_mm2", "minimum_diameter_mm"} <= segments


def test_the_same_measurements_change_no_station(found):
    table = changes_table(found, found)
    assert {row["level"] for row in table.rows} == {"segment"}
    assert all(row["before"] == row["after"] for row in table.rows)


def test_a_vein_that_came_or_went_has_one_empty_side(found):
    for before, after, empty in ((None, found, "before"), (found, None, "after")):
        table = changes_table(before, after)
        assert len(table.rows) > 100
        assert {row[empty] for row in table.rows} == {None}


def test_the_trail_names_who_when_what_and_can_be_read_as_csv(opened, found):
    session = opened()
    session.draw("erase", narrowed(session, found))
    after = measure(session.image, session.segmentation)
    session.save(changes_table(found, after))
    table = audit_table(session.folder.versions)
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [(r["version"], r["by"], r["kind"]) for r in rows] == [
        ("0000-start", "start", "start"),
        ("0001-anna", "anna", "saved"),
    ]
    assert rows[1]["at"].startswith("2026-01-02T03:")
    assert int(rows[1]["voxels_lost"]) > 0
    before, now = (float(rows[1][f"minimum_diameter_{w}_mm"]) for w in ("before", "after"))
    assert now < before


def test_signing_writes_every_result_and_the_trail(opened, found):
    session = opened()
    session.draw("erase", narrowed(session, found))
    version, measured, out = sign_off(session, found, second_reader=True)
    names = {path.name for path in out.iterdir()}
    assert {
        *("cross_sections.csv", "segments.csv", "measurements.json", "report.html"),
        *("segmentation.seg.nrrd", "centerline.json", "audit.csv"),
    } <= names
    assert version.kind == "signed"
    assert version.second_reader
    back = read_labels(out / "segmentation.seg.nrrd", session.image)
    np.testing.assert_array_equal(back.labels, session.labels)
    assert measured.segments.to_csv() == (out / "segments.csv").read_text()


def test_signing_a_dicom_series_writes_seg_and_sr_that_read_back(tmp_path, clock):
    item = find_work(Y / "ct")[0]
    loaded = load(item, CaseFolder(tmp_path / "case"), Y / "truth" / "labels.seg.nrrd")
    session = open_session(loaded.image, loaded.labels, tmp_path / "case", "anna", clock=clock)
    _, measured, out = sign_off(session, None, item.series.headers())
    back = read_labels(out / "segmentation.seg.dcm", loaded.image)
    values = {name: value for value, name in back.names.items()}
    for value, name in session.segmentation.names.items():
        if name in values:
            np.testing.assert_array_equal(back.labels == values[name], session.labels == value)
    assert {p.vessel for p in measured.profiles} <= set(values)
    header = pydicom.dcmread(out / "measurements.sr.dcm")
    assert header.Modality == "SR"
    assert header.StudyInstanceUID == item.series.study_uid
    session.close()


def test_nothing_is_signed_that_cannot_be_measured(opened):
    session = opened()
    whole = paint_ball(
        session.labels, session.image.grid, session.image.grid.to_lps((30, 30, 30)), 500.0, eraser()
    )
    session.draw("erase all", whole)
    with pytest.raises(VenosegError):
        sign_off(session, None)
    assert {v.kind for v in list_versions(session.folder.versions)[0]} == {"start"}


def test_results_that_cannot_be_written_are_said_and_the_version_stays(opened, found):
    session = opened()
    session.folder.path.mkdir(parents=True, exist_ok=True)
    (session.folder.path / "results").write_text("in the way")
    with pytest.raises(OutputError, match="is signed, but its results were not written"):
        sign_off(session, found)
    assert [v.kind for v in list_versions(session.folder.versions)[0]] == ["start", "signed"]
