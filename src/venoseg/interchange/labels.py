"""Label maps that come in: any format, named, on the grid of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from venoseg.anatomy import BY_NAME, ILIAC_CODE, NAMES
from venoseg.errors import LabelError
from venoseg.interchange.placement import Placed, place
from venoseg.interchange.structures import LabelFile, Structure
from venoseg.interchange.vein_names import STENT, checked_name
from venoseg.segmentation.model import LabelArray, Segmentation
from venoseg.volume import BoolArray, Grid, Volume

_ITK_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr")
_LISTED = 12


def read_labels(
    path: str | Path,
    image: Volume | Grid | None = None,
    names: Mapping[int, str] | None = None,
) -> Segmentation:
    """Read a label map and put it onto the grid of an image.

    Reads NIfTI, NRRD (``.seg.nrrd`` with its names and layers), DICOM SEG (binary, fractional and
    label map) and a folder of one mask per structure as TotalSegmentator writes it. The veins are
    recognised by their DICOM codes, by the file's own names, or, where a file has no names and its
    values look like the task "total" of TotalSegmentator 2, by that list.

    Parameters
    ----------
    path
        The file, or a folder of masks.
    image
        The volume the labels belong to, or its grid. None leaves them on the grid of the file.
    names
        Label value (segment number in DICOM) to the name of a vein, or ``stent``; overrides
        whatever the file says.

    Returns
    -------
    Segmentation
        Label values are 1 + the position of the vein in `venoseg.anatomy.NAMES`. Its flags can be
        ``labels_resampled`` (the file has another grid), ``labels_cut`` (a vein reaches beyond
        the image), ``labels_overlap`` (veins shared voxels; the more specific one kept them),
        ``lumen_segments_used`` (a vein was drawn as lumen and as a whole; the lumen was taken)
        and ``names_from_totalsegmentator_values``.

    Raises
    ------
    LabelError
        When the file cannot be read as labels, holds no vein, or does not overlap the image.
    UsageError
        When a name in ``names`` is not known.
    """
    path = Path(path)
    for name in (names or {}).values():
        checked_name(name)
    found = _read_any(path, names)
    if not any(structure.name != STENT for structure in found.structures):
        raise LabelError(
            f"no vein among the labels ({_listed(found.others)})",
            where=path.name,
            remedy="name them, for example --label-names 1=ivc,2=left_common_iliac_vein",
        )
    if isinstance(image, Volume):
        _check_frame_of_reference(found, image, path.name)
    grid = found.grid if image is None else image.grid if isinstance(image, Volume) else image
    if grid is None:
        raise LabelError(
            "the masks in the folder have several grids",
            where="label folder",
            remedy="give the image they belong to",
        )
    return _compose(found, grid, path.name)


def _read_any(path: Path, names: Mapping[int, str] | None) -> LabelFile:
    if not path.exists():
        raise LabelError("no such label file or folder", where=path.name)
    if path.is_dir():
        from venoseg.interchange.mask_folder import read_mask_folder

        return read_mask_folder(path, names)
    if path.name.lower().endswith(_ITK_SUFFIXES):
        from venoseg.interchange.label_image import read_label_image

        return read_label_image(path, names)
    from venoseg.interchange.seg_in import read_dicom_seg

    return read_dicom_seg(path, names)


def _listed(others: Sequence[str]) -> str:
    if not others:
        return "every label is empty"
    shown = ", ".join(others[:_LISTED])
    return shown if len(others) <= _LISTED else f"{shown} and {len(others) - _LISTED} more"


def _check_frame_of_reference(found: LabelFile, image: Volume, where: str) -> None:
    theirs, ours = found.frame_of_reference_uid, image.source.frame_of_reference_uid
    if theirs and ours and theirs != ours:
        raise LabelError(
            "the labels were drawn in another frame of reference than the image",
            where=where,
            remedy="give the labels of this series; if you know that both lie on one another, "
            "export the labels as NRRD",
        )


def _compose(found: LabelFile, grid: Grid, where: str) -> Segmentation:
    structures, flags = _lumens_first(found.structures)
    flags = [*found.flags, *flags]
    placed = []
    for structure in structures:
        one = place(structure, grid)
        if one is None or one.cut:
            flags.append("labels_cut")
        if one is not None:
            placed.append(one)
    veins = [one for one in placed if one.name != STENT]
    if not veins:
        raise LabelError(
            "the labels do not overlap the image",
            where=where,
            remedy="give the labels that were drawn on this image",
        )
    labels, overlap = _merged(veins, grid)
    if overlap:
        flags.append("labels_overlap")
    if any(one.resampled for one in placed):
        flags.append("labels_resampled")
    present = {one.name for one in veins}
    return Segmentation(
        labels,
        grid,
        {NAMES.index(name) + 1: name for name in NAMES if name in present},
        origin=found.origin,
        stent=_stent(placed, grid),
        flags=tuple(dict.fromkeys(flags)),
    )


def _lumens_first(structures: Sequence[Structure]) -> tuple[list[Structure], list[str]]:
    """Drop whole veins that are drawn as lumen too: it is the lumen that is measured."""
    lumens = {s.name for s in structures if s.kind == "lumen"}
    kept = [s for s in structures if s.kind != "vein" or s.name not in lumens]
    return kept, ["lumen_segments_used"] if len(kept) < len(structures) else []


def _merged(veins: Sequence[Placed], grid: Grid) -> tuple[LabelArray, bool]:
    """Give each voxel that the veins fill by half or more to the vein that fills most of it."""
    low = np.min([[s.start for s in one.box] for one in veins], axis=0)
    high = np.max([[s.stop for s in one.box] for one in veins], axis=0)
    total = np.zeros(high - low, dtype=np.float32)
    best = np.zeros_like(total)
    winner = np.zeros(total.shape, dtype=np.uint8)
    overlap = False
    # Equal fractions (one vein drawn inside another) go to the vein that comes first here.
    for one in sorted(veins, key=_specific_first):
        part = tuple(slice(s.start - o, s.stop - o) for s, o in zip(one.box, low, strict=True))
        value = NAMES.index(one.name) + 1
        # The fractions of masks that share no voxel add up to 1 at most.
        shared = (best[part] > 0.51) & (one.fraction > 0.51) & (winner[part] != value)
        overlap |= bool(shared.any())
        total[part] += one.fraction
        better = one.fraction > best[part]
        best[part][better] = one.fraction[better]
        winner[part][better] = value
    labels = np.zeros(grid.shape, dtype=np.uint8)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    labels[box] = np.where(total >= 0.5, winner, 0)
    return labels, overlap


def _specific_first(one: Placed) -> tuple[bool, int]:
    return BY_NAME[one.name].code == ILIAC_CODE, NAMES.index(one.name)


def _stent(placed: Sequence[Placed], grid: Grid) -> BoolArray | None:
    stents = [one for one in placed if one.name == STENT]
    if not stents:
        return None
    metal = np.zeros(grid.shape, dtype=np.bool_)
    for one in stents:
        metal[one.box] |= one.fraction >= 0.5
    return metal
