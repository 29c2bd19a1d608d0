"""A CT in one NIfTI or NRRD file."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

import venoseg
from venoseg.errors import InputError
from venoseg.volume import Grid
from venoseg.volume_files import read_volume_file


@pytest.fixture
def image() -> sitk.Image:
    rng = np.random.default_rng(1)
    found = sitk.GetImageFromArray(rng.integers(-1000, 1200, (4, 5, 6), dtype=np.int16))
    found.SetSpacing((0.7, 0.8, 3.0))
    found.SetOrigin((-10.0, 20.0, 30.0))
    found.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    return found


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii", "ct.nrrd"])
def test_voxels_and_their_places_are_those_of_the_file(tmp_path, image, name):
    sitk.WriteImage(image, str(tmp_path / name))
    volume = read_volume_file(tmp_path / name)
    assert volume.unit == "HU"
    assert volume.voxels.dtype == np.int16
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    expected = image.TransformIndexToPhysicalPoint((5, 4, 3))
    np.testing.assert_allclose(volume.grid.to_lps((3, 4, 5)), expected, atol=1e-4)
    assert isinstance(volume.grid, Grid)


def test_a_study_is_read_from_a_volume_file_too(tmp_path, image):
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    assert venoseg.read_study(tmp_path / "ct.nii.gz").ct().voxels.shape == (4, 5, 6)


def test_whole_numbers_kept_as_floats_become_int16_and_fractions_stay_float32(tmp_path, image):
    sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat64), str(tmp_path / "whole.nii"))
    assert read_volume_file(tmp_path / "whole.nii").voxels.dtype == np.int16
    sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat64) + 0.5, str(tmp_path / "half.nii"))
    assert read_volume_file(tmp_path / "half.nii").voxels.dtype == np.float32


def test_nan_is_missing_not_a_value(tmp_path, image):
    array = sitk.GetArrayFromImage(image).astype(np.float32)
    array[1, 2, 3] = np.nan
    broken = sitk.GetImageFromArray(array)
    broken.CopyInformation(image)
    sitk.WriteImage(broken, str(tmp_path / "ct.nii"))
    volume = read_volume_file(tmp_path / "ct.nii")
    assert volume.missing is not None
    assert np.argwhere(volume.missing).tolist() == [[1, 2, 3]]
    assert np.isfinite(volume.voxels).all()
    sitk.WriteImage(broken, str(tmp_path / "ct.nii.gz"))
    again = read_volume_file(tmp_path / "ct.nii.gz")
    np.testing.assert_array_equal(again.missing, volume.missing)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (-10, 10)])
def test_values_that_no_ct_has_are_not_called_hounsfield_units(tmp_path, low, high):
    array = np.linspace(low, high, 120).reshape(4, 5, 6).astype(np.float32)
    other = sitk.GetImageFromArray(array)
    sitk.WriteImage(other, str(tmp_path / "mask.nii"))
    assert read_volume_file(tmp_path / "mask.nii").unit == "arbitrary"


def test_four_dimensions_two_dimensions_and_colours_are_refused(tmp_path, image):
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(tmp_path / "phases.nii"))
    with pytest.raises(InputError, match="4-D"):
        read_volume_file(tmp_path / "phases.nii")
    sitk.WriteImage(image[:, :, 0], str(tmp_path / "flat.nrrd"))
    with pytest.raises(InputError, match="2-D"):
        read_volume_file(tmp_path / "flat.nrrd")
    sitk.WriteImage(image[:, :, 1:2], str(tmp_path / "single.nrrd"))
    with pytest.raises(InputError, match="single image"):
        read_volume_file(tmp_path / "single.nrrd")
    sitk.WriteImage(sitk.Compose(image, image, image), str(tmp_path / "colour.nrrd"))
    with pytest.raises(InputError, match="colours"):
        read_volume_file(tmp_path / "colour.nrrd")


def test_an_absent_and_a_damaged_file_are_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_volume_file(tmp_path / "ct.nii.gz")
    (tmp_path / "ct.nii.gz").write_bytes(b"not a volume")
    with pytest.raises(InputError, match="damaged") as caught:
        read_volume_file(tmp_path / "ct.nii.gz")
    assert "\n" not in str(caught.value)


@pytest.mark.shared
def test_the_public_abdominal_ct_reads_with_left_on_the_left(shared_data):
    volume = read_volume_file(shared_data / "ts_example_ct_iliac" / "example_ct.nii.gz")
    assert volume.voxels.shape == (112, 101, 122)
    np.testing.assert_allclose(volume.grid.spacing_mm, 3.0, atol=1e-3)
    assert volume.unit == "HU"
