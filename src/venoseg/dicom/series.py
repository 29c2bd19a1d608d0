"""One series, or one part of a series, as `venoseg scan` lists it and as a volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset

from venoseg.dicom.assemble import read_frames, read_voxels
from venoseg.dicom.geometry import Stack, plane_affine
from venoseg.dicom.grouping import Slice
from venoseg.dicom.header import read_header
from venoseg.dicom.image import Image
from venoseg.dicom.progress import Progress
from venoseg.dicom.resample import resample_voxels
from venoseg.errors import InputError, SeriesError
from venoseg.volume import BoolArray, FloatArray, Source, Unit, Volume
from venoseg.volume_files import read_volume_file, read_volume_header

Kind = Literal["ct", "angiogram", "segmentation", "report", "other"]


@dataclass(frozen=True, slots=True, eq=False)
class OriginalSlice:
    """One slice as reconstructed.

    Attributes
    ----------
    values
        (rows, columns) float32, rescaled.
    missing
        (rows, columns) where nothing was measured; None when everything was.
    affine
        (3, 3): maps (row index, column index, 1) to LPS mm (x, y, z).
    sop_instance_uid
        Of the file it came from.
    """

    values: npt.NDArray[np.float32]
    missing: BoolArray | None
    affine: FloatArray
    sop_instance_uid: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A series, or the part of one whose images belong together; headers only until `read`.

    Attributes
    ----------
    study_uid, series_uid
        As in the headers; empty when they are silent.
    number
        Series number, None when the header is silent.
    part
        Which part of the series, from 1; None when the series is whole.
    kind, modality, description
        What it is; the description is the scanner's.
    phase
        ``arterial``, ``venous``, ``delayed``, ``native`` or empty, as far as the header tells.
    images
        Number of frames.
    rows, columns, spacing_mm
        Size of an image; distance of neighbouring (slices, rows, columns), None where unknown.
    thickness_mm, kernel
        As stated by the scanner.
    unit
        Of the values of a CT series.
    usable
        Whether it can become a volume or a run.
    used_by_default
        Whether it is what `Study.ct` takes when not told otherwise.
    problems
        What is wrong or remarkable with it, one sentence each.
    """

    study_uid: str
    series_uid: str
    number: int | None
    part: int | None
    kind: Kind
    modality: str
    description: str
    phase: str
    images: int
    rows: int | None
    columns: int | None
    spacing_mm: tuple[float | None, float | None, float | None]
    thickness_mm: float | None
    kernel: str
    unit: Unit
    usable: bool
    used_by_default: bool
    problems: tuple[str, ...]
    runs: tuple[Image, ...] = field(repr=False)
    slices: tuple[Slice, ...] = field(repr=False)
    stack: Stack | None = field(repr=False)
    file: Path | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """How messages name it: number and UID, never its description."""
        number = f"series {self.number}" if self.number is not None else "series"
        part = f", part {self.part}" if self.part is not None else ""
        return f"{number} ({self.series_uid or 'without UID'}{part})"

    def read(self, progress: Progress | None = None) -> Volume:
        """Read the voxels of a CT series.

        Parameters
        ----------
        progress
            Told how many of how many slices are read; what it raises ends the reading.

        Raises
        ------
        SeriesError
            When the series cannot become one correct volume; the message says why.
        DecodeError
            When the pixels of a file cannot be read with certainty.
        """
        if self.file is not None:
            return read_volume_file(self.file)
        if self.kind != "ct" or self.stack is None:
            reason = "; ".join(self.problems) if self.kind == "ct" else "it is no CT series"
            raise SeriesError(
                reason, where=self.name, remedy="`venoseg scan` lists what can be used"
            )
        try:
            read = resample_voxels if self.stack.slots is None else read_voxels
            voxels, missing = read(self.slices, self.stack, progress)
        except SeriesError as error:
            raise SeriesError(error.what, where=self.name, remedy=error.remedy) from error
        return Volume(
            voxels=voxels,
            grid=self.stack.grid,
            unit=self.unit,
            missing=missing,
            source=self._source(self.stack),
        )

    def originals(self) -> Iterator[OriginalSlice]:
        """Read the slices one by one as they were reconstructed, before any resampling.

        Raises
        ------
        DecodeError
            When the pixels of a file cannot be read with certainty.
        """
        for one, (values, missing) in zip(
            self.slices, read_frames(self.slices, np.dtype(np.float32)), strict=True
        ):
            yield OriginalSlice(values, missing, plane_affine(one.plane), one.image.sop_uid)

    def headers(self) -> tuple[FileDataset, ...]:
        """Read the full headers, without pixels, of the files in the order of their slices.

        A multi-frame file gives its one header once.
        """
        locations = dict.fromkeys(one.image.location for one in self.slices)
        found = []
        for location in locations:
            header = read_header(location)
            if header is None:
                raise InputError("the file is no longer DICOM", where=location.label)
            found.append(header)
        return tuple(found)

    def _source(self, stack: Stack) -> Source:
        uids = [""] * stack.grid.shape[0]
        for k, one in zip(stack.slots or (), self.slices, strict=False):
            uids[k] = one.image.sop_uid
        return Source(
            kind="DICOM",
            study_instance_uid=self.study_uid or None,
            series_instance_uid=self.series_uid or None,
            frame_of_reference_uid=self.slices[0].image.frame_of_reference_uid or None,
            modality=self.modality or None,
            convolution_kernel=self.kernel or None,
            slice_thickness_mm=self.thickness_mm,
            sop_instance_uids=tuple(uids) if stack.slots is not None else (),
            geometry_residual_mm=stack.residual_mm,
            gaps=stack.gaps,
            flags=stack.flags,
        )


def series_of_volume_file(path: Path) -> Series:
    """List a NIfTI or NRRD volume as a series of its own.

    Raises
    ------
    InputError
        When its header cannot be read or is not that of one 3-D scalar image.
    """
    grid = read_volume_header(path)
    slices, rows, columns = grid.shape
    step, down, across = (float(v) for v in grid.spacing_mm)
    return Series(
        study_uid="",
        series_uid="",
        number=None,
        part=None,
        kind="ct",
        modality="",
        description="",
        phase="",
        images=slices,
        rows=rows,
        columns=columns,
        spacing_mm=(step, down, across),
        thickness_mm=None,
        kernel="",
        unit="arbitrary",
        usable=True,
        used_by_default=True,
        problems=(),
        runs=(),
        slices=(),
        stack=None,
        file=path,
    )
