"""CT volumes in one file: NIfTI and NRRD."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError
from venoseg.volume import BoolArray, Grid, Source, Unit, Volume

SUFFIXES: dict[str, Literal["NIfTI", "NRRD"]] = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
}
# Fat and air make every CT of a body reach below this; an image that does not is no CT in HU.
CT_REACHES_BELOW_HU = -50.0
# ... and bone, contrast medium and noise above this.
CT_REACHES_ABOVE_HU = 20.0
FILL = -1024
VOXELS_LIMIT = 4 * 2**30
NIFTI_2_HEADER_BYTES = 540
NIFTI_FLOATS = {16: "f4", 64: "f8"}


def volume_file_kind(path: Path) -> Literal["NIfTI", "NRRD"] | None:
    """Return the format a file's name promises, or None when it is no volume file."""
    name = path.name.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)


def read_volume_file(path: Path) -> Volume:
    """Read a scalar 3-D volume from a NIfTI or NRRD file.

    The unit is ``HU`` when the values are those of a CT: some below -50 (fat, air) and some above
    20. Neither format states a unit, so everything else (a label map, a normalised image) is
    ``arbitrary``. NaN and infinite voxels are missing. Whole-number values that fit become int16.

    Raises
    ------
    InputError
        When the file cannot be read, is not one 3-D scalar image, or has no proper geometry.
    """
    kind = volume_file_kind(path)
    if kind is None:
        raise InputError("is neither a NIfTI nor an NRRD file", where=str(path))
    array, grid = _read(path)
    voxels, missing = _values(array, _undefined(array, path, kind))
    return Volume(
        voxels=voxels,
        grid=grid,
        unit=_unit(voxels, missing),
        missing=missing,
        source=Source(kind=kind),
    )


def read_volume_header(path: Path) -> Grid:
    """Return the grid of a NIfTI or NRRD volume without reading its voxels.

    Raises
    ------
    InputError
        When the file cannot be read, is not one 3-D scalar image, or has no proper geometry.
    """
    return _grid(_open(path), path)


def _open(path: Path) -> Any:
    """Return an ITK reader that has read the header."""
    import SimpleITK as sitk

    if not path.is_file():
        raise InputError("there is no such file", where=str(path))
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _damaged(path) from error
    _check_header(reader.GetSize(), reader.GetNumberOfComponents(), path)
    return reader


def _grid(image: Any, path: Path) -> Grid:
    """Return the grid of an ITK image or opened reader; a fourth axis of length 1 is dropped."""
    matrix = np.asarray(image.GetDirection()).reshape(image.GetDimension(), -1)[:3, :3]
    try:
        return Grid.from_itk(
            image.GetSize()[:3],
            image.GetOrigin()[:3],
            image.GetSpacing()[:3],
            matrix.ravel().tolist(),
        )
    except InputError as error:
        raise InputError(error.what, where=str(path), remedy=error.remedy) from error


def _damaged(path: Path) -> InputError:
    return InputError(
        "the file is damaged or not what its name says",
        where=str(path),
        remedy="" if path.name == path.name.lower() else "write its suffix in small letters",
    )


def _read(path: Path) -> tuple[npt.NDArray[Any], Grid]:
    import SimpleITK as sitk

    reader = _open(path)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise _damaged(path) from error
    grid = _grid(image, path)
    return sitk.GetArrayFromImage(image).reshape(grid.shape), grid


def _check_header(size: tuple[int, ...], components: int, path: Path) -> None:
    if components != 1:
        raise InputError("it holds colours or vectors, not one value per voxel", where=str(path))
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise InputError(
            f"it holds a {len(size)}-D image where a 3-D volume is needed",
            where=str(path),
            remedy="save one phase as a volume of its own" if len(size) > 3 else "",
        )
    if min(size) < 2:
        raise InputError("it holds a single image, not a volume", where=str(path))
    if math.prod(size) > VOXELS_LIMIT:
        raise InputError("it states more voxels than any CT has", where=str(path))


def _undefined(array: npt.NDArray[Any], path: Path, kind: str) -> BoolArray | None:
    """Return where the file holds NaN or infinity, None when nowhere.

    ITK's NIfTI reader turns them into 0 without a word, so they are looked for in the file itself.
    """
    if array.dtype.kind != "f":
        return None
    raw = _nifti_floats(path, array.shape) if kind == "NIfTI" else array
    if raw is None:
        return None
    undefined: BoolArray = ~np.isfinite(raw)
    return undefined if undefined.any() else None


def _nifti_floats(path: Path, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """Return the stored floating point voxels of a NIfTI file; None when it stores integers."""
    with path.open("rb") as plain, gzip.open(plain) if _is_gzip(path) else plain as file:
        header = file.read(NIFTI_2_HEADER_BYTES)
        order = "<" if header[:4] in (b"\x5c\x01\0\0", b"\x1c\x02\0\0") else ">"
        if header[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
            (code,) = struct.unpack(order + "h", header[70:72])
            offset = int(struct.unpack(order + "f", header[108:112])[0])
        else:
            (code,) = struct.unpack(order + "h", header[12:14])
            (offset,) = struct.unpack(order + "q", header[168:176])
        if code not in NIFTI_FLOATS:
            return None
        dtype = np.dtype(order + NIFTI_FLOATS[code])
        file.seek(offset)
        raw = file.read(math.prod(shape) * dtype.itemsize)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise InputError("the file ends before its voxels do", where=str(path))
    return np.frombuffer(raw, dtype).reshape(shape)


def _is_gzip(path: Path) -> bool:
    return path.name.endswith(".gz")


def _values(
    array: npt.NDArray[Any], missing: BoolArray | None
) -> tuple[npt.NDArray[Any], BoolArray | None]:
    if missing is not None:
        array = np.where(missing, FILL, array)
    low, high = float(array.min()), float(array.max())
    fits = np.iinfo(np.int16).min <= low and high <= np.iinfo(np.int16).max
    if fits and (array.dtype.kind in "iub" or bool((array == np.rint(array)).all())):
        return array.astype(np.int16), missing
    return array.astype(np.float32), missing


def _unit(voxels: npt.NDArray[Any], missing: BoolArray | None) -> Unit:
    measured = voxels if missing is None else voxels[~missing]
    if measured.size == 0:
        return "arbitrary"
    reaches = measured.min() < CT_REACHES_BELOW_HU and measured.max() > CT_REACHES_ABOVE_HU
    return "HU" if reaches else "arbitrary"
