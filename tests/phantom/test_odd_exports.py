from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from venoseg.errors import UsageError
from venoseg.phantom import Rendering, Scanner
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.export import CtOptions, Media, write_ct_twin
from venoseg.phantom.nasty import NASTY

SPACING = (5.0, 2.0, 2.0)


def made(folder: Path, variant: str | None, **more: object) -> tuple[Rendering, list[Dataset]]:
    options = CtOptions(1, SPACING, scanner=Scanner(noise_hu=5), variant=variant, **more)  # type: ignore[arg-type]  # options of many types
    rendering = write_ct_twin(TWINS["tilted"], folder, options)
    files = sorted((folder / "ct").glob("*.dcm"))
    return rendering, [pydicom.dcmread(file) for file in files]


def hounsfield(dataset: Dataset) -> np.ndarray:
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    return dataset.pixel_array * slope + intercept


def heights(datasets: list[Dataset]) -> np.ndarray:
    return np.array([float(dataset.ImagePositionPatient[2]) for dataset in datasets])


def test_missing_slice_leaves_one_gap(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", "missing")
    assert len(found) == clean.image.grid.shape[0] - 1
    assert sorted(np.diff(heights(found)))[-2:] == pytest.approx([5.0, 10.0])


def test_duplicate_has_its_own_uid(tmp_path: Path) -> None:
    _, found = made(tmp_path / "t", "duplicated")
    assert len({dataset.SOPInstanceUID for dataset in found}) == len(found)
    assert len(set(heights(found))) == len(found) - 1


def test_two_phases_share_positions_and_differ_in_acquisition(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", "two-phases")
    assert len(found) == 2 * clean.image.grid.shape[0]
    assert {int(dataset.AcquisitionNumber) for dataset in found} == {1, 2}
    assert hounsfield(found[5]).max() > hounsfield(found[-5]).max() + 50


def test_localizer_has_another_orientation(tmp_path: Path) -> None:
    _, found = made(tmp_path / "t", "localizer")
    scouts = [dataset for dataset in found if dataset.ImageType[2] == "LOCALIZER"]
    assert len(scouts) == 1
    assert scouts[0].ImageOrientationPatient != found[3].ImageOrientationPatient


@pytest.mark.parametrize(("variant", "tolerance"), [("rescaled", 1.0), ("signed", 0.0)])
def test_values_survive_odd_storage(tmp_path: Path, variant: str, tolerance: float) -> None:
    clean, found = made(tmp_path / "t", variant)
    for dataset, expected in zip(found, clean.image.voxels, strict=True):
        assert np.abs(hounsfield(dataset) - expected).max() <= tolerance


def test_padding_is_marked_and_leaves_the_inside(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", "padded")
    middle = found[8]
    inside = middle.pixel_array != middle.PixelPaddingValue
    assert 0.6 < inside.mean() < 0.95
    assert np.array_equal(middle.pixel_array[inside], clean.image.voxels[8][inside])


def test_uneven_series_doubles_its_step(tmp_path: Path) -> None:
    _, found = made(tmp_path / "t", "uneven")
    assert set(np.round(np.diff(heights(found)), 2)) == {5.0, 10.0}


def test_shuffled_series_is_complete(tmp_path: Path) -> None:
    _, found = made(tmp_path / "t", "shuffled")
    order = np.argsort([int(dataset.InstanceNumber) for dataset in found])
    assert (np.diff(heights(found)[order]) < 0).all()
    assert not (np.diff(heights(found)) < 0).all()


def test_tilted_slices_lie_where_their_headers_say(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", "tilted")
    row = clean.truth.cross_sections.rows[40]
    centre = np.array([row["x_mm"], row["y_mm"], row["z_mm"]], dtype=float)
    normal = np.cross(found[0].ImageOrientationPatient[:3], found[0].ImageOrientationPatient[3:])
    assert np.degrees(np.arccos(normal[2])) == pytest.approx(12, abs=0.01)
    away = [abs((centre - np.array(d.ImagePositionPatient, float)) @ normal) for d in found]
    nearest = found[int(np.argmin(away))]
    offset = centre - np.array(nearest.ImagePositionPatient, float)
    column = offset @ np.array(nearest.ImageOrientationPatient[:3], float) / 2.0
    line = offset @ np.array(nearest.ImageOrientationPatient[3:], float) / 2.0
    assert hounsfield(nearest)[round(line), round(column)] > 130


def test_sagittal_series_holds_the_same_voxels(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", "sagittal")
    assert len(found) == clean.image.grid.shape[2]
    k, j, i = 12, 20, 15
    point = clean.image.grid.to_lps((k, j, i))
    slices = [np.array(d.ImagePositionPatient, float) for d in found]
    nearest = int(np.argmin([abs(place[0] - point[0]) for place in slices]))
    offset = point - slices[nearest]
    across = offset @ np.array(found[nearest].ImageOrientationPatient[:3], float)
    down = offset @ np.array(found[nearest].ImageOrientationPatient[3:], float)
    spacing = [float(value) for value in found[nearest].PixelSpacing]
    value = hounsfield(found[nearest])[round(down / spacing[0]), round(across / spacing[1])]
    assert value == clean.image.voxels[k, j, i]


@pytest.mark.parametrize("name", ["tilted", "shuffled"])
def test_variants_are_deterministic(tmp_path: Path, name: str) -> None:
    first, second = (made(tmp_path / f"{name}{n}", name)[1] for n in (1, 2))
    assert [a.PixelData for a in first] == [b.PixelData for b in second]
    assert [a.SOPInstanceUID for a in first] == [b.SOPInstanceUID for b in second]


def test_every_variant_says_what_is_odd() -> None:
    assert all(title and callable(maker) for title, maker in NASTY.values())


def test_unknown_variant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing, duplicated"):
        made(tmp_path / "t", "upside-down")


def test_enhanced_ct_holds_the_volume(tmp_path: Path) -> None:
    clean, found = made(tmp_path / "t", None, enhanced=True)
    assert len(found) == 1
    assert np.array_equal(found[0].pixel_array.astype(int) - 1024, clean.image.voxels)


@pytest.mark.parametrize("media", ["dicomdir", "zip"])
def test_media_hold_every_image(tmp_path: Path, media: Media) -> None:
    clean, _ = made(tmp_path / "t", None, media=media)
    if media == "zip":
        names = zipfile.ZipFile(tmp_path / "t" / "ct.zip").namelist()
        assert len(names) == clean.image.grid.shape[0]
    else:
        directory = pydicom.dcmread(tmp_path / "t" / "disc" / "DICOMDIR")
        listed = [r for r in directory.DirectoryRecordSequence if "ReferencedFileID" in r]
        assert len(listed) == clean.image.grid.shape[0]
