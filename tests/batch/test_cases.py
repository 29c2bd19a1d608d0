"""Patients with several visits, in a batch: by a manifest, by dates, and never by a copy."""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import zlib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pyarrow import parquet
from pydicom.uid import JPEGLSLossless

from venoseg.batch import BatchSettings, Machinery, run_batch
from venoseg.batch.comparing import compare_measured
from venoseg.batch.job import CaseJob, Measured, Message
from venoseg.batch.store import STATE
from venoseg.batch.visits import open_visit
from venoseg.cli import main
from venoseg.comparison import compare
from venoseg.errors import InputError
from venoseg.followup.case import Case, Timepoint
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin

SECRET = "Zzyzxqvb"
MANIFEST = """
patient = "p1"
[[timepoints]]
label = "before"
day = 0
studies = ["first"]
labels = "labels.seg.nrrd"
villalta = { side = "left", total = 22 }
[[timepoints]]
label = "after"
day = 30
studies = ["second"]
labels = "labels.seg.nrrd"
"""
FIRST, SECOND, EARLY, LATE, COPY = (f"1.2.3.{n}" for n in range(1, 6))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def made(folder: Path, twin: str) -> tuple[list[pydicom.Dataset], Path]:
    """Return the slices and the labels of a small twin."""
    options = CtOptions(
        seed=2, spacing_mm=(5.0, 2.5, 2.5), margin_mm=6.0, scanner=Scanner(noise_hu=15), seg=False
    )
    write_ct_twin(TWINS[twin], folder, options)
    slices = [pydicom.dcmread(file) for file in sorted((folder / "ct").iterdir())]
    return slices, folder / "truth" / "labels.seg.nrrd"


def write(
    folder: Path,
    slices: list[pydicom.Dataset],
    uid: str,
    date: str,
    patient: str,
    *,
    noise: int,
    packed: bool = False,
) -> None:
    """Write a visit; another ``noise`` makes it another acquisition."""
    folder.mkdir(parents=True)
    for number, dataset in enumerate(slices):
        one = deepcopy(dataset)
        one.StudyInstanceUID, one.SeriesInstanceUID = uid, f"{uid}.1"
        one.FrameOfReferenceUID = f"{uid}.2"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{uid}.1.{number}"
        one.StudyDate = one.AcquisitionDate = date
        one.PatientID, one.PatientName = patient, f"{SECRET}^Jane"
        one.PixelData = bytes([(one.PixelData[0] + noise) % 256]) + one.PixelData[1:]
        if packed:
            one.compress(JPEGLSLossless, generate_instance_uid=False)
        one.save_as(folder / f"{number}.dcm")


@dataclass(frozen=True)
class Cohort:
    """A patient with a manifest, one with two dates, and a copy of the latter's second study."""

    export: Path
    settings: BatchSettings

    def run(self, out: Path, **how: object) -> object:
        return run_batch(self.export, out, self.settings, Machinery(quiet=True, **how))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    root = tmp_path_factory.mktemp("cohort")
    export, labels = root / f"{SECRET} clinic", root / "labels"
    slices, mask = made(root / "y", "iliocaval-y")
    near = [one for one in slices if -40 < float(one.ImagePositionPatient[2]) < 25]
    patient = export / SECRET
    write(patient / "first", near, FIRST, "20240101", f"{SECRET}-1", noise=0)
    write(patient / "second", near, SECOND, "20240131", f"{SECRET}-1", noise=1)
    shutil.copy(mask, patient / "labels.seg.nrrd")
    (patient / "case.toml").write_text(MANIFEST)
    slices, mask = made(root / "straight", "straight")
    write(export / "x", slices, LATE, "20210101", f"{SECRET}-2", noise=2)
    write(export / "y", slices, EARLY, "20200101", f"{SECRET}-2", noise=3)
    write(export / "z", slices, COPY, "19990101", "other", noise=2, packed=True)
    labels.mkdir()
    for uid in (EARLY, LATE, COPY):
        shutil.copy(mask, labels / f"{uid}.seg.nrrd")
    return Cohort(export, BatchSettings(labels=str(labels / "{study_uid}.seg.nrrd")))


@pytest.fixture(scope="module")
def compared(cohort, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("compared") / "out"
    result = cohort.run(out, workers=1)
    assert (result.studies, result.cases, result.cases_failed) == (5, 2, 0)
    return out


def test_a_manifest_in_the_export_gives_what_compare_gives(cohort, compared, tmp_path):
    compare(cohort.export / SECRET, tmp_path / "alone")
    folder = compared / "cases" / f"case-{FIRST}"
    for name in ("changes.csv", "patency.csv", "clinical.csv", "report.html"):
        assert (folder / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    for label, uid in (("before", FIRST), ("after", SECOND)):
        own = compared / "studies" / uid / "ct" / "segments.csv"
        assert own.read_bytes() == (tmp_path / "alone" / label / "segments.csv").read_bytes()
    document = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    for timepoint in document["timepoints"]:
        (study,) = timepoint["studies"]
        assert (folder / study["folder"] / "segments.csv").is_file()


def test_the_tables_of_a_batch_hold_what_the_folders_of_its_cases_hold(compared):
    listed = rows(compared / "cases.csv")
    assert {row["case"] for row in listed} == {f"case-{FIRST}", f"case-{EARLY}"}
    own = rows(compared / "cases" / f"case-{FIRST}" / "changes.csv")
    veins = [row for row in rows(compared / "changes.csv") if row.pop("case") == f"case-{FIRST}"]
    assert veins == [row for row in own if row["level"] != "station"]
    stations = parquet.read_table(compared / "station_changes.parquet").to_pylist()
    mine = [row for row in stations if row["case"] == f"case-{FIRST}"]
    assert len(mine) == len(own) - len(veins) > 50
    figures = [row["value_from"] for row in mine]
    assert figures == [
        float(row["value_from"]) if row["value_from"] else None
        for row in own
        if row["level"] == "station"
    ]
    (total,) = [row for row in rows(compared / "clinical.csv") if row["item"] == "total"]
    assert (total["case"], total["value"]) == (f"case-{FIRST}", "22")


def test_dates_pair_the_studies_of_a_patient_and_leave_copies_out(compared):
    paired = [row for row in rows(compared / "cases.csv") if row["origin"] == "dates"]
    assert [(row["timepoint"], row["study"], row["compared"]) for row in paired] == [
        ("day0", EARLY, "true"),
        ("day366", LATE, "true"),
    ]
    assert not any(row["patient"] for row in paired)


def test_a_copy_under_other_uids_is_set_aside_with_a_reason(compared):
    listed = {row["study"]: row for row in rows(compared / "selection.csv")}
    assert listed[COPY]["chosen"] == "false"
    assert listed[COPY]["reason"] == f"the same images as study {LATE}, under other UIDs"
    assert listed[LATE]["chosen"] == "true"
    assert COPY not in {row["study"] for row in rows(compared / "results.csv")}
    assert COPY not in {row["study"] for row in rows(compared / "failures.csv")}


def test_the_page_lists_the_patients_followed(compared):
    page = (compared / "summary.html").read_text(encoding="utf-8")
    assert f'href="cases/case-{FIRST}/report.html"' in page
    assert "days 0, 366" in page


def test_a_run_killed_while_it_compares_goes_on_to_the_same_bytes(
    cohort, compared, tables_of, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(compared, out)
    for left in (out / STATE / "cases").iterdir():
        left.unlink()
    (out / "cases.csv").unlink()
    # One study was measured, but what a comparison needs of it is torn.
    (out / STATE / "visits" / EARLY / "ct.visit").write_bytes(b"torn")
    command = [sys.executable, "-m", "venoseg", "batch", str(cohort.export), "-o", str(out)]
    words = ["--labels", cohort.settings.labels, "--workers=1", "--quiet", "--resume"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    run = subprocess.Popen([*command, *words], env=environment)
    deadline = time.monotonic() + 250
    while not list((out / "cases").glob(".venoseg-*")):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    result = cohort.run(out, resume=True, workers=2)
    assert (result.already, result.cases) == (5, 2)
    assert tables_of(out) == tables_of(compared)
    for left in compared.rglob("*"):
        # The DICOM objects say when they were made.
        if left.is_file() and STATE not in left.parts and left.suffix != ".dcm":
            assert (out / left.relative_to(compared)).read_bytes() == left.read_bytes()
    assert not list(out.rglob(".venoseg-*"))


def test_a_changed_manifest_compares_anew_and_measures_nothing_anew(cohort, compared, tmp_path):
    export, out = tmp_path / "export", tmp_path / "out"
    shutil.copytree(cohort.export, export)
    for name in ("x", "y", "z"):
        shutil.rmtree(export / name)
    manifest = export / SECRET / "case.toml"
    shutil.copytree(compared, out)
    record = out / STATE / "records" / f"{FIRST}.json"
    before = record.read_bytes()
    manifest.write_text(MANIFEST.replace("22", "17"))
    result = run_batch(export, out, cohort.settings, Machinery(quiet=True, resume=True, workers=1))
    assert (result.studies, result.already, result.cases) == (2, 2, 1)
    assert record.read_bytes() == before
    (total,) = [row for row in rows(out / "clinical.csv") if row["item"] == "total"]
    assert total["value"] == "17"


def test_what_cannot_be_used_is_named_and_nothing_is_lost(cohort, tmp_path, capsys):
    export, labels, out = (tmp_path / name for name in ("export", "labels", "out"))
    for name in ("x", "y"):
        shutil.copytree(cohort.export / name, export / SECRET / name)
    (export / SECRET / "case.toml").write_text(MANIFEST.replace("first", f"{SECRET} Jane"))
    labels.mkdir()
    known = Path(cohort.settings.labels.replace("{study_uid}", LATE))
    shutil.copy(known, labels / known.name)
    words = ["--labels", str(labels / "{study_uid}.seg.nrrd"), "--workers=1"]
    assert main(["batch", str(export), "-o", str(out), *words]) == 1
    said = capsys.readouterr()
    failures = rows(out / "failures.csv")
    (manifest,) = [row for row in failures if row["stage"] == "case"]
    assert manifest["reason"] == "the manifest of a case: there is no '…' beside the manifest"
    assert SECRET not in said.out + said.err + str(failures)
    assert {row["study"] for row in failures} == {manifest["study"], EARLY}
    assert {row["study"] for row in rows(out / "results.csv")} == {LATE}
    compared, reasons = zip(
        *((row["compared"], row["reason"]) for row in rows(out / "cases.csv")), strict=True
    )
    assert compared == ("false", "true")
    assert "no label map" in reasons[0]


def test_a_case_of_which_nothing_was_measured_is_a_failure(tmp_path):
    visits = (
        Measured("day0", "day0", 0, "1.2", "", reason="it is torn"),
        Measured("day9", "day9", 9, "1.3", "", reason="it is empty"),
    )
    case = Case("unnamed", (Timepoint("day0", 0), Timepoint("day9", 9)))
    job = CaseJob("case-1.2", "dates", case, visits, (), tmp_path / "case", BatchSettings())
    told: list[Message] = []
    compare_measured(job, told.append)
    (listed,) = [one["selection"] for one in told if "selection" in one]
    assert [(row["visit"], row["reason"]) for row in listed] == [
        ("day0", "it is torn"),
        ("day9", "it is empty"),
    ]
    assert "no study of the case" in told[-1]["failed"]["reason"]
    assert not list(tmp_path.iterdir())


def test_nothing_of_the_patient_or_the_export_is_kept(cohort, compared, traces):
    assert traces(compared) == []
    for kept in (compared / STATE / "visits").rglob("*.visit"):
        content = zlib.decompress(kept.read_bytes())
        assert SECRET.encode() not in content
        assert str(cohort.export).encode() not in content


def test_what_was_kept_and_cannot_be_read_is_said_in_words(tmp_path):
    for content in (b"torn", zlib.compress(b"torn"), zlib.compress(pickle.dumps([1])[:-2])):
        (tmp_path / "ct.visit").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read again"):
            open_visit(tmp_path / "ct.visit")
