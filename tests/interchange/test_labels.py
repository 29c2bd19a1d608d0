"""Label maps from NIfTI, NRRD and folders, onto the image."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg.errors import LabelError, UsageError
from venoseg.interchange import read_labels
from venoseg.volume import Grid, Volume

GRID = Grid.from_axes((8, 10, 12), spacing_mm=(2.0, 0.9, 0.8), origin_lps_mm=(-40, -150, 300))


def boxes(**places):
    """Labels with one block a value; ``v63=(slice, slice, slice)``."""
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    for name, place in places.items():
        labels[place] = int(name[1:])
    return labels


LEFT = np.s_[1:4, 3:6, 8:11]
RIGHT = np.s_[1:4, 3:6, 1:4]
MIDDLE = np.s_[4:7, 3:6, 5:8]
THREE = boxes(v63=MIDDLE, v67=LEFT, v68=RIGHT)


def save(path, array, *, grid=GRID, metadata=None, vector=False):
    image = sitk.GetImageFromArray(array, isVector=vector)
    origin, spacing, direction = grid.itk_geometry()
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    for key, value in (metadata or {}).items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path))
    return path


def segment_metadata(*segments):
    """Key-value pairs of a .seg.nrrd for (name, value, layer, tags)."""
    metadata = {}
    for number, (name, value, layer, tags) in enumerate(segments):
        metadata |= {
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": str(value),
            f"Segment{number}_Layer": str(layer),
            f"Segment{number}_Tags": tags,
        }
    return metadata


def with_label_table(path, entries):
    """Put an XML label table into a NIfTI header, as TotalSegmentator does."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    labels = "".join(
        f'<Label Key="{value}" Red="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for value, name in entries.items()
    )
    xml = f"<CaretExtension><LabelTable>{labels}</LabelTable></CaretExtension>".encode()
    xml = xml.ljust((len(xml) + 8 + 15) // 16 * 16 - 8, b"\0")
    extension = struct.pack("<ii", len(xml) + 8, 0) + xml
    content[108:112] = struct.pack("<f", 352 + len(extension))
    content[348] = 1
    path.write_bytes(gzip.compress(bytes(content[:352]) + extension + bytes(content[352:])))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_totalsegmentator_values_are_recognised_and_said(tmp_path, suffix):
    found = read_labels(save(tmp_path / f"seg{suffix}", THREE), GRID)
    np.testing.assert_array_equal(found.mask("ivc"), THREE == 63)
    np.testing.assert_array_equal(found.mask("left_iliac_vein"), THREE == 67)
    np.testing.assert_array_equal(found.mask("right_iliac_vein"), THREE == 68)
    assert found.flags == ("names_from_totalsegmentator_values",)
    assert found.stent is None
    assert found.origin == "unknown"


def test_the_image_may_be_given_as_a_volume(tmp_path):
    path = save(tmp_path / "seg.nii.gz", THREE)
    found = read_labels(path, Volume(np.zeros(GRID.shape, np.int16), GRID))
    assert found.mask("ivc").sum() == 27


def test_without_an_image_labels_stay_on_their_own_grid(tmp_path):
    found = read_labels(save(tmp_path / "seg.nii.gz", THREE))
    assert found.grid.matches(GRID)
    np.testing.assert_array_equal(found.mask("ivc"), THREE == 63)


def test_masks_on_several_grids_need_an_image(tmp_path):
    folder = totalsegmentator_folder(tmp_path / "out")
    part = GRID.crop(np.s_[0:8, 0:9, 0:12])
    mask = (THREE[:, :9] == 68).astype(np.uint8)
    save(folder / "iliac_vena_right.nii.gz", mask, grid=part)
    with pytest.raises(LabelError, match="several grids"):
        read_labels(folder)
    assert read_labels(folder, GRID).mask("right_iliac_vein").sum() == 27


def test_values_whose_left_lies_on_the_right_are_not_totalsegmentators(tmp_path):
    path = save(tmp_path / "seg.nii.gz", boxes(v63=MIDDLE, v68=LEFT, v67=RIGHT))
    with pytest.raises(LabelError, match="67 lies on the patient's right"):
        read_labels(path, GRID)


def test_values_beyond_the_task_are_not_totalsegmentators(tmp_path):
    labels = THREE.copy()
    labels[0, 0, 0] = 130
    with pytest.raises(LabelError, match=r"no vein among the labels \(63, 67, 68, 130\)"):
        read_labels(save(tmp_path / "seg.nii.gz", labels), GRID)


def test_the_label_table_of_a_nifti_header_names_the_labels(tmp_path):
    path = save(tmp_path / "seg.nii.gz", boxes(v1=MIDDLE, v2=LEFT, v63=RIGHT))
    table = {1: "inferior_vena_cava", 2: "iliac_vena_left", 63: "vertebrae_L5"}
    found = read_labels(with_label_table(path, table), GRID)
    assert set(found.names.values()) == {"ivc", "left_iliac_vein"}
    assert found.flags == ()


def test_explicit_names_override_everything(tmp_path):
    names = {63: "left_common_iliac_vein", 67: "stent"}
    found = read_labels(save(tmp_path / "seg.nii.gz", THREE), GRID, names)
    assert set(found.names.values()) == {"left_common_iliac_vein"}
    assert found.mask("left_common_iliac_vein").sum() == 27
    np.testing.assert_array_equal(found.stent, THREE == 67)
    assert found.flags == ()


def test_two_labels_of_one_vein_are_joined(tmp_path):
    labels = boxes(v1=MIDDLE, v2=LEFT)
    found = read_labels(save(tmp_path / "seg.nii", labels), GRID, {1: "ivc", 2: "ivc"})
    np.testing.assert_array_equal(found.mask("ivc"), labels > 0)


def test_the_names_of_a_slicer_segmentation_are_honoured(tmp_path):
    metadata = segment_metadata(
        ("Segment_1", 1, 0, "TerminologyEntry:a~b~SCT^64131007^x~^^~c~^^~^^|"),
        ("Left external iliac vein", 2, 0, ""),
        ("IVC filter", 3, 0, ""),
    )
    labels = boxes(v1=MIDDLE, v2=LEFT, v3=RIGHT)
    found = read_labels(save(tmp_path / "x.seg.nrrd", labels, metadata=metadata), GRID)
    assert set(found.names.values()) == {"ivc", "left_external_iliac_vein"}
    np.testing.assert_array_equal(found.mask("ivc"), labels == 1)


def test_layers_of_a_slicer_segmentation_may_overlap(tmp_path):
    layers = np.zeros((*GRID.shape, 2), dtype=np.uint8)
    layers[(*MIDDLE, 0)] = 1
    layers[5, 4, 6, 1] = 1
    metadata = segment_metadata(("IVC", 1, 0, ""), ("stent", 1, 1, ""))
    path = save(tmp_path / "x.seg.nrrd", layers, metadata=metadata, vector=True)
    found = read_labels(path, GRID)
    assert found.mask("ivc").sum() == 27
    assert np.argwhere(found.stent).tolist() == [[5, 4, 6]]
    assert found.flags == ()
    with pytest.raises(LabelError, match="label 1 stands for several"):
        read_labels(path, GRID, {1: "ivc"})


def test_overlapping_veins_go_to_the_more_specific_one_and_say_so(tmp_path):
    layers = np.zeros((*GRID.shape, 2), dtype=np.uint8)
    layers[2:7, 4, 6, 0] = 1
    layers[2:4, 4, 6, 1] = 1
    metadata = segment_metadata(("left iliac vein", 1, 0, ""), ("left common iliac vein", 1, 1, ""))
    path = save(tmp_path / "x.seg.nrrd", layers, metadata=metadata, vector=True)
    found = read_labels(path, GRID)
    assert found.flags == ("labels_overlap",)
    assert found.mask("left_common_iliac_vein").sum() == 2
    assert found.mask("left_iliac_vein").sum() == 3


def test_a_finer_mask_is_resampled_and_says_so(tmp_path):
    fine = Grid.from_axes(
        (32, 20, 24), spacing_mm=(0.5, 0.45, 0.4), origin_lps_mm=GRID.to_lps((-0.375, -0.25, -0.25))
    )
    labels = THREE.repeat(4, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    found = read_labels(save(tmp_path / "seg.nii.gz", labels, grid=fine), GRID)
    assert "labels_resampled" in found.flags
    np.testing.assert_array_equal(found.mask("ivc"), THREE == 63)


def test_neighbouring_veins_keep_no_gap_between_them_when_resampled(tmp_path):
    labels = boxes(v1=np.s_[0:4, 3:7, 3:7], v2=np.s_[4:8, 3:7, 3:7])
    shifted = Grid.from_axes(
        GRID.shape, spacing_mm=GRID.spacing_mm, origin_lps_mm=GRID.to_lps((0.5, 0.0, 0.0))
    )
    path = save(tmp_path / "seg.nii.gz", labels, grid=shifted)
    found = read_labels(path, GRID, {1: "ivc", 2: "left_iliac_vein"})
    assert (found.labels[1:7, 3:7, 3:7] > 0).all()


def test_a_vein_that_leaves_the_image_is_said(tmp_path):
    part = GRID.crop(np.s_[0:6, 0:10, 0:12])
    found = read_labels(save(tmp_path / "seg.nii.gz", THREE), part)
    assert "labels_cut" in found.flags
    assert found.mask("ivc").sum() == 18


def test_a_label_map_beside_the_image_is_refused(tmp_path):
    far = Grid.from_axes(GRID.shape, spacing_mm=GRID.spacing_mm, origin_lps_mm=(500, 0, 0))
    with pytest.raises(LabelError, match="do not overlap the image"):
        read_labels(save(tmp_path / "seg.nii.gz", THREE, grid=far), GRID)


def test_labels_without_a_vein_are_refused_and_named(tmp_path):
    metadata = segment_metadata(("Liver", 1, 0, ""), ("Aorta", 2, 0, ""))
    path = save(tmp_path / "x.seg.nrrd", boxes(v1=LEFT, v2=RIGHT), metadata=metadata)
    with pytest.raises(LabelError, match=r"no vein among the labels \(1 Liver, 2 Aorta\)"):
        read_labels(path, GRID)


def test_empty_labels_are_refused(tmp_path):
    with pytest.raises(LabelError, match="every label is empty"):
        read_labels(save(tmp_path / "seg.nrrd", np.zeros(GRID.shape, np.uint8)), GRID)


def test_explicit_names_of_absent_values_are_refused(tmp_path):
    with pytest.raises(LabelError, match=r"no vein among the labels \(63, 67, 68\)"):
        read_labels(save(tmp_path / "seg.nrrd", THREE), GRID, {5: "ivc"})


def test_an_unknown_explicit_name_is_refused_before_reading(tmp_path):
    with pytest.raises(UsageError, match="'aorta' is not a vein"):
        read_labels(tmp_path / "absent.nii.gz", GRID, {1: "aorta"})


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "NaN"), (np.inf, "infinite"), (-1000, "no labels"), (0.4, "not whole numbers")],
)
def test_an_image_instead_of_labels_is_refused(tmp_path, value, message):
    array = np.zeros(GRID.shape, dtype=np.float32)
    array[2, 2, 2] = value
    with pytest.raises(LabelError, match=message):
        read_labels(save(tmp_path / "seg.nrrd", array), GRID)


def test_whole_numbers_stored_as_floats_are_labels(tmp_path):
    found = read_labels(save(tmp_path / "seg.nii.gz", THREE.astype(np.float64)), GRID)
    assert found.mask("ivc").sum() == 27


def test_a_series_of_label_maps_is_refused(tmp_path):
    image = sitk.Image([4, 4, 4, 2], sitk.sitkUInt8)
    sitk.WriteImage(image, str(tmp_path / "seg.nii.gz"))
    with pytest.raises(LabelError, match="three dimensions, this file has 4"):
        read_labels(tmp_path / "seg.nii.gz", GRID)


def test_a_fourth_axis_of_one_is_no_fourth_axis(tmp_path):
    array = THREE[np.newaxis]
    image = sitk.GetImageFromArray(array, isVector=False)
    assert image.GetDimension() == 4
    sitk.WriteImage(image, str(tmp_path / "seg.nrrd"))
    grid = Grid.from_axes(GRID.shape, spacing_mm=(1, 1, 1))
    assert read_labels(tmp_path / "seg.nrrd", grid).mask("ivc").sum() == 27


def test_colours_instead_of_labels_are_refused(tmp_path):
    array = np.zeros((*GRID.shape, 3), dtype=np.uint8)
    with pytest.raises(LabelError, match="each voxel holds 3 values"):
        read_labels(save(tmp_path / "seg.nrrd", array, vector=True), GRID)


def test_a_flat_picture_is_refused(tmp_path):
    sitk.WriteImage(sitk.Image([4, 4], sitk.sitkUInt8), str(tmp_path / "seg.nrrd"))
    with pytest.raises(LabelError, match="this file has 2"):
        read_labels(tmp_path / "seg.nrrd", GRID)


@pytest.mark.parametrize("name", ["seg.nii.gz", "seg.nrrd", "seg.dcm"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"no label map")
    with pytest.raises(LabelError) as caught:
        read_labels(tmp_path / name, GRID)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(LabelError, match="no such label file"):
        read_labels(tmp_path / "absent.nii.gz", GRID)


def totalsegmentator_folder(folder):
    folder.mkdir()
    empty = np.zeros(GRID.shape, np.uint8)
    for value, name in {63: "inferior_vena_cava", 67: "iliac_vena_left"}.items():
        save(folder / f"{name}.nii.gz", (value == THREE).astype(np.uint8))
    save(folder / "iliac_vena_right.nii.gz", empty)
    save(folder / "aorta.nii.gz", empty)
    (folder / "statistics.json").write_text("{}")
    return folder


def test_a_folder_of_masks_is_read_by_its_file_names(tmp_path):
    found = read_labels(totalsegmentator_folder(tmp_path / "out"), GRID)
    assert set(found.names.values()) == {"ivc", "left_iliac_vein"}
    np.testing.assert_array_equal(found.mask("left_iliac_vein"), THREE == 67)
    assert found.flags == ()


def test_a_folder_without_a_vein_is_refused_and_its_masks_are_named(tmp_path):
    folder = totalsegmentator_folder(tmp_path / "out")
    for path in folder.glob("*vena*"):
        path.unlink()
    with pytest.raises(LabelError, match=r"no vein among the labels \(aorta\)"):
        read_labels(folder, GRID)


def test_a_folder_without_a_mask_is_refused(tmp_path):
    with pytest.raises(LabelError, match="no NIfTI or NRRD mask in the folder"):
        read_labels(tmp_path, GRID)


def test_label_values_cannot_be_named_in_a_folder_of_masks(tmp_path):
    with pytest.raises(LabelError, match="the files name the veins"):
        read_labels(totalsegmentator_folder(tmp_path / "out"), GRID, {1: "ivc"})


def test_a_label_map_that_poses_as_a_mask_is_refused(tmp_path):
    save(tmp_path / "inferior_vena_cava.nii.gz", THREE)
    with pytest.raises(LabelError, match="this file holds several"):
        read_labels(tmp_path, GRID)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("labels", "voxels"),
    [
        ("example_seg_fast_force_split.nii.gz", (2266, 1331, 1151)),
        ("seg_v1", (2131, 1385, 1177)),
    ],
)
def test_real_totalsegmentator_output_lies_on_its_image(shared_data, labels, voxels):
    folder = shared_data / "ts_example_ct_iliac"
    image = sitk.ReadImage(str(folder / "example_ct.nii.gz"))
    grid = Grid.from_itk(
        image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection()
    )
    found = read_labels(folder / labels, grid)
    names = ("ivc", "left_iliac_vein", "right_iliac_vein")
    assert tuple(int(found.mask(name).sum()) for name in names) == voxels
    assert found.flags == ()
    x_mm = {name: grid.to_lps(np.argwhere(found.mask(name)).mean(axis=0))[0] for name in names}
    assert x_mm["left_iliac_vein"] > x_mm["ivc"] > x_mm["right_iliac_vein"]
