from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from venoseg.cli import main
from venoseg.errors import InputError
from venoseg.interchange import Quantity, VesselReport, sr_codes, write_structured_report
from venoseg.interchange.pdf_out import write_encapsulated_pdf
from venoseg.interchange.sr_in import read_structured_report
from venoseg.interchange.sr_out import Outline

AREA = Quantity(
    sr_codes.LUMEN_AREA, 81.25, sr_codes.SQUARE_MILLIMETRE, sr_codes.MINIMUM, low=78.0, high=84.0
)
REPORTS = (
    VesselReport("left_common_iliac_vein", (AREA,)),
    VesselReport("ivc", (Quantity(sr_codes.SEGMENT_LENGTH, 151.0, sr_codes.MILLIMETRE),)),
)


def test_its_own_report_comes_back(tmp_path: Path, ct_headers) -> None:
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    area, length = read_structured_report(tmp_path / "sr.dcm").rows
    assert area["vessel"] == area["tracking_identifier"] == "left_common_iliac_vein"
    assert area["site"] == "Left Common iliac vein"
    assert (area["value"], area["low"], area["high"]) == (81.25, 78.0, 84.0)
    assert (area["unit"], area["derivation"]) == ("mm2", "Minimum")
    assert area["code"] == "397415007 (SCT)"
    assert (length["vessel"], length["value"], length["low"]) == ("ivc", 151.0, None)


def test_an_outline_tells_the_image_it_lies_in(tmp_path: Path, ct_headers) -> None:
    outline = Outline(((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 1.0)), 1)
    drawn = VesselReport("left_iliac_vein", (AREA,), outline=outline)
    write_structured_report((drawn,), ct_headers, tmp_path / "sr.dcm")
    (row,) = read_structured_report(tmp_path / "sr.dcm").rows
    assert row["region"] == ct_headers[0].SOPInstanceUID


def test_tracking_stays_the_same_over_visits_of_one_root(tmp_path: Path, ct_headers) -> None:
    def tracked(root: str | None, frame: str) -> object:
        for header in ct_headers:
            header.FrameOfReferenceUID = frame
        path = tmp_path / "sr.dcm"
        write_structured_report(REPORTS, ct_headers, path, tracking_root=root)
        return read_structured_report(path).rows[0]["tracking_uid"]

    assert tracked("case p", "1.2.3") == tracked("case p", "1.2.4")
    assert tracked("case p", "1.2.3") != tracked("case q", "1.2.3")
    assert tracked(None, "1.2.3") != tracked(None, "1.2.4")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(kind: str, name: Dataset, *children: Dataset) -> Dataset:
    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence = kind, [name]
    if children:
        item.ContentSequence = list(children)
    return item


@pytest.fixture
def foreign(tmp_path: Path, ct_headers) -> Path:
    """A report as another program with older codes might write it."""
    report = write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    side = content("CODE", code("G-C171", "SRT", "Laterality"))
    side.ConceptCodeSequence = [code("G-A101", "SRT", "Left")]
    site = content("CODE", code("G-C0E3", "SRT", "Finding Site"), side)
    site.ConceptCodeSequence = [code("T-48930", "SRT", "External iliac vein")]
    number = content("NUM", code("G-D705", "SRT", "Volume"))
    value = Dataset()
    value.NumericValue = "12.5"
    value.MeasurementUnitsCodeSequence = [code("mm3", "UCUM", "cubic millimeter")]
    number.MeasuredValueSequence = [value]
    empty = content("NUM", code("G-A166", "SRT", "Area"))
    empty.MeasuredValueSequence = []
    group = content("CONTAINER", code("125007", "DCM", "Measurement Group"), site, number, empty)
    other = Dataset()
    other.update({e.tag: e for e in report if e.keyword != "ContentSequence"})
    other.file_meta = report.file_meta
    other.ContentSequence = [
        content("CONTAINER", code("126010", "DCM", "Imaging Measurements"), group)
    ]
    other.save_as(tmp_path / "other.dcm", enforce_file_format=True)
    return tmp_path / "other.dcm"


def test_a_report_with_older_codes_is_read(foreign: Path, capsys) -> None:
    number, empty = read_structured_report(foreign).rows
    assert number["vessel"] == "left_external_iliac_vein"
    assert (number["quantity"], number["value"], number["unit"]) == ("Volume", 12.5, "mm3")
    assert (empty["quantity"], empty["value"]) == ("Area", None)
    assert main(["sr", str(foreign)]) == 0
    assert capsys.readouterr().out.startswith("group,tracking_identifier,tracking_uid,vessel,")


def test_what_is_no_such_report_is_refused(tmp_path: Path, ct_headers) -> None:
    (tmp_path / "text.dcm").write_text("no DICOM")
    with pytest.raises(InputError, match="no DICOM file"):
        read_structured_report(tmp_path / "text.dcm")
    with pytest.raises(InputError, match="no such report"):
        read_structured_report(tmp_path / "nowhere.dcm")
    ct_headers[0].save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match="no measurements after TID 1500"):
        read_structured_report(tmp_path / "ct.dcm")
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    damaged = pydicom.dcmread(tmp_path / "sr.dcm")
    group = damaged.ContentSequence[-1].ContentSequence[0]
    numbers = [item for item in group.ContentSequence if item.ValueType == "NUM"]
    del numbers[0].ConceptNameCodeSequence
    damaged.save_as(tmp_path / "damaged.dcm")
    with pytest.raises(InputError, match="is damaged"):
        read_structured_report(tmp_path / "damaged.dcm")


def test_a_pdf_becomes_an_object_of_the_study(tmp_path: Path, ct_headers) -> None:
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(b"%PDF-1.4 odd")
    ct_headers[0].PatientName = "Doe^Jane"
    write_encapsulated_pdf(pdf, ct_headers[0], tmp_path / "report.pdf.dcm")
    found = pydicom.dcmread(tmp_path / "report.pdf.dcm")
    assert found.StudyInstanceUID == ct_headers[0].StudyInstanceUID
    assert found.EncapsulatedDocument[: found.EncapsulatedDocumentLength] == pdf.read_bytes()
    assert b"Doe" not in (tmp_path / "report.pdf.dcm").read_bytes()
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    words = ["dciodvfy", tmp_path / "report.pdf.dcm"]
    told = subprocess.run(words, capture_output=True, text=True).stderr
    lines = [line for line in told.splitlines() if "needed to build DICOMDIR" not in line]
    assert [line for line in lines if line.startswith(("Error", "Warning"))] == []
