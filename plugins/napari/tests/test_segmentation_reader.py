"""Segmentations in the real viewer."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg.anatomy import BY_NAME
from venoseg.errors import LabelError
from venoseg_napari.reader import get_reader

SPACING_MM = (2.0, 0.8, 0.8)


def write_segmentation(path, **segments):
    """Write a .seg.nrrd on a LPS grid of 10 x 20 x 30 voxels; ``ivc=(slice, slice, slice)``."""
    labels = np.zeros((10, 20, 30), dtype=np.uint8)
    for value, place in enumerate(segments.values(), start=1):
        labels[place] = value
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(SPACING_MM[::-1])
    image.SetOrigin((-12.0, -50.0, 100.0))
    for number, name in enumerate(segments):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
        image.SetMetaData(f"Segment{number}_Layer", "0")
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def veins(tmp_path):
    return write_segmentation(
        tmp_path / "veins.seg.nrrd",
        ivc=np.s_[5:10, 8:12, 13:17],
        left_iliac_vein=np.s_[0:5, 8:12, 20:24],
        stent=np.s_[0:3, 9:11, 21:23],
    )


@pytest.mark.gui
def test_veins_open_with_their_names_colours_and_millimetres(make_napari_viewer, veins):
    viewer = make_napari_viewer()
    layer, stent = viewer.open(str(veins), plugin="venoseg-napari")
    assert (layer.name, stent.name) == ("Veins", "Stent")
    np.testing.assert_allclose(layer.scale, SPACING_MM)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert list(layer.features["vein"]) == [
        BY_NAME[name].title for name in ("ivc", "left_iliac_vein")
    ]
    value = int(layer.features["index"][1])
    wanted = [c / 255 for c in BY_NAME["left_iliac_vein"].colour_rgb]
    np.testing.assert_allclose(layer.get_color(value)[:3], wanted, atol=1e-6)
    assert np.count_nonzero(stent.data) == 12


@pytest.mark.gui
def test_the_left_vein_stands_on_the_right_of_the_screen_and_the_head_comes_first(
    make_napari_viewer, veins
):
    layer = make_napari_viewer().open(str(veins), plugin="venoseg-napari")[0]
    ivc, left = (np.argwhere(layer.data == value).mean(axis=0) for value in layer.features["index"])
    assert left[2] > ivc[2]
    assert ivc[0] < left[0]
    np.testing.assert_allclose(
        (layer.metadata["lps_affine"] @ [*ivc, 1])[:3],
        [-12 + 0.8 * 14.5, -50 + 0.8 * 9.5, 100 + 2 * 7.0],
    )


def test_a_segmentation_without_a_vein_says_so(tmp_path):
    path = str(write_segmentation(tmp_path / "other.seg.nrrd", liver=np.s_[1:3, 1:3, 1:3]))
    with pytest.raises(LabelError, match="no vein among the labels"):
        get_reader(path)(path)


def test_several_paths_at_once_are_left_to_other_readers():
    assert get_reader(["a.seg.nrrd", "b.seg.nrrd"]) is None
