"""Every series of an export as it is: measured or set aside, each with a reason."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pydicom
import pytest

from venoseg.batch.duplicates import pixel_mark, series_by_mark, set_aside
from venoseg.batch.plans import Guide
from venoseg.batch.selection import SELECTION_COLUMNS, copied_rows, select_series
from venoseg.batch.settings import BatchSettings
from venoseg.dicom import Study, read_study
from venoseg.dicom.scanning import read_images
from venoseg.dicom.sources import Location
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> list[pydicom.Dataset]:
    made = tmp_path_factory.mktemp("made") / "straight"
    options = CtOptions(
        seed=5, spacing_mm=(5.0, 4.0, 4.0), margin_mm=8.0, scanner=Scanner(noise_hu=15), seg=False
    )
    write_ct_twin(TWINS["straight"], made, options)
    return [pydicom.dcmread(file) for file in sorted((made / "ct").iterdir())]


def add(folder: Path, slices: list[pydicom.Dataset], number: int, **values: object) -> None:
    """Write a series of its own; ``values`` replace elements of its headers."""
    place = folder / str(number)
    place.mkdir(parents=True)
    for n, dataset in enumerate(slices):
        one = deepcopy(dataset)
        one.SeriesNumber, one.SeriesInstanceUID = number, f"1.2.{number}"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.{number}.{n}"
        for keyword, value in values.items():
            setattr(one, keyword, value)
        if "SOPClassUID" in values:
            one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.save_as(place / f"{n}.dcm", enforce_file_format=False)


@pytest.fixture(scope="module")
def study(slices, tmp_path_factory) -> Study:
    """One study as an archive gives it out: what is wanted among much that is not."""
    folder = tmp_path_factory.mktemp("study")
    add(folder, slices, 1, SeriesDescription="Abdomen venous", ConvolutionKernel="Br40d")
    add(folder, slices, 2, SeriesDescription="Abdomen venous", ConvolutionKernel="Br64d")
    add(folder, slices, 3, SeriesDescription="Abdomen arterial")
    add(folder, slices, 4, SeriesDescription="Abdomen native")
    add(folder, slices, 5, SeriesDescription="Head venous", BodyPartExamined="HEAD")
    add(folder, slices[:4], 6, SeriesDescription="Abdomen venous")
    add(
        folder,
        slices,
        7,
        SeriesDescription="Topogram",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    add(folder, slices[:1], 8, SOPClassUID=SECONDARY_CAPTURE, Modality="OT")
    add(folder, slices[:1], 9, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33")
    return read_study(folder)


def reasons_of(study: Study, settings: BatchSettings, *guides: Guide) -> dict[int, str]:
    rows = select_series(study, settings, guides).rows
    assert all(set(row) | {"study"} == {c.name for c in SELECTION_COLUMNS} for row in rows)
    return {int(row["series_number"]): str(row["reason"]) for row in rows}


def test_every_series_is_chosen_or_set_aside_with_its_own_reason(study):
    chosen = select_series(study, BatchSettings()).ct
    assert chosen is not None
    assert chosen.number == 1
    reasons = reasons_of(study, BatchSettings())
    assert len(reasons) == len(study.series) == 9
    expected = {
        1: "preferred to 1 other CT series: venous phase",
        2: "series 1 was preferred: another reconstruction of the same images",
        3: "arterial phase: the veins are not enhanced as in a venous one",
        4: "native phase: the veins are not enhanced as in a venous one",
        5: "the header states another part of the body (head)",
        6: "4 images are no scan of the veins",
        8: "a picture of another kind, not an image of the veins",
    }
    for number, words in expected.items():
        assert reasons[number].startswith(words), reasons[number]
    assert all(reasons.values())


def test_another_kernel_or_phase_is_taken_when_asked_for(study):
    sharp = select_series(study, BatchSettings(kernel="sharp")).ct
    assert sharp is not None
    assert sharp.number == 2
    arterial = select_series(study, BatchSettings(phases=("arterial",))).ct
    assert arterial is not None
    assert arterial.number == 3
    long = select_series(study, BatchSettings(least_length_mm=1000.0))
    assert long.ct is None
    assert "less than 1000 mm" in reasons_of(study, BatchSettings(least_length_mm=1000.0))[1]


def test_a_manifest_goes_before_the_rules(study):
    place = Path(study.series[0].slices[0].image.location.path).parents[1].resolve()
    guide = Guide(str(place), series_uid="1.2.3")
    chosen = select_series(study, BatchSettings(), [guide]).ct
    assert chosen is not None
    assert chosen.number == 3
    assert "manifest" in reasons_of(study, BatchSettings(), guide)[1]
    beside = select_series(study, BatchSettings(), [Guide(str(place / "2"))]).ct
    assert beside is not None
    assert beside.number == 2


def test_every_series_of_a_copy_is_set_aside(study):
    rows = copied_rows(study, "1.9")
    assert len(rows) == len(study.series)
    assert {row["reason"] for row in rows} == {"the same images as study 1.9, under other UIDs"}
    assert not any(row["chosen"] for row in rows)


def images_of(folder: Path):
    files = sorted(folder.rglob("*.dcm"))
    found, damaged = read_images([Location(str(p), None, 0, p.stat().st_size) for p in files])
    assert not damaged
    return found


def test_places_make_a_suspect_and_only_pixels_prove_a_copy(slices, tmp_path):
    noisy = deepcopy(slices)
    for dataset in noisy:
        pixels = np.frombuffer(dataset.PixelData, np.int16) + 1
        dataset.PixelData = pixels.astype(np.int16).tobytes()
    blank = deepcopy(slices)
    for dataset in blank:
        dataset.PixelData = bytes(len(dataset.PixelData))
    moved = deepcopy(slices)
    for dataset in moved:
        dataset.ImagePositionPatient[0] += 1.0
    for number, content in enumerate((slices, slices, noisy, blank, moved), start=1):
        add(tmp_path / str(number), content, number)
    found = [
        next(iter(series_by_mark(images_of(tmp_path / str(number))))) for number in range(1, 6)
    ]
    marks = [mark for mark, _ in found]
    assert marks[0] == marks[1] == marks[2] == marks[3] != marks[4]
    pixels = [pixel_mark(images) for _, images in found]
    assert pixels[0] == pixels[1] != pixels[2]
    assert pixels[3] is None


def test_a_study_is_set_aside_when_a_better_one_holds_all_its_images():
    marks = {
        "a": frozenset("xy"),
        "b": frozenset("xy"),
        "part": frozenset("y"),
        "more": frozenset("xz"),
        "nothing": frozenset(),
    }
    assert set_aside(marks, lambda study: (-len(marks[study]), study)) == {"b": "a", "part": "a"}
    wanted = set_aside(marks, lambda study: (study != "part", -len(marks[study]), study))
    assert wanted == {"b": "a"}
