"""Labels from one NIfTI or NRRD file."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.errors import InputError, LabelError
from venoseg.interchange.structures import LabelFile, Structure, cut_out
from venoseg.interchange.vein_names import (
    TOTAL_SEGMENTATOR,
    TOTAL_SEGMENTATOR_HIGHEST,
    name_from_terminology,
    name_from_text,
)
from venoseg.volume import Grid

if TYPE_CHECKING:
    import SimpleITK

_HIGHEST_LABEL = 65535
_NIFTI_HEADER_BYTES = 348
_LONGEST_LABEL_TABLE_BYTES = 4_000_000
_LABEL_TABLE_ENTRY = re.compile(
    r'<Label\s[^>]*?Key="([0-9]{1,9})"[^>]*>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Segment:
    """One label value in one layer, with what the file calls it."""

    layer: int
    value: int
    text: str = ""
    tags: str = ""

    @property
    def shown(self) -> str:
        return f"{self.value} {self.text}".strip()

    def name(self) -> str | None:
        return name_from_text(self.text) or name_from_terminology(self.tags)


def read_label_image(path: Path, names: Mapping[int, str] | None) -> LabelFile:
    """Read the veins of a NIfTI or NRRD label map; see `venoseg.interchange.read_labels`."""
    image = read_itk(path)
    layers = _layers(image, path.name)
    grid = itk_grid(image, path.name)
    table = _segment_table(image, path)
    found = []
    for number, layer in enumerate(layers):
        boxes = ndimage.find_objects(layer)
        for value, box in enumerate(boxes, start=1):
            if box is not None:
                segment = table.get((number, value), _Segment(number, value))
                found.append((segment, box))
    segments = [segment for segment, _ in found]
    chosen, flags = _chosen_names(segments, named=bool(table), names=names, where=path.name)
    structures: list[Structure] = []
    for segment, box in found:
        name = chosen.get(segment)
        if name is not None:
            mask = layers[segment.layer][box] == segment.value
            structure = cut_out(name, "vein", mask, grid.crop(box))
            structures += [structure] if structure else []
    if "names_from_totalsegmentator_values" in flags:
        _check_sides(structures, path.name)
    others = tuple(segment.shown for segment in segments if segment not in chosen)
    return LabelFile(tuple(structures), others, grid, flags=flags)


def read_itk(path: Path) -> SimpleITK.Image:
    """Read a 3-D NIfTI or NRRD file.

    Raises
    ------
    LabelError
        When it cannot be read or is not three-dimensional.
    """
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise LabelError(
            "cannot be read as NIfTI or NRRD; the file is damaged or its axes are not "
            "perpendicular",
            where=path.name,
            remedy="write it again from the program it came from",
        ) from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() != 3:
        raise LabelError(
            f"a label map has three dimensions, this file has {image.GetDimension()}",
            where=path.name,
            remedy="write one 3-D label map",
        )
    return image


def itk_grid(image: SimpleITK.Image, where: str) -> Grid:
    """Return the grid of an ITK image.

    Raises
    ------
    LabelError
        When its geometry is not one of a regular grid.
    """
    try:
        return Grid.from_itk(
            image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection()
        )
    except InputError as error:
        raise LabelError(error.what, where=where, remedy=error.remedy) from error


def whole_numbers(array: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Return (slices, rows, columns) labels as an unsigned or signed integer array.

    Raises
    ------
    LabelError
        When a value is NaN, a fraction, negative or above 65535: the file is then no label map.
    """
    lowest, highest = array.min(), array.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise LabelError("the labels hold NaN or infinite values", where=where)
    if lowest < 0 or highest > _HIGHEST_LABEL:
        raise LabelError(
            f"values from {lowest:g} to {highest:g} are no labels",
            where=where,
            remedy="give the label map, not the image",
        )
    if array.dtype.kind in "ui":
        return array
    labels = np.empty(array.shape, dtype=np.uint16)
    for k, plane in enumerate(array):
        labels[k] = plane
        if (labels[k] != plane).any():
            raise LabelError(
                "the labels are not whole numbers",
                where=where,
                remedy="give the label map, not an image or a probability map",
            )
    return labels


def _layers(image: SimpleITK.Image, where: str) -> list[npt.NDArray[Any]]:
    import SimpleITK as sitk

    array = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() == 1:
        return [whole_numbers(array, where)]
    if "Segment0_LabelValue" not in image.GetMetaDataKeys():
        raise LabelError(
            f"each voxel holds {array.shape[3]} values",
            where=where,
            remedy="write one 3-D label map",
        )
    return [whole_numbers(array[..., c], where) for c in range(array.shape[3])]


def _segment_table(image: SimpleITK.Image, path: Path) -> dict[tuple[int, int], _Segment]:
    """Return what the file itself says about (layer, value); empty when it says nothing."""
    keys = set(image.GetMetaDataKeys())
    segments = []
    for number in range(len(keys)):
        if f"Segment{number}_LabelValue" not in keys:
            break
        value, layer, name, tags = (
            image.GetMetaData(key) if (key := f"Segment{number}_{part}") in keys else ""
            for part in ("LabelValue", "Layer", "Name", "Tags")
        )
        segments.append(_Segment(_whole(layer), _whole(value), name, tags))
    if not segments and path.name.lower().endswith((".nii", ".nii.gz")):
        segments = [_Segment(0, value, text) for value, text in _nifti_label_table(path).items()]
    return {(segment.layer, segment.value): segment for segment in segments}


def _whole(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def _nifti_label_table(path: Path) -> dict[int, str]:
    """Return value -> name from the XML label table that some programs put into the header."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        head = file.read(_NIFTI_HEADER_BYTES + 4)
        order = "<" if head[:4] == struct.pack("<i", _NIFTI_HEADER_BYTES) else ">"
        if head[:4] != struct.pack(f"{order}i", _NIFTI_HEADER_BYTES) or head[348:349] != b"\x01":
            return {}
        (offset,) = struct.unpack(f"{order}f", head[108:112])
        length = int(min(max(offset - len(head), 0), _LONGEST_LABEL_TABLE_BYTES))
        text = file.read(length).decode("utf-8", errors="replace")
    entries = _LABEL_TABLE_ENTRY.findall(text)
    return {int(value): (quoted or plain).strip() for value, quoted, plain in entries}


def _chosen_names(
    segments: Sequence[_Segment],
    *,
    named: bool,
    names: Mapping[int, str] | None,
    where: str,
) -> tuple[dict[_Segment, str], tuple[str, ...]]:
    if names is not None:
        values = [segment.value for segment in segments]
        doubled = sorted(value for value in names if values.count(value) > 1)
        if doubled:
            raise LabelError(
                f"label {doubled[0]} stands for several structures in this file's layers",
                where=where,
                remedy="name the segments in the file instead",
            )
        return {s: names[s.value] for s in segments if s.value in names}, ()
    if named:
        return {s: name for s in segments if (name := s.name()) is not None}, ()
    values = [segment.value for segment in segments]
    if values and max(values) <= TOTAL_SEGMENTATOR_HIGHEST:
        chosen = {s: TOTAL_SEGMENTATOR[s.value] for s in segments if s.value in TOTAL_SEGMENTATOR}
        if chosen:
            return chosen, ("names_from_totalsegmentator_values",)
    return {}, ()


def _check_sides(structures: Sequence[Structure], where: str) -> None:
    """Refuse values that merely look like TotalSegmentator's: its left must lie on the left."""
    x_mm = {
        s.name: s.grid.to_lps(np.argwhere(s.mask).mean(axis=0))[0]
        for s in structures
        if s.name in ("left_iliac_vein", "right_iliac_vein")
    }
    if len(x_mm) == 2 and x_mm["left_iliac_vein"] <= x_mm["right_iliac_vein"]:
        raise LabelError(
            "labels 67 and 68 are not TotalSegmentator's left and right iliac vein: 67 lies on "
            "the patient's right",
            where=where,
            remedy="say what the labels are with --label-names, and check the file's orientation",
        )
