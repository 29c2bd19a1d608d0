"""Label maps from DICOM segmentations."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation as SegObject
from highdicom.seg import SegmentationTypeValues, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from venoseg.errors import LabelError
from venoseg.interchange import read_labels
from venoseg.interchange.seg_in import read_dicom_seg
from venoseg.volume import Grid, Source, Volume

ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
OLD_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
OLDEST_ANATOMY = Code("T-D000A", "SRT", "Anatomical Structure")
LUMEN = Code("91747007", "SCT", "Lumen of blood vessel")
IVC = Code("64131007", "SCT", "Inferior vena cava")
COMMON_ILIAC = Code("46027005", "SCT", "Common iliac vein")
LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")

GRID = Grid.from_axes((6, 9, 11), spacing_mm=(2.5, 0.8, 0.8), origin_lps_mm=(-30, -40, 50))


def ct_series():
    """Header datasets of the CT whose grid is GRID, the head first."""
    study, series, frame = (generate_uid() for _ in range(3))
    images = []
    for k in reversed(range(GRID.shape[0])):
        ds = Dataset()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientID = ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ""
        ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ""
        ds.ReferringPhysicianName = ds.PositionReferenceIndicator = ""
        ds.Modality = "CT"
        ds.InstanceNumber = k + 1
        ds.Rows, ds.Columns = GRID.shape[1:]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [float(v) for v in GRID.to_lps((k, 0, 0))]
        ds.PixelSpacing = [0.8, 0.8]
        ds.SliceThickness = 2.5
        images.append(ds)
    return images


def described(number, label, kind, *, category=ANATOMY, region=None, side=None, region_side=None):
    description = SegmentDescription(
        number,
        label,
        category,
        kind,
        "AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            "model", Code("123109", "DCM", "Artificial Intelligence"), "1"
        ),
        anatomic_regions=None if region is None else [region],
    )
    for sequence, modifier in (
        (description, side),
        (description.AnatomicRegionSequence[0] if region else None, region_side),
    ):
        if modifier is not None:
            keyword = (
                "SegmentedPropertyTypeModifierCodeSequence"
                if sequence is description
                else "AnatomicRegionModifierSequence"
            )
            setattr(sequence, keyword, [highdicom.sr.CodedConcept.from_code(modifier)])
    return description


def saved(tmp_path, masks, descriptions, kind="BINARY", source=None):
    source = source or ct_series()
    pixels = np.stack(masks, axis=-1)[::-1].copy()
    if kind == "LABELMAP":
        pixels = (pixels * np.arange(1, len(masks) + 1)).max(axis=-1).astype(np.uint8)
    elif kind == "FRACTIONAL":
        pixels = pixels.astype(np.float32)
    else:
        pixels = pixels.astype(np.uint8)
    seg = SegObject(
        source,
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


def mask_at(*place):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[place] = True
    return mask


A = mask_at(slice(1, 3), slice(2, 6), slice(1, 4))
B = mask_at(slice(4, 6), slice(1, 5), slice(7, 10))


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_kind_of_segmentation_lands_on_the_very_same_voxels(tmp_path, kind):
    path = saved(
        tmp_path,
        [A, B],
        [described(1, "x", IVC), described(2, "y", COMMON_ILIAC, side=LEFT)],
        kind,
    )
    found = read_labels(path, GRID)
    np.testing.assert_array_equal(found.mask("ivc"), A)
    np.testing.assert_array_equal(found.mask("left_common_iliac_vein"), B)
    assert found.flags == ()
    assert found.origin == "automatic"


def test_a_fractional_segment_ends_at_one_half(tmp_path):
    fraction = A * 0.4 + mask_at(slice(2, 3), slice(2, 6), slice(1, 4)) * 0.2
    path = saved(tmp_path, [fraction], [described(1, "x", IVC)], "FRACTIONAL")
    np.testing.assert_array_equal(
        np.unique(np.argwhere(read_labels(path, GRID).mask("ivc"))[:, 0]), [2]
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
def test_codes_old_and_new_name_the_vein(tmp_path, category, kind, side, name):
    path = saved(tmp_path, [A], [described(1, "x", kind, category=category, side=side)])
    assert list(read_labels(path, GRID).names.values()) == [name]


def test_a_lumen_is_named_by_its_region_and_goes_before_the_whole_vein(tmp_path):
    path = saved(
        tmp_path,
        [A, B, A | B],
        [
            described(1, "lumen", LUMEN, region=COMMON_ILIAC, region_side=RIGHT),
            described(2, "metal", Code("A-25500", "SRT", "Stent"), region=COMMON_ILIAC),
            described(3, "vein", COMMON_ILIAC, side=RIGHT),
        ],
    )
    found = read_labels(path, GRID)
    np.testing.assert_array_equal(found.mask("right_common_iliac_vein"), A)
    np.testing.assert_array_equal(found.stent, B)
    assert found.flags == ("lumen_segments_used",)


def test_vague_codes_leave_it_to_the_label(tmp_path):
    tissue = Code("85756007", "SCT", "Tissue")
    path = saved(tmp_path, [A], [described(1, "Left common iliac vein", tissue)])
    assert list(read_labels(path, GRID).names.values()) == ["left_common_iliac_vein"]


def test_an_iliac_vena_of_totalsegmentator_is_the_undivided_vein(tmp_path):
    path = saved(tmp_path, [A], [described(1, "iliac_vena_left", COMMON_ILIAC, side=LEFT)])
    assert list(read_labels(path, GRID).names.values()) == ["left_iliac_vein"]


def test_a_clear_code_of_something_else_is_not_overruled_by_the_label(tmp_path):
    filter_code = Code("257409000", "SCT", "Vena cava filter")
    path = saved(tmp_path, [A], [described(1, "IVC", filter_code)])
    with pytest.raises(LabelError, match=r"no vein among the labels \(1 IVC\)"):
        read_labels(path, GRID)


def test_explicit_names_go_by_segment_number(tmp_path):
    liver = Code("10200004", "SCT", "Liver")
    path = saved(tmp_path, [A, B], [described(1, "a", liver), described(2, "b", liver)])
    found = read_labels(path, GRID, {2: "ivc"})
    np.testing.assert_array_equal(found.mask("ivc"), B)


def test_labels_of_another_frame_of_reference_are_refused(tmp_path):
    path = saved(tmp_path, [A], [described(1, "x", IVC)])
    source = Source(kind="DICOM", frame_of_reference_uid="1.2.3")
    ct = Volume(np.zeros(GRID.shape, np.int16), GRID, source=source)
    with pytest.raises(LabelError, match="another frame of reference"):
        read_labels(path, ct)


def test_a_dicom_object_that_is_no_segmentation_is_refused(tmp_path):
    image = ct_series()[0]
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(LabelError, match="modality CT, not a segmentation"):
        read_labels(tmp_path / "ct.dcm", GRID)


def test_a_segmentation_cut_short_is_refused(tmp_path):
    path = saved(tmp_path, [A], [described(1, "x", IVC)], "FRACTIONAL")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(LabelError, match="cut short"):
        read_labels(path, GRID)


def test_a_segmentation_without_geometry_is_refused(tmp_path):
    path = saved(tmp_path, [A], [described(1, "x", IVC)])
    dataset = pydicom.dcmread(path)
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    dataset.save_as(path)
    with pytest.raises(LabelError, match="lacks an attribute"):
        read_labels(path, GRID)


def test_frames_off_a_regular_grid_are_refused(tmp_path):
    path = saved(tmp_path, [A | B], [described(1, "x", IVC)])
    dataset = pydicom.dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    frame.ImagePositionPatient = [-30.0, -40.0, frame.ImagePositionPatient[2] + 0.9]
    dataset.save_as(path)
    with pytest.raises(LabelError, match="regular grid"):
        read_labels(path, GRID)


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
