"""The same voxel at the same point of the patient, through independent readers."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from venoseg.dicom import read_study


def oblique(flip: bool) -> tuple[tuple[float, ...], list[np.ndarray]]:
    row, down, normal = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix()
    if flip:
        row = -row
    return (*row, *down), [np.array([5.0, -8.0, 20.0]) + 2.5 * k * normal for k in range(5)]


def random_hu(points: np.ndarray) -> np.ndarray:
    """Values that no two voxels share by chance."""
    return np.rint(1000 * np.sin(points @ np.array([12.9898, 78.233, 37.719])))


@pytest.mark.parametrize("flip", [False, True])
def test_simpleitk_finds_every_voxel_at_the_same_place(ct, flip):
    orientation, positions = oblique(flip)
    ct.series(positions, orientation=orientation, hu=random_hu)
    volume = read_study(ct.folder).ct()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(ct.folder)))
    image = reader.Execute()
    for index in np.ndindex(*volume.grid.shape):
        there = image.TransformPhysicalPointToIndex(volume.grid.to_lps(index).tolist())
        assert image[there] == volume.voxels[index]


@pytest.mark.parametrize("flip", [False, True])
def test_highdicom_finds_every_voxel_at_the_same_place(ct, flip):
    from highdicom import get_volume_from_series
    from pydicom import dcmread

    orientation, positions = oblique(flip)
    ct.series(positions, orientation=orientation, hu=random_hu)
    volume = read_study(ct.folder).ct()
    other = get_volume_from_series([dcmread(path) for path in sorted(ct.folder.iterdir())])
    indices = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    points = volume.grid.to_lps(indices).reshape(-1, 3)
    there = np.rint(other.map_reference_to_indices(points)).astype(int)
    found = np.asarray(other.array)[tuple(there.T)]
    np.testing.assert_array_equal(found, volume.voxels.ravel())


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kits00072_arterial", "dcmqi_ct3slice_seg/ct-3slice"])
def test_public_series_agree_with_simpleitk_everywhere(shared_data, name):
    volume = read_study(shared_data / name).ct()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data / name)))
    image = reader.Execute()
    origin = image.TransformPhysicalPointToContinuousIndex(volume.grid.to_lps((0, 0, 0)).tolist())
    np.testing.assert_allclose(origin, 0, atol=1e-3)
    same = sitk.GetArrayFromImage(image) == volume.voxels
    assert same[~volume.missing if volume.missing is not None else slice(None)].all()
