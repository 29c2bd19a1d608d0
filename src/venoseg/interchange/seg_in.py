"""Labels from a DICOM segmentation: binary, fractional or label map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset

from venoseg.errors import InputError, LabelError
from venoseg.interchange.dicom_codes import SegmentMeaning, segment_meaning
from venoseg.interchange.structures import LabelFile, Structure, cut_out
from venoseg.segmentation.model import Origin
from venoseg.volume import BoolArray, FloatArray, Grid

_SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_ORIGINS: dict[str, Origin] = {
    "AUTOMATIC": "automatic",
    "SEMIAUTOMATIC": "semiautomatic",
    "MANUAL": "manual",
}
# Largest departure of a frame from its place on the regular grid, as a part of the slice step.
_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """Where each frame of the object lies and which segment it shows.

    ``slices`` and ``segments`` have one entry a frame; a segment is None in a label map, whose
    frames show all of them.
    """

    grid: Grid
    slices: tuple[int, ...]
    segments: tuple[int | None, ...]


def read_dicom_seg(path: Path, names: Mapping[int, str] | None) -> LabelFile:
    """Read the veins of a DICOM segmentation; see `venoseg.interchange.read_labels`."""
    dataset = _read_dataset(path)
    try:
        return _label_file(dataset, names, path.name)
    except (AttributeError, IndexError, KeyError) as error:
        raise LabelError(
            "the DICOM segmentation lacks an attribute that it must have",
            where=path.name,
            remedy="write it again from the program it came from",
        ) from error


def _read_dataset(path: Path) -> FileDataset:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(path)
    except (InvalidDicomError, OSError, EOFError) as error:
        raise LabelError(
            "is neither NIfTI, NRRD nor DICOM", where=path.name, remedy="give a label map"
        ) from error
    if dataset.get("SOPClassUID") not in _SEGMENTATION_CLASSES:
        raise LabelError(
            f"is a DICOM object of modality {dataset.get('Modality', 'unknown')}, not a "
            "segmentation",
            where=path.name,
            remedy="give a DICOM SEG, NIfTI or NRRD label map",
        )
    return dataset


def _label_file(dataset: Dataset, names: Mapping[int, str] | None, where: str) -> LabelFile:
    frames = _frames(dataset, where)
    structures: list[Structure] = []
    others = []
    kinds = set()
    for segment in dataset.SegmentSequence:
        number = int(segment.SegmentNumber)
        text = f"{number} {segment.get('SegmentLabel', '')}".strip()
        meaning = _meaning(segment, names)
        if meaning is None:
            others.append(text)
            continue
        mask = _mask(dataset, number, frames, where)
        structure = cut_out(meaning.name, meaning.kind, mask, frames.grid)
        if structure is not None:
            structures.append(structure)
            kinds.add(_ORIGINS.get(segment.get("SegmentAlgorithmType", ""), "unknown"))
    return LabelFile(
        tuple(structures),
        tuple(others),
        frames.grid,
        origin=_origin(kinds),
        frame_of_reference_uid=dataset.get("FrameOfReferenceUID"),
    )


def _meaning(segment: Dataset, names: Mapping[int, str] | None) -> SegmentMeaning | None:
    if names is None:
        return segment_meaning(segment)
    name = names.get(int(segment.SegmentNumber))
    return None if name is None else SegmentMeaning(name, "vein")


def _origin(kinds: set[Origin]) -> Origin:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "unknown" if "unknown" in kinds or not kinds else "semiautomatic"


def _frames(dataset: Dataset, where: str) -> _Frames:
    shared = dataset.SharedFunctionalGroupsSequence[0]
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    orientations = _each(shared, per_frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacings = _each(shared, per_frame, "PixelMeasuresSequence", "PixelSpacing")
    positions = _each(shared, per_frame, "PlanePositionSequence", "ImagePositionPatient")
    if np.ptp(orientations, axis=0).max() > 1e-4 or np.ptp(spacings, axis=0).max() > 1e-4:
        raise LabelError("the frames of the segmentation are not parallel", where=where)
    measures = _group(shared, per_frame[0], "PixelMeasuresSequence")
    grid, slices = _grid(dataset, orientations[0], spacings[0], positions, measures, where)
    return _Frames(grid, slices, tuple(_segment_numbers(dataset, shared, per_frame)))


def _group(shared: Dataset, frame: Dataset, name: str) -> Dataset:
    item: Dataset = (frame if name in frame else shared)[name][0]
    return item


def _each(shared: Dataset, per_frame: Sequence[Dataset], group: str, keyword: str) -> FloatArray:
    values = [[float(v) for v in _group(shared, f, group)[keyword].value] for f in per_frame]
    return np.array(values, dtype=np.float64)


def _segment_numbers(
    dataset: Dataset, shared: Dataset, per_frame: Sequence[Dataset]
) -> Iterator[int | None]:
    for frame in per_frame:
        if dataset.SegmentationType == "LABELMAP":
            yield None
        else:
            group = _group(shared, frame, "SegmentIdentificationSequence")
            yield int(group.ReferencedSegmentNumber)


def _grid(
    dataset: Dataset,
    orientation: FloatArray,
    spacing: FloatArray,
    positions: FloatArray,
    measures: Dataset,
    where: str,
) -> tuple[Grid, tuple[int, ...]]:
    """Return the regular grid of the frames and the slice of each."""
    along_row, along_column = orientation[:3], orientation[3:]
    normal = np.cross(along_row, along_column)
    heights = positions @ normal
    lowest = int(heights.argmin())
    step = _slice_step(heights, measures)
    slices = (heights - heights[lowest]) / step
    sideways = positions - positions[lowest] - np.outer(heights - heights[lowest], normal)
    if (
        np.abs(slices - np.rint(slices)).max() > _TOLERANCE
        or np.abs(sideways).max() > _TOLERANCE * step
    ):
        raise LabelError(
            "the frames of the segmentation do not lie on a regular grid",
            where=where,
            remedy="resample it in the program it came from",
        )
    try:
        grid = Grid.from_axes(
            (round(slices.max()) + 1, int(dataset.Rows), int(dataset.Columns)),
            spacing_mm=(step, spacing[0], spacing[1]),
            origin_lps_mm=positions[lowest],
            directions=np.stack([normal, along_column, along_row], axis=1),
        )
    except InputError as error:
        raise LabelError(error.what, where=where, remedy=error.remedy) from error
    return grid, tuple(int(k) for k in np.rint(slices))


def _slice_step(heights: FloatArray, measures: Dataset) -> float:
    """Return the distance of slices: as stated where the frames agree with it, else measured.

    Empty frames are left out of most segmentations, so neighbouring frames may be several slices
    apart.
    """
    steps = np.diff(np.unique(np.round(heights, 4)))
    stated = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 0.0
    stated = abs(float(stated))
    if steps.size == 0:
        return stated or 1.0
    if stated > 0:
        multiples = steps / stated
        if np.rint(multiples).min() >= 1 and np.abs(multiples - np.rint(multiples)).max() < 0.02:
            return float(steps[0] / np.rint(multiples[0]))
    return float(steps.min())


def _mask(dataset: Dataset, number: int, frames: _Frames, where: str) -> BoolArray:
    mask = np.zeros(frames.grid.shape, dtype=np.bool_)
    wanted = [n for n, segment in enumerate(frames.segments) if segment in (None, number)]
    for frame, plane in zip(wanted, _decoded(dataset, wanted, where), strict=True):
        k = frames.slices[frame]
        if dataset.SegmentationType == "LABELMAP":
            mask[k] |= plane == number
        elif dataset.SegmentationType == "FRACTIONAL":
            mask[k] |= plane >= 0.5 * int(dataset.MaximumFractionalValue)
        else:
            mask[k] |= plane > 0
    return mask


def _decoded(dataset: Dataset, frames: Sequence[int], where: str) -> Iterator[npt.NDArray[Any]]:
    from pydicom.pixels.utils import iter_pixels

    packed = dataset.BitsAllocated == 1 and not dataset.file_meta.TransferSyntaxUID.is_compressed
    if not frames:
        return
    try:
        if packed:
            yield from (_unpacked(dataset, frame) for frame in frames)
        else:
            yield from iter_pixels(dataset, indices=list(frames), raw=True)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise LabelError(
            "the pixels of the segmentation cannot be decoded; the file is damaged or cut short",
            where=where,
            remedy="export it again",
        ) from error


def _unpacked(dataset: Dataset, frame: int) -> npt.NDArray[np.uint8]:
    """Return one frame of one bit a pixel; frames follow each other without filling bits.

    pydicom decodes single frames of this kind only where they begin at a whole byte.
    """
    shape = (int(dataset.Rows), int(dataset.Columns))
    first = frame * shape[0] * shape[1]
    last = first + shape[0] * shape[1]
    packed = np.frombuffer(dataset.PixelData, dtype=np.uint8)[first // 8 : (last + 7) // 8]
    bits = np.unpackbits(packed, bitorder="little")
    return bits[first % 8 : first % 8 + last - first].reshape(shape)
