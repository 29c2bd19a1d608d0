"""Segmentations, centerlines and measurements that go out, read back by other programs."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.sr.coding import Code as PydicomCode

from venoseg.anatomy import BY_NAME, NAMES
from venoseg.errors import OutputError
from venoseg.interchange import (
    Algorithm,
    Evaluation,
    MarkupCurve,
    Quantity,
    VesselReport,
    read_labels,
    read_seeds,
    sr_codes,
    write_dicom_seg,
    write_markups,
    write_seg_nrrd,
    write_structured_report,
)
from venoseg.interchange.provenance import ARTIFICIAL_INTELLIGENCE
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid

IDENTITY = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-4711",
    "PatientBirthDate": "19500101",
    "AccessionNumber": "ACC-0815",
    "ReferringPhysicianName": "House^Gregory",
    "InstitutionName": "Princeton-Plainsboro",
    "StudyDescription": "For Jane",
}


@pytest.fixture
def veins(ct_grid):
    """Three veins; the left iliac one shares voxels with a stent."""
    labels = np.zeros(ct_grid.shape, dtype=np.uint8)
    labels[3:6, 2:6, 4:7] = 1
    labels[1:3, 2:6, 7:10] = 2
    labels[1:3, 2:6, 1:4] = 40
    stent = np.zeros(ct_grid.shape, dtype=bool)
    stent[2:4, 2:5, 6:9] = True
    names = {1: "ivc", 2: "left_common_iliac_vein", 40: "right_external_iliac_vein"}
    return Segmentation(labels, ct_grid, names, origin="automatic", stent=stent)


def same_veins(found, wanted):
    for name in NAMES:
        np.testing.assert_array_equal(found.mask(name), wanted.mask(name))
    if wanted.stent is None:
        assert found.stent is None
    else:
        np.testing.assert_array_equal(found.stent, wanted.stent)
    assert found.flags == ()


def turned_grid(grid: Grid) -> Grid:
    """The same size, slices from the head down, tilted against every axis."""
    angle = np.deg2rad(12)
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    return Grid.from_axes(
        grid.shape,
        spacing_mm=grid.spacing_mm,
        origin_lps_mm=(-30, -40, 62.5),
        directions=rotation @ grid.directions * [-1, 1, 1],
    )


def nrrd_parts(path):
    """Read a NRRD file without any library: header fields, key-values, array in file order."""
    head, _, data = path.read_bytes().partition(b"\n\n")
    magic, *lines = head.decode("ascii").split("\n")
    assert magic == "NRRD0004"
    keys = dict(line.split(":=", 1) for line in lines if ":=" in line)
    fields = dict(line.split(": ", 1) for line in lines if ":=" not in line)
    sizes = [int(size) for size in fields["sizes"].split()]
    array = np.frombuffer(gzip.decompress(data), dtype=np.uint8).reshape(sizes[::-1])
    return fields, keys, array


def test_a_seg_nrrd_comes_back_voxel_for_voxel(tmp_path, veins):
    write_seg_nrrd(veins, tmp_path / "veins.seg.nrrd")
    same_veins(read_labels(tmp_path / "veins.seg.nrrd", veins.grid), veins)


def test_a_seg_nrrd_without_stents_is_one_plain_label_map(tmp_path, veins):
    write_seg_nrrd(replace(veins, stent=None), tmp_path / "veins.seg.nrrd")
    image = sitk.ReadImage(str(tmp_path / "veins.seg.nrrd"))
    assert image.GetDimension() == 3
    assert image.GetNumberOfComponentsPerPixel() == 1
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), veins.labels)
    geometry = image.GetOrigin(), image.GetSpacing(), image.GetDirection()
    for found, wanted in zip(geometry, veins.grid.itk_geometry(), strict=True):
        np.testing.assert_allclose(found, wanted)


def test_a_seg_nrrd_keeps_any_orientation(tmp_path, veins):
    turned = replace(veins, grid=turned_grid(veins.grid))
    write_seg_nrrd(turned, tmp_path / "veins.seg.nrrd")
    found = read_labels(tmp_path / "veins.seg.nrrd")
    assert found.grid.matches(turned.grid, tolerance_mm=1e-6)
    same_veins(found, turned)


def test_a_seg_nrrd_follows_the_conventions_of_slicer(tmp_path, veins):
    write_seg_nrrd(veins, tmp_path / "veins.seg.nrrd")
    fields, keys, array = nrrd_parts(tmp_path / "veins.seg.nrrd")
    assert fields["kinds"] == "list domain domain domain"
    assert fields["space"] == "left-posterior-superior"
    assert fields["space directions"].startswith("none (")
    np.testing.assert_array_equal(array[..., 0], veins.labels)
    np.testing.assert_array_equal(array[..., 1], veins.stent)
    assert [keys[f"Segment{n}_Name"] for n in range(4)] == [
        "Inferior vena cava",
        "Left common iliac vein",
        "Right external iliac vein",
        "Stent",
    ]
    assert [keys[f"Segment{n}_Layer"] for n in range(4)] == ["0", "0", "0", "1"]
    assert keys["Segment2_LabelValue"] == "40"
    assert keys["Segment0_Extent"] == "4 6 2 5 3 5"
    colour = [round(255 * float(channel)) for channel in keys["Segment1_Color"].split()]
    assert tuple(colour) == BY_NAME["left_common_iliac_vein"].colour_rgb
    assert "SCT^46027005^Common iliac vein~SCT^7771000^Left" in keys["Segment1_Tags"]
    assert keys["Segmentation_MasterRepresentation"] == "Binary labelmap"


def test_the_same_segmentation_gives_the_same_bytes(tmp_path, veins):
    for name in ("a.seg.nrrd", "b.seg.nrrd"):
        write_seg_nrrd(veins, tmp_path / name)
    assert (tmp_path / "a.seg.nrrd").read_bytes() == (tmp_path / "b.seg.nrrd").read_bytes()


@pytest.mark.parametrize("stented", [True, False])
def test_a_dicom_seg_comes_back_voxel_for_voxel(tmp_path, veins, ct_headers, stented):
    wanted = veins if stented else replace(veins, stent=None)
    write_dicom_seg(wanted, ct_headers, tmp_path / "seg.dcm")
    found = read_labels(tmp_path / "seg.dcm", veins.grid)
    same_veins(found, wanted)
    assert found.origin == "automatic"


def test_a_dicom_seg_on_another_grid_than_the_images_keeps_its_place(tmp_path, veins, ct_headers):
    turned = replace(veins, grid=turned_grid(veins.grid))
    write_dicom_seg(turned, ct_headers, tmp_path / "seg.dcm")
    same_veins(read_labels(tmp_path / "seg.dcm", turned.grid), turned)


def test_highdicom_reads_the_dicom_seg(tmp_path, veins, ct_headers):
    write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    seg = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert seg.SegmentsOverlap == "YES"
    assert [seg.get_segment_description(n).segment_label for n in seg.segment_numbers] == [
        "Inferior vena cava",
        "Left common iliac vein",
        "Right external iliac vein",
        "Stent",
    ]
    uids = [header.SOPInstanceUID for header in ct_headers]
    pixels = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    # The headers run from the head down, the grid from the feet up.
    for number, mask in enumerate([veins.labels == v for v in veins.names] + [veins.stent]):
        np.testing.assert_array_equal(pixels[::-1, ..., number].astype(bool), mask)


def test_plain_pydicom_finds_every_voxel_where_the_frames_say_it_is(tmp_path, veins, ct_headers):
    write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    shared = seg.SharedFunctionalGroupsSequence[0]
    rows = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float)
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, dtype=float)
    drawn = np.zeros((len(seg.SegmentSequence), *veins.grid.shape), dtype=bool)
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        origin = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        row, column = np.nonzero(frame)
        points = origin + column[:, None] * rows[:3] * spacing[1]
        points = points + row[:, None] * rows[3:] * spacing[0]
        index = veins.grid.to_index(points)
        assert np.abs(index - np.rint(index)).max(initial=0.0) < 0.01
        drawn[(number - 1, *np.rint(index).astype(int).T)] = True
    masks = [veins.labels == value for value in veins.names] + [veins.stent]
    np.testing.assert_array_equal(drawn, masks)


def test_the_segments_carry_codes_sides_and_the_stented_veins(tmp_path, veins, ct_headers):
    seg = write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    _, left, right, stent = seg.SegmentSequence
    assert left.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    kind = left.SegmentedPropertyTypeCodeSequence[0]
    assert kind.CodeValue == "46027005"
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    kind = right.SegmentedPropertyTypeCodeSequence[0]
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"
    assert stent.SegmentedPropertyTypeCodeSequence[0].CodeValue == "65818007"
    assert [item.CodeValue for item in stent.AnatomicRegionSequence] == ["64131007", "46027005"]
    side = stent.AnatomicRegionSequence[1].AnatomicRegionModifierSequence[0]
    assert side.CodeMeaning == "Left"
    assert left.TrackingID == "left_common_iliac_vein"


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("automatic", "AUTOMATIC"),
        ("semiautomatic", "SEMIAUTOMATIC"),
        ("manual", "MANUAL"),
        ("unknown", "SEMIAUTOMATIC"),
    ],
)
def test_the_origin_of_the_labels_is_told(tmp_path, veins, ct_headers, origin, kind):
    algorithm = Algorithm("TotalSegmentator", "2.7", ARTIFICIAL_INTELLIGENCE)
    seg = write_dicom_seg(
        replace(veins, origin=origin), ct_headers, tmp_path / "seg.dcm", algorithm=algorithm
    )
    segment = seg.SegmentSequence[0]
    assert segment.SegmentAlgorithmType == kind
    assert segment.get("SegmentAlgorithmName") == (None if kind == "MANUAL" else algorithm.name)


def test_the_same_segmentation_gets_the_same_uids(tmp_path, veins, ct_headers):
    first, again = (write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm") for _ in range(2))
    assert first.SOPInstanceUID == again.SOPInstanceUID
    edited = replace(veins, labels=np.where(veins.labels == 2, 0, veins.labels))
    other = write_dicom_seg(edited, ct_headers, tmp_path / "seg.dcm")
    assert other.SOPInstanceUID != first.SOPInstanceUID


REPORTS = (
    VesselReport(
        "ivc",
        (
            Quantity(
                sr_codes.LUMEN_AREA,
                265.125,
                sr_codes.SQUARE_MILLIMETRE,
                derivation=sr_codes.MINIMUM,
                low=250.0,
                high=281.0,
            ),
        ),
    ),
    VesselReport(
        "left_common_iliac_vein",
        (
            Quantity(sr_codes.AREA_STENOSIS, 62.5, sr_codes.PERCENT, method=sr_codes.AREA_METHOD),
            Quantity(sr_codes.SEGMENT_LENGTH, 1 / 3, sr_codes.MILLIMETRE),
        ),
        (Evaluation(sr_codes.FINDING, sr_codes.STENOSIS),),
    ),
    VesselReport("right_iliac_vein", (), (Evaluation(sr_codes.FINDING, sr_codes.OCCLUSION),)),
)


def test_highdicom_reads_the_structured_report(tmp_path, veins, ct_headers):
    seg = write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm", segmentation=seg)
    content = highdicom.sr.srread(tmp_path / "sr.dcm").content
    ivc, left = content.get_volumetric_roi_measurement_groups()
    (area,) = ivc.get_measurements()
    assert (area.name.value, area.value, area.unit.value) == ("397415007", 265.125, "mm2")
    assert area.derivation.meaning == "Minimum"
    stenosis, length = left.get_measurements()
    assert stenosis.method.meaning == "Area Based Method"
    assert length.value == pytest.approx(1 / 3, abs=1e-12)
    (site,) = left.finding_sites
    assert site.value.value == "46027005"
    assert site.laterality.meaning == "Left"
    assert left.reference_type == PydicomCode("121191", "DCM", "Referenced Segment")
    assert left.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
    assert left.tracking_uid == seg.SegmentSequence[1].TrackingUID
    (right,) = content.get_image_measurement_groups()
    assert right.tracking_identifier == "right_iliac_vein"
    assert right.get_qualitative_evaluations()[0].value.meaning == "occlusion"


def test_the_interval_has_the_unit_of_its_quantity(tmp_path, ct_headers):
    report = write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    text = str(report)
    assert "no units" not in text
    assert re.search(r"upper measurement uncertainty", text)


def test_a_report_without_a_segmentation_refers_to_no_segment(tmp_path, ct_headers):
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    content = highdicom.sr.srread(tmp_path / "sr.dcm").content
    assert len(content.get_image_measurement_groups()) == 3


def test_headers_that_contradict_one_another_are_refused_in_one_line(tmp_path, veins, ct_headers):
    ct_headers[1].ImageOrientationPatient = [0, 1, 0, 0, 0, 1]
    with pytest.raises(OutputError, match="contradict one another") as caught:
        write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    assert str(caught.value).startswith("seg.dcm: ")
    assert not (tmp_path / "seg.dcm").exists()


def test_nobody_is_named_unless_asked_for(tmp_path, veins, ct_headers):
    for header in ct_headers:
        for keyword, text in IDENTITY.items():
            setattr(header, keyword, text)
    for identified in (False, True):
        seg = write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm", identified=identified)
        write_structured_report(
            REPORTS, ct_headers, tmp_path / "sr.dcm", segmentation=seg, identified=identified
        )
        for name in ("seg.dcm", "sr.dcm"):
            content = (tmp_path / name).read_bytes()
            told = [text for text in IDENTITY.values() if text.encode() in content]
            assert ("Doe^Jane" in told) is identified
            assert ("MRN-4711" in told) is identified
            assert identified or told == []


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_the_objects_conform_to_the_standard(tmp_path, veins, ct_headers):
    seg = write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm", segmentation=seg)
    for name in ("seg.dcm", "sr.dcm"):
        told = subprocess.run(["dciodvfy", tmp_path / name], capture_output=True, text=True).stderr
        lines = [line for line in told.splitlines() if "needed to build DICOMDIR" not in line]
        assert [line for line in lines if line.startswith(("Error", "Warning"))] == []


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dcmtk is not installed")
def test_dcmtk_reads_the_structured_report(tmp_path, ct_headers):
    write_structured_report(REPORTS, ct_headers, tmp_path / "sr.dcm")
    shown = subprocess.run(
        ["dsrdump", tmp_path / "sr.dcm"], capture_output=True, text=True, check=True
    ).stdout
    assert '"265.125" (mm2,UCUM' in shown
    assert "Left" in shown


def test_results_without_dicom_images_are_refused(tmp_path, veins):
    with pytest.raises(OutputError, match="must refer to DICOM images"):
        write_dicom_seg(veins, [], tmp_path / "seg.dcm")


def test_images_without_uids_are_refused(tmp_path, veins, ct_headers):
    del ct_headers[2].SOPInstanceUID
    with pytest.raises(OutputError, match="no SOPInstanceUID"):
        write_dicom_seg(veins, ct_headers, tmp_path / "seg.dcm")


def test_an_empty_segmentation_is_refused(tmp_path, veins, ct_headers):
    empty = replace(veins, labels=np.zeros_like(veins.labels), stent=None)
    with pytest.raises(OutputError, match="empty segmentation"):
        write_dicom_seg(empty, ct_headers, tmp_path / "seg.dcm")


def test_an_empty_report_is_refused(tmp_path, ct_headers):
    with pytest.raises(OutputError, match="no measurement"):
        write_structured_report([VesselReport("ivc", ())], ct_headers, tmp_path / "sr.dcm")


def test_a_folder_that_does_not_exist_is_named_in_one_line(tmp_path, veins, ct_headers):
    missing = tmp_path / "absent"
    curve = MarkupCurve("ivc", np.zeros((2, 3)))
    for write in (
        lambda: write_seg_nrrd(veins, missing / "out"),
        lambda: write_dicom_seg(veins, ct_headers, missing / "out"),
        lambda: write_structured_report(REPORTS, ct_headers, missing / "out"),
        lambda: write_markups([curve], missing / "out"),
    ):
        with pytest.raises(OutputError, match="cannot be written"):
            write()


def test_centerlines_are_curves_in_lps_with_their_radii(tmp_path):
    points = np.array([[0.0, 1.0, 300.0], [0.5, 1.5, 290.0]])
    curves = [
        MarkupCurve("ivc", points, np.array([10.0, 9.5])),
        MarkupCurve("left_iliac_vein", points + 5),
    ]
    write_markups(curves, tmp_path / "centerlines.mrk.json")
    content = json.loads((tmp_path / "centerlines.mrk.json").read_text())
    ivc, left = content["markups"]
    assert ivc["type"] == "Curve"
    assert ivc["coordinateSystem"] == "LPS"
    assert ivc["name"] == "Inferior vena cava"
    assert [point["position"] for point in ivc["controlPoints"]] == points.tolist()
    assert ivc["measurements"][0]["controlPointValues"] == [10.0, 9.5]
    assert left["measurements"] == []
    seeds = read_seeds(tmp_path / "centerlines.mrk.json")
    assert [seed.lps_mm for seed in seeds[:2]] == [tuple(point) for point in points.tolist()]
