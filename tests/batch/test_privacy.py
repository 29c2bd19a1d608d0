"""No patient's identity and no hostile text gets out of a batch."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from venoseg.batch.names import clean_text, safe_uid, study_names
from venoseg.batch.progress import BatchProgress
from venoseg.errors import UsageError

MARKER = "Zzyzxqvb"
HOSTILE = (
    "../../../../tmp/escaped",
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "a\0b",
    "x" * 10_000,
    "\u202egnp.exe\u200f",
    "\x1b[2J\x1b]0;owned\x07",
    "con:*?|/\\",
)


def rewritten(source: Path, target: Path, change) -> None:
    """Copy an image with another header, whatever the standard says to its values."""
    dataset = pydicom.dcmread(source)
    change(dataset)
    target.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(target, dataset, enforce_file_format=False)


@pytest.fixture(scope="module")
def run(export, marked, tmp_path_factory):
    """A batch over marked and hostile studies: (folder of results, what it said)."""
    root = tmp_path_factory.mktemp("private")
    folder, labels, out = root / f"{MARKER}_clinic", root / "labels", root / "out"
    labels.mkdir()
    first, second = (export.folder / "DOE JANE" / name for name in "ab")
    with pydicom.config.disable_value_validation():
        for file in sorted(first.iterdir())[:12]:
            target = folder / f"{MARKER}^Jane" / f"{MARKER}_{file.name}"
            rewritten(file, target, marked)
        for number, file in enumerate(sorted(second.iterdir())):

            def spoil(dataset: Dataset, number: int = number) -> None:
                text = HOSTILE[number % len(HOSTILE)]
                dataset.StudyInstanceUID = HOSTILE[0]
                dataset.SeriesInstanceUID = HOSTILE[1]
                dataset.PatientName = dataset.PatientID = dataset.StudyDescription = text
                dataset.SeriesDescription = HOSTILE[2]
                dataset.ConvolutionKernel = HOSTILE[6]
                dataset.Manufacturer = text

            name = "=cmd|calc\u202e<script>" if number == 0 else f"{number}\x1b[2J"
            rewritten(file, folder / "\u202ehostile\x1b[2J" / name, spoil)
    damaged = folder / f"{MARKER} broken.dcm"
    damaged.write_bytes(b"\0" * 128 + b"DICM" + MARKER.encode() * 20)
    (folder / f"{MARKER}.zip").write_bytes(b"PK\x03\x04" + MARKER.encode())
    uid = export.good[0]
    source = (export.labels / f"{uid}.seg.nrrd").read_bytes()
    (labels / f"{uid}.seg.nrrd").write_bytes(source)
    words = ["--labels", str(labels / "{study_uid}.seg.nrrd"), "--boundary=mask", "--step=5"]
    log = root / "log.txt"
    command = [sys.executable, "-m", "venoseg", "batch", str(folder), "-o", str(out), *words]
    done = subprocess.run(
        [*command, "--workers=1", "--log", str(log)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return out, done.stdout + done.stderr + log.read_text()


def test_no_identity_is_in_any_output_name_or_word(run, export, traces):
    out, said = run
    assert (out / "studies" / export.good[0] / "ct" / "measurements.sr.dcm").exists()
    assert traces(out) == []
    assert MARKER.lower() not in said.lower()


def test_damaged_files_are_named_by_a_digest(run):
    out, _ = run
    failures = list(csv.DictReader(io.StringIO((out / "failures.csv").read_text())))
    scanned = [row["study"] for row in failures if row["stage"] == "scan"]
    assert len(scanned) == 1
    assert all(re.fullmatch(r"file-[0-9a-f]{16}", name) for name in scanned)
    assert any(row["study"] == "without-uid" for row in failures)


def test_hostile_headers_reach_no_path_table_page_or_terminal(run):
    out, said = run
    names = [path.name for path in out.rglob("*")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,80}", name) for name in names)
    assert not Path("/tmp/escaped").exists()
    for table in out.glob("*.csv"):
        text = table.read_text(encoding="utf-8")
        assert "invalid-" in text or table.name not in ("selection.csv", "failures.csv")
        for row in csv.reader(io.StringIO(text)):
            assert not any(cell.startswith(("=", "+", "-cmd", "@")) for cell in row)
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert "<script" not in page
    for text in (said, page):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e\u200f]", text.replace("\n", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_uids_and_words_from_headers_are_made_harmless(text):
    assert re.fullmatch(r"invalid-[0-9a-f]{16}", safe_uid(text))
    assert clean_text(text).isprintable()
    assert len(clean_text(text)) <= 400


def test_a_terminal_gets_one_line_in_place_and_a_log_plain_lines():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    seconds = iter(range(0, 1000, 60))
    live = Terminal()
    progress = BatchProgress(4, live, clock=lambda: float(next(seconds)))
    progress.one_done("1.2", [])
    progress.one_done("1.3", ["\x1b[2J it died"])
    assert "\r\x1b[K2 of 4 studies, 1 failed" in live.getvalue()
    assert "1.3: [2J it died\n" in live.getvalue()
    plain = io.StringIO()
    seconds = iter(range(0, 1000, 60))
    progress = BatchProgress(4, plain, clock=lambda: float(next(seconds)))
    progress.one_done("1.2", [])
    assert re.fullmatch(
        r"1 of 4 studies, 0 failed, 0\.\d a minute, \d+ min left\n", plain.getvalue()
    )
    quiet = Terminal()
    BatchProgress(4, quiet, quiet=True).one_done("1.2", ["it died"])
    assert quiet.getvalue() == ""


def test_pseudonyms_name_studies_and_a_study_without_one_is_refused(tmp_path):
    table = tmp_path / "names.csv"
    table.write_text("study_uid,pseudonym\n1.2.3,case-001\n1.2.4,case-002\n")
    names = study_names(["1.2.3", "1.2.4", "1.2.5"], table)
    assert names == {"1.2.3": "case-001", "1.2.4": "case-002", "1.2.5": None}
    for wrong in ("1.2.3,../x", "1.2.3,a\n1.2.4,a", "1.2.3,=cmd"):
        table.write_text(f"study_uid,pseudonym\n{wrong}\n")
        with pytest.raises(UsageError):
            study_names(["1.2.3"], table)
