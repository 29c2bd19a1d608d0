"""Studies in the real viewer: the right millimetres, the patient the right way round."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg import read_study
from venoseg.errors import InputError
from venoseg_napari.reader import get_reader

SAMPLE_CT = Path(__file__).parents[3] / "sample_data" / "iliocaval-y" / "ct"

# A body of water with two markers of bone, as LPS mm from its centre.
SIZE_MM = (60.0, 40.0, 80.0)
LEFT_MM = (22.0, 0.0, 0.0)
FRONT_AND_HEAD_MM = (0.0, -14.0, 30.0)
AXES = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def write_volume(path, order, signs):
    """Write a NIfTI of the marked body whose array axes run along LPS axes in a given order."""
    spacing_lps = np.array([1.0, 2.0, 4.0])
    spacing = spacing_lps[list(order)]
    size = [int(SIZE_MM[axis] / spacing_lps[axis]) for axis in order]
    direction = np.zeros((3, 3))
    direction[list(order), range(3)] = signs
    origin = -direction @ ((np.array(size) - 1) / 2 * spacing)
    index = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)
    lps = (index * spacing) @ direction.T + origin
    voxels = np.full(size, 0, dtype=np.int16)
    voxels[np.abs(lps[..., 1]) > 16] = -900
    for marker in (LEFT_MM, FRONT_AND_HEAD_MM):
        voxels[(np.abs(lps - marker) <= 5).all(axis=-1)] = 1000
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction.ravel())
    sitk.WriteImage(image, str(path))
    return str(path)


def bright_side(viewer):
    """Return where the bone stands in the middle of the screenshot: (down, right), -1 to 1."""
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float).min(axis=2)
    rows, columns = np.nonzero(shot > 240)
    height, width = shot.shape
    return 2 * rows.mean() / height - 1, 2 * columns.mean() / width - 1


@pytest.mark.parametrize(("order", "signs"), AXES)
def test_every_axis_order_lies_the_same_way_in_the_layer(tmp_path, order, signs):
    path = write_volume(tmp_path / "ct.nii.gz", order, signs)
    ((data, attributes, kind),) = get_reader(path)(path)
    assert kind == "image"
    assert data.shape == (20, 20, 60)
    np.testing.assert_allclose(attributes["scale"], [4.0, 2.0, 1.0])
    bone = np.argwhere(data == 1000)
    affine = attributes["metadata"]["lps_affine"]
    places = bone @ affine[:3, :3].T + affine[:3, 3]
    left = bone[places[:, 0] > 10].mean(axis=0)
    front = bone[places[:, 1] < -5].mean(axis=0)
    assert left[2] > 45
    assert front[0] < 5
    assert front[1] < 5


@pytest.mark.gui
@pytest.mark.parametrize("turn", [0, 13, 30, 47])
def test_the_left_marker_stands_on_the_right_of_the_screen(make_napari_viewer, tmp_path, turn):
    path = write_volume(tmp_path / "ct.nii.gz", *AXES[turn])
    viewer = make_napari_viewer(show=True)
    (layer,) = viewer.open(path, plugin="venoseg-napari")
    viewer.dims.set_point(0, layer.data_to_world((9.5, 0, 0))[0])
    down, right = bright_side(viewer)
    assert right > 0.3
    assert abs(down) < 0.1


@pytest.mark.gui
def test_the_head_stands_on_top_of_the_coronal_view(make_napari_viewer, tmp_path):
    path = write_volume(tmp_path / "ct.nii.gz", *AXES[0])
    viewer = make_napari_viewer(show=True)
    (layer,) = viewer.open(path, plugin="venoseg-napari")
    viewer.dims.order = (1, 0, 2)
    viewer.reset_view()
    front = np.argwhere(layer.data == 1000)[:, 1].min()
    viewer.dims.set_point(1, layer.data_to_world((0, front + 1, 0))[1])
    down, right = bright_side(viewer)
    assert down < -0.3
    assert abs(right) < 0.1


@pytest.mark.gui
def test_a_dicom_study_opens_in_millimetres(make_napari_viewer):
    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(SAMPLE_CT), plugin="venoseg-napari")
    volume = read_study(SAMPLE_CT).ct()
    assert layer.name == "CT"
    np.testing.assert_allclose(layer.scale, volume.grid.spacing_mm)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.data.shape == volume.voxels.shape
    # The first row of the layer is the head's.
    np.testing.assert_array_equal(layer.data[0], volume.voxels[-1])


@pytest.mark.gui
def test_labels_lie_on_the_image_they_belong_to(make_napari_viewer):
    viewer = make_napari_viewer()
    (image,) = viewer.open(str(SAMPLE_CT), plugin="venoseg-napari")
    truth = SAMPLE_CT.parent / "truth" / "labels.seg.nrrd"
    (labels,) = viewer.open(str(truth), plugin="venoseg-napari")
    corners = np.array([[0, 0, 0], np.array(image.data.shape) - 1])
    for corner in corners:
        np.testing.assert_allclose(
            image.data_to_world(corner), labels.data_to_world(corner), atol=1e-3
        )
    assert image.data[labels.data > 0].mean() > image.data[labels.data == 0].mean() + 50


def test_a_folder_without_images_says_so(tmp_path):
    with pytest.raises(InputError):
        get_reader(str(tmp_path))(str(tmp_path))
