"""Segmentations as DICOM SEG."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from venoseg.anatomy import BY_NAME, LATERALITY_CODES, Code, Side
from venoseg.errors import OutputError
from venoseg.interchange.dicom_codes import STENT_CODE
from venoseg.interchange.nrrd_out import STENT_RGB, STENT_TITLE
from venoseg.interchange.provenance import GIVEN_LABELS, Algorithm, equipment, site_uid
from venoseg.interchange.source_headers import odd_headers_refused, source_headers
from venoseg.interchange.structures import label_boxes
from venoseg.interchange.vein_names import STENT
from venoseg.segmentation.model import Origin, Segmentation
from venoseg.volume import BoolArray, Grid

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

_ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
_OBJECT = Code("260787004", "SCT", "Physical object")

# DICOM has no word for "unknown"; labels of unknown origin are not claimed to be a machine's or
# a person's alone.
_ALGORITHM_TYPES: dict[Origin, str] = {
    "automatic": "AUTOMATIC",
    "semiautomatic": "SEMIAUTOMATIC",
    "manual": "MANUAL",
    "unknown": "SEMIAUTOMATIC",
}
_SERIES_NUMBER = 900


def write_dicom_seg(
    segmentation: Segmentation,
    headers: Sequence[Dataset],
    path: str | Path,
    *,
    algorithm: Algorithm = GIVEN_LABELS,
    identified: bool = False,
    tracking_root: str | None = None,
) -> Dataset:
    """Write a segmentation as a binary DICOM SEG of the series it was drawn on.

    Veins carry their SNOMED CT codes and side, stents the veins they lie in. UIDs follow from the
    series and the voxels: the same segmentation gets the same ones again.

    Parameters
    ----------
    segmentation
        On the grid of the series, or on another grid in the same frame of reference.
    headers
        Of all images of the series, without pixels.
    algorithm
        What drew the labels.
    identified
        Whether the patient's identity and the dates are taken over from the headers.
    tracking_root
        What the tracking UIDs follow from, the same for all visits of a patient; None: the frame of
        reference.

    Returns
    -------
    pydicom.dataset.Dataset
        What was written, for a report to refer to.

    Raises
    ------
    OutputError
        When the segmentation is empty, the headers lack what the object must refer to, or the file
        cannot be written.
    """
    path = Path(path)
    with odd_headers_refused(path.name):
        seg = dicom_seg(
            segmentation,
            headers,
            algorithm=algorithm,
            identified=identified,
            tracking_root=tracking_root,
        )
    try:
        seg.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OutputError("the segmentation cannot be written", where=path.name) from error
    return seg


def dicom_seg(
    segmentation: Segmentation,
    headers: Sequence[Dataset],
    *,
    algorithm: Algorithm = GIVEN_LABELS,
    identified: bool = False,
    tracking_root: str | None = None,
) -> Dataset:
    """Return what `write_dicom_seg` writes."""
    import highdicom
    from highdicom.seg import Segmentation as SegObject

    sources = source_headers(headers, identified=identified)
    pixels, names, grid = _frames(segmentation)
    frame_of_reference = sources[0].FrameOfReferenceUID
    entropy = [sources[0].SeriesInstanceUID, *names, _digest(segmentation)]
    entropy += [tracking_root] if tracking_root else []
    volume = highdicom.Volume(
        pixels,
        grid.affine,
        "PATIENT",
        frame_of_reference,
        channels={"SegmentNumber": range(1, len(names) + 1)} if pixels.ndim == 4 else None,
    )
    seg: Dataset = SegObject(
        sources,
        volume,
        "BINARY",
        [
            _description(number, name, segmentation, algorithm, tracking_root or frame_of_reference)
            for number, name in enumerate(names, start=1)
        ],
        series_instance_uid=generate_uid(entropy_srcs=["series", *entropy]),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(entropy_srcs=["instance", *entropy]),
        instance_number=1,
        series_description="Veins",
        content_label="VEINS",
        **equipment(),
    )
    return seg


def _frames(segmentation: Segmentation) -> tuple[npt.NDArray[np.uint8], list[str], Grid]:
    """Return the slices that hold something, what their segments are, and their grid.

    The pixels are (slices, rows, columns) segment numbers, or (slices, rows, columns, segments)
    where a stent shares voxels with the veins.
    """
    stent = segmentation.stent
    filled = (segmentation.labels > 0).any(axis=(1, 2))
    if stent is not None:
        filled = filled | stent.any(axis=(1, 2))
    present = np.flatnonzero(filled)
    if present.size == 0:
        raise OutputError("an empty segmentation cannot be written as DICOM")
    box = (
        slice(int(present[0]), int(present[-1]) + 1),
        slice(0, segmentation.grid.shape[1]),
        slice(0, segmentation.grid.shape[2]),
    )
    labels = segmentation.labels[box]
    boxes = label_boxes(labels)
    found = sorted(boxes)
    names = [segmentation.names[value] for value in found if value in segmentation.names]
    numbers = np.zeros(256, dtype=np.uint8)
    numbers[[value for value in found if value in segmentation.names]] = range(1, len(names) + 1)
    pixels = np.zeros_like(labels)
    for place in boxes.values():
        pixels[place] = numbers[labels[place]]
    if stent is not None and stent.any():
        pixels = _with_stent(pixels, len(names), stent[box])
        names.append(STENT)
    return pixels, names, segmentation.grid.crop(box)


def _with_stent(
    numbers: npt.NDArray[np.uint8], veins: int, stent: BoolArray
) -> npt.NDArray[np.uint8]:
    """Return one mask a segment along a fourth axis, the stent's last."""
    masks = np.empty((veins + 1, *numbers.shape), dtype=np.uint8)
    for number in range(1, veins + 1):
        np.equal(numbers, number, out=masks[number - 1], casting="unsafe")
    masks[veins] = stent
    return np.moveaxis(masks, 0, -1)


def _digest(segmentation: Segmentation) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(segmentation.labels).data)
    if segmentation.stent is not None:
        digest.update(np.packbits(segmentation.stent).data)
    return digest.hexdigest()


def _description(
    number: int, name: str, segmentation: Segmentation, algorithm: Algorithm, root: str
) -> SegmentDescription:
    import highdicom
    from highdicom.seg import SegmentDescription

    vessel = BY_NAME.get(name)
    kind = _ALGORITHM_TYPES[segmentation.origin]
    drawn_by = highdicom.AlgorithmIdentificationSequence(
        algorithm.name, _concept(algorithm.family), algorithm.version
    )
    description = SegmentDescription(
        number,
        STENT_TITLE if vessel is None else vessel.title,
        _concept(_OBJECT if vessel is None else _ANATOMY),
        _concept(STENT_CODE if vessel is None else vessel.code),
        kind,
        None if kind == "MANUAL" else drawn_by,
        tracking_uid=site_uid(root, name),
        tracking_id=name,
        display_color=highdicom.color.CIELabColor.from_rgb(
            *(STENT_RGB if vessel is None else vessel.colour_rgb)
        ),
    )
    if vessel is None:
        description.AnatomicRegionSequence = _stented_veins(segmentation)
    elif vessel.side is not None:
        kind_code = description.SegmentedPropertyTypeCodeSequence[0]
        kind_code.SegmentedPropertyTypeModifierCodeSequence = [_side(vessel.side)]
    return description


def _stented_veins(segmentation: Segmentation) -> list[Any]:
    """Return the codes of the veins that share voxels with the stents."""
    regions = []
    values = np.unique(segmentation.labels[segmentation.stent]).tolist()
    for value, name in segmentation.names.items():
        if value in values:
            region = _concept(BY_NAME[name].code)
            side = BY_NAME[name].side
            if side is not None:
                region.AnatomicRegionModifierSequence = [_side(side)]
            regions.append(region)
    return regions


def _side(side: Side) -> Any:
    return _concept(LATERALITY_CODES[side])


def _concept(code: Code) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)
