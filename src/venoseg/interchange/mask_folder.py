"""Labels from a folder that holds one mask per structure, as TotalSegmentator writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from venoseg.errors import LabelError
from venoseg.interchange.label_image import itk_grid, read_itk, whole_numbers
from venoseg.interchange.structures import LabelFile, Structure, cut_out
from venoseg.interchange.vein_names import name_from_text
from venoseg.volume import Grid

_SUFFIXES = (".nii.gz", ".nii", ".nrrd")


def read_mask_folder(folder: Path, names: Mapping[int, str] | None) -> LabelFile:
    """Read the masks whose file names are veins; see `venoseg.interchange.read_labels`.

    Raises
    ------
    LabelError
        When the folder holds no mask, label values are to be named, or a mask is not one.
    """
    if names is not None:
        raise LabelError(
            "in a folder of masks the files name the veins, not label values",
            where="label folder",
            remedy="leave --label-names out or give one label map",
        )
    masks = {
        path: path.name[: -len(suffix)]
        for path in sorted(folder.iterdir())
        for suffix in [next((s for s in _SUFFIXES if path.name.lower().endswith(s)), None)]
        if suffix is not None
    }
    if not masks:
        raise LabelError(
            "no NIfTI or NRRD mask in the folder",
            where="label folder",
            remedy="give a label map, or a folder with masks such as inferior_vena_cava.nii.gz",
        )
    named = {path: name for path, stem in masks.items() if (name := name_from_text(stem))}
    structures: list[Structure] = []
    grids: list[Grid] = []
    for path, name in named.items():
        structure, grid = _read_mask(path, name)
        structures += [structure] if structure else []
        grids.append(grid)
    others = tuple(stem for path, stem in masks.items() if path not in named)
    alike = bool(grids) and all(grid.matches(grids[0]) for grid in grids)
    return LabelFile(tuple(structures), others, grids[0] if alike else None)


def _read_mask(path: Path, name: str) -> tuple[Structure | None, Grid]:
    import SimpleITK as sitk

    image = read_itk(path)
    grid = itk_grid(image, path.name)
    array = sitk.GetArrayViewFromImage(image)
    if array.ndim != 3:
        raise LabelError(f"each voxel holds {array.shape[3]} values", where=path.name)
    values = whole_numbers(array, path.name)
    mask = values > 0
    if not np.array_equal(mask * values.max(), values):
        raise LabelError(
            "a mask of one structure holds one value besides 0, this file holds several",
            where=path.name,
            remedy="give the file itself as the label map",
        )
    return cut_out(name, "vein", mask, grid), grid
