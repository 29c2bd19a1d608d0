from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pydicom
import pytest

from venoseg.errors import InputError
from venoseg.interchange.found_case import find_case
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin

Change = Callable[[pydicom.Dataset], None]


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> list[pydicom.Dataset]:
    out = tmp_path_factory.mktemp("twin") / "twin"
    options = CtOptions(
        seed=2, spacing_mm=(6.0, 3.0, 3.0), margin_mm=4.0, scanner=Scanner(), seg=False
    )
    write_ct_twin(TWINS["tilted"], out, options)
    return [pydicom.dcmread(path) for path in sorted((out / "ct").iterdir())]


def write(slices: list[pydicom.Dataset], folder: Path, study: str, change: Change) -> None:
    folder.mkdir(parents=True)
    for number, dataset in enumerate(slices):
        one = deepcopy(dataset)
        one.StudyInstanceUID, one.SeriesInstanceUID = f"1.2.3.{study}", f"1.2.3.{study}.1"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{study}.1.{number}"
        change(one)
        one.save_as(folder / f"{number}.dcm")


def taken(date: str, patient: str = "id-77") -> Change:
    def change(one: pydicom.Dataset) -> None:
        one.StudyDate = one.AcquisitionDate = date
        one.PatientID = patient

    return change


def test_days_come_from_the_dates(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20250201"))
    write(slices, tmp_path / "y", "2", taken("20240103"))
    case = find_case(tmp_path)
    assert [(t.label, t.day) for t in case.timepoints] == [("day0", 0), ("day395", 395)]
    assert case.timepoints[0].studies[0].path == tmp_path / "y"
    assert "id-77" not in repr(case)


def test_days_since_an_event_go_before_dates(slices, tmp_path: Path) -> None:
    for name, offset in (("x", 365.0), ("y", -2.0)):

        def change(one: pydicom.Dataset, offset: float = offset) -> None:
            taken("20240101")(one)
            one.LongitudinalTemporalOffsetFromEvent = offset
            one.LongitudinalTemporalEventType = "BASELINE"

        write(slices, tmp_path / name, str(int(offset) + 5), change)
    assert [t.day for t in find_case(tmp_path).timepoints] == [0, 367]


def test_one_study_is_no_case(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20250201"))
    with pytest.raises(InputError, match="and has 1"):
        find_case(tmp_path)


def test_different_patients_are_refused(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20240103"))
    write(slices, tmp_path / "y", "2", taken("20250201", "id-78"))
    with pytest.raises(InputError, match="belong to 2 patients") as caught:
        find_case(tmp_path)
    assert "id-7" not in str(caught.value)


def test_dates_taken_out_by_deidentification_are_asked_for(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20240103"))
    write(slices, tmp_path / "y", "2", taken(""))
    with pytest.raises(
        InputError, match=r"dates of 1 of 2 studies were removed.*write a case\.toml"
    ):
        find_case(tmp_path)


def test_studies_without_identifier_are_not_paired(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20240103", ""))
    write(slices, tmp_path / "y", "2", taken("20250201", ""))
    with pytest.raises(InputError, match="no patient identifier"):
        find_case(tmp_path)


def test_studies_in_one_folder_are_refused(slices, tmp_path: Path) -> None:
    write(slices, tmp_path / "x", "1", taken("20240103"))
    write(slices, tmp_path / "x" / "z", "2", taken("20250201"))
    with pytest.raises(InputError, match="lie in one folder"):
        find_case(tmp_path)
