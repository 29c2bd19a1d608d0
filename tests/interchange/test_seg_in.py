"""Label maps from DICOM segmentations."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation as SegObject
from highdicom.seg import SegmentationTypeValues, SegmentDescription
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from venoseg.errors import LabelError
from venoseg.interchange import read_labels
from venoseg.interchange.seg_in import read_dicom_seg
from venoseg.volume import Source, Volume

ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
OLD_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
OLDEST_ANATOMY = Code("T-D000A", "SRT", "Anatomical Structure")
LUMEN = Code("91747007", "SCT", "Lumen of blood vessel")
IVC = Code("64131007", "SCT", "Inferior vena cava")
COMMON_ILIAC = Code("46027005", "SCT", "Common iliac vein")
LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")


def described(number, label, kind, *, category=ANATOMY, region=None, side=None, region_side=None):
    description = SegmentDescription(
        number,
        label,
        category,
        kind,
        "AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            "model", Code("123110", "DCM", "Artificial Intelligence"), "1"
        ),
        anatomic_regions=None if region is None else [region],
    )
    if side is not None:
        code = highdicom.sr.CodedConcept.from_code(side)
        item = description.SegmentedPropertyTypeCodeSequence[0]
        item.SegmentedPropertyTypeModifierCodeSequence = [code]
    if region_side is not None:
        code = highdicom.sr.CodedConcept.from_code(region_side)
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [code]
    return description


@pytest.fixture
def saved(tmp_path, ct_headers):
    """Save masks on the grid as a DICOM SEG and return its path."""

    def save(masks, descriptions, kind="BINARY"):
        pixels = np.stack(masks, axis=-1)[::-1].copy()
        if kind == "LABELMAP":
            pixels = (pixels * np.arange(1, len(masks) + 1)).max(axis=-1).astype(np.uint8)
        else:
            pixels = pixels.astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
        seg = SegObject(
            ct_headers,
            pixels,
            SegmentationTypeValues[kind],
            descriptions,
            generate_uid(),
            1,
            generate_uid(),
            1,
            manufacturer="test",
            manufacturer_model_name="test",
            software_versions="1",
            device_serial_number="1",
        )
        seg.save_as(tmp_path / "seg.dcm")
        return tmp_path / "seg.dcm"

    return save


def mask_at(*place):
    mask = np.zeros((6, 9, 11), dtype=bool)
    mask[place] = True
    return mask


A = mask_at(slice(1, 3), slice(2, 6), slice(1, 4))
B = mask_at(slice(4, 6), slice(1, 5), slice(7, 10))


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_kind_of_segmentation_lands_on_the_very_same_voxels(saved, kind, ct_grid):
    path = saved(
        [A, B],
        [described(1, "x", IVC), described(2, "y", COMMON_ILIAC, side=LEFT)],
        kind,
    )
    found = read_labels(path, ct_grid)
    np.testing.assert_array_equal(found.mask("ivc"), A)
    np.testing.assert_array_equal(found.mask("left_common_iliac_vein"), B)
    assert found.flags == ()
    assert found.origin == "automatic"


def test_a_fractional_segment_ends_at_one_half(saved, ct_grid):
    fraction = A * 0.4 + mask_at(slice(2, 3), slice(2, 6), slice(1, 4)) * 0.2
    path = saved([fraction], [described(1, "x", IVC)], "FRACTIONAL")
    np.testing.assert_array_equal(
        np.unique(np.argwhere(read_labels(path, ct_grid).mask("ivc"))[:, 0]), [2]
    )


@pytest.mark.parametrize("category", [ANATOMY, OLD_ANATOMY, OLDEST_ANATOMY])
@pytest.mark.parametrize(
    ("kind", "side", "name"),
    [
        (IVC, None, "ivc"),
        (Code("T-48710", "SRT", "Inferior vena cava"), None, "ivc"),
        (Code("T-48930", "SRT", "x"), Code("G-A100", "SRT", "Right"), "right_external_iliac_vein"),
        (Code("40300007", "SCT", "Internal iliac vein"), LEFT, "left_internal_iliac_vein"),
        (Code("397363009", "SCT", "Common Femoral Vein"), RIGHT, "right_common_femoral_vein"),
        (Code("244411005", "SCT", "Iliac vein"), RIGHT, "right_iliac_vein"),
    ],
)
def test_codes_old_and_new_name_the_vein(saved, category, kind, side, name, ct_grid):
    path = saved([A], [described(1, "x", kind, category=category, side=side)])
    assert list(read_labels(path, ct_grid).names.values()) == [name]


def test_a_lumen_is_named_by_its_region_and_goes_before_the_whole_vein(saved, ct_grid):
    path = saved(
        [A, B, A | B],
        [
            described(1, "lumen", LUMEN, region=COMMON_ILIAC, region_side=RIGHT),
            described(2, "metal", Code("A-25500", "SRT", "Stent"), region=COMMON_ILIAC),
            described(3, "vein", COMMON_ILIAC, side=RIGHT),
        ],
    )
    found = read_labels(path, ct_grid)
    np.testing.assert_array_equal(found.mask("right_common_iliac_vein"), A)
    np.testing.assert_array_equal(found.stent, B)
    assert found.flags == ("lumen_segments_used",)


def test_vague_codes_leave_it_to_the_label(saved, ct_grid):
    tissue = Code("85756007", "SCT", "Tissue")
    path = saved([A], [described(1, "Left common iliac vein", tissue)])
    assert list(read_labels(path, ct_grid).names.values()) == ["left_common_iliac_vein"]


def test_an_iliac_vena_of_totalsegmentator_is_the_undivided_vein(saved, ct_grid):
    path = saved([A], [described(1, "iliac_vena_left", COMMON_ILIAC, side=LEFT)])
    assert list(read_labels(path, ct_grid).names.values()) == ["left_iliac_vein"]


def test_a_clear_code_of_something_else_is_not_overruled_by_the_label(saved, ct_grid):
    filter_code = Code("257409000", "SCT", "Vena cava filter")
    path = saved([A], [described(1, "IVC", filter_code)])
    with pytest.raises(LabelError, match=r"no vein among the labels \(1 IVC\)"):
        read_labels(path, ct_grid)


def test_explicit_names_go_by_segment_number(saved, ct_grid):
    liver = Code("10200004", "SCT", "Liver")
    path = saved([A, B], [described(1, "a", liver), described(2, "b", liver)])
    found = read_labels(path, ct_grid, {2: "ivc"})
    np.testing.assert_array_equal(found.mask("ivc"), B)


def test_labels_of_another_frame_of_reference_are_refused(saved, ct_grid):
    path = saved([A], [described(1, "x", IVC)])
    source = Source(kind="DICOM", frame_of_reference_uid="1.2.3")
    ct = Volume(np.zeros(ct_grid.shape, np.int16), ct_grid, source=source)
    with pytest.raises(LabelError, match="another frame of reference"):
        read_labels(path, ct)


def test_a_dicom_object_that_is_no_segmentation_is_refused(tmp_path, ct_headers, ct_grid):
    image = ct_headers[0]
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(LabelError, match="modality CT, not a segmentation"):
        read_labels(tmp_path / "ct.dcm", ct_grid)


def test_a_segmentation_cut_short_is_refused(saved, ct_grid):
    path = saved([A], [described(1, "x", IVC)], "FRACTIONAL")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(LabelError, match="cut short"):
        read_labels(path, ct_grid)


def test_a_segmentation_without_geometry_is_refused(saved, ct_grid):
    path = saved([A], [described(1, "x", IVC)])
    dataset = pydicom.dcmread(path)
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    dataset.save_as(path)
    with pytest.raises(LabelError, match="lacks an attribute"):
        read_labels(path, ct_grid)


def test_frames_off_a_regular_grid_are_refused(saved, ct_grid):
    path = saved([A | B], [described(1, "x", IVC)])
    dataset = pydicom.dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    frame.ImagePositionPatient = [-30.0, -40.0, frame.ImagePositionPatient[2] + 0.9]
    dataset.save_as(path)
    with pytest.raises(LabelError, match="regular grid"):
        read_labels(path, ct_grid)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "segment", "voxels"),
    [
        ("liver.dcm", 1, 107098),
        ("partial_overlaps.dcm", 3, 10743),
        ("sparse-labelmap-noppv.dcm", 1, 630),
        ("sparse-labelmap-ppv5.dcm", 1, 630),
    ],
)
def test_segmentations_of_another_program_are_read(shared_data, name, segment, voxels):
    path = shared_data / "dcmqi_ct3slice_seg" / name
    (structure,) = read_dicom_seg(path, {segment: "ivc"}).structures
    seg = highdicom.seg.segread(path)
    frames = seg.pixel_array == segment if "labelmap" in name else None
    assert structure.mask.sum() == voxels
    if frames is not None:
        assert frames.sum() == voxels
