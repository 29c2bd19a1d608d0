"""One angiographic run: XA, RF and their enhanced forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.dicom.calibration import Calibration
from venoseg.dicom.image import Image
from venoseg.dicom.pixels import open_frames
from venoseg.dicom.values import meaningful_bits
from venoseg.errors import SeriesError
from venoseg.volume import BoolArray, FloatArray

Frame = npt.NDArray[Any]
BiplaneRole = Literal["single", "A", "B"]
MaskOperation = Literal["NONE", "AVG_SUB", "TID", "REV_TID"]


@dataclass(frozen=True, slots=True)
class Mask:
    """One item of the mask module: which frames to subtract from which. Frames count from 0.

    Attributes
    ----------
    operation
        ``NONE``, ``AVG_SUB``, ``TID`` or ``REV_TID``.
    applies_to
        (first, last) frames it is meant for; empty for all.
    mask_frames
        For ``AVG_SUB``: the frames whose mean is the mask.
    contrast_averaging
        How many frames, from the current one on, are averaged before subtraction.
    sub_pixel_shift
        (row, column) shift of the mask as stated; the sign of the column is the standard's.
    tid_offset
        For ``TID`` and ``REV_TID``.
    """

    operation: MaskOperation
    applies_to: tuple[tuple[int, int], ...] = ()
    mask_frames: tuple[int, ...] = ()
    contrast_averaging: int = 1
    sub_pixel_shift: tuple[float, float] = (0.0, 0.0)
    tid_offset: int = 1


@dataclass(frozen=True, slots=True)
class Shutter:
    """One shape that the display shutter leaves open; the rest of the image is no measurement.

    Attributes
    ----------
    shape
        ``RECTANGULAR``, ``CIRCULAR`` or ``POLYGONAL``.
    numbers
        Rectangle: (left, right, upper, lower) edges; circle: (row, column, radius) of the centre;
        polygon: row, column of each vertex. Counted from 1 as in the standard.
    """

    shape: Literal["RECTANGULAR", "CIRCULAR", "POLYGONAL"]
    numbers: tuple[int, ...]

    def open_area(self, rows: int, columns: int) -> BoolArray:
        """Return (rows, columns), True where the shutter leaves the image open."""
        row, column = np.mgrid[1 : rows + 1, 1 : columns + 1]
        if self.shape == "RECTANGULAR":
            left, right, upper, lower = self.numbers
            return np.asarray((column > left) & (column < right) & (row > upper) & (row < lower))
        if self.shape == "CIRCULAR":
            centre_row, centre_column, radius = self.numbers
            distance = np.hypot(row - centre_row, column - centre_column)
            return np.asarray(distance <= radius)
        from skimage.draw import polygon2mask

        vertices = np.array(self.numbers).reshape(-1, 2) - 1
        area = polygon2mask((rows, columns), vertices)
        return np.asarray(area, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class StatedDevice:
    """A device of known size that the header says lies in the picture.

    ``marker_mm``: distance of its marker bands; ``diameter_mm``: outer diameter of a catheter; None
    where the header is silent.
    """

    marker_mm: float | None
    diameter_mm: float | None


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """What the machine did to the image on its way from the detector.

    Attributes
    ----------
    rotation_degrees, horizontal_flip
        Applied to the image as stored.
    origin, dimensions_mm, shape
        As stated; None or empty when the header is silent.
    """

    rotation_degrees: float = 0.0
    horizontal_flip: bool = False
    origin: tuple[float, float] | None = None
    dimensions_mm: tuple[float, ...] = ()
    shape: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Angiogram:
    """One run, its frames undecoded until asked for. Frames count from 0.

    Attributes
    ----------
    study_uid, series_uid, sop_uid, series_number, instance_number, modality, description
        As in the header.
    frame_count, rows, columns, bits
        Size; how many bits of a pixel are in use.
    frame_times_s
        (frames,) time of each frame from the start of the first, the stated delay included; None
        when the header states no time base.
    primary_angles_degrees, secondary_angles_degrees
        (frames,) positioner angles, + towards the patient's left (LAO) and + cranial; None when
        silent.
    table_offsets_mm
        (frames, 3) stated movement of the table since the first frame (vertical, longitudinal,
        lateral); None when it stands still.
    biplane
        ``A`` or ``B`` of a biplane pair, else ``single``.
    partners
        SOP instance UIDs that the header refers to, the other plane among them.
    intensity
        ``LIN``: pixels are proportional to the X-rays that arrived; ``LOG``: to what they passed
        through; ``DISP``: prepared for display in an unknown way; ``OTHER``; empty when silent.
    intensity_sign
        1 when a higher value means more X-rays, -1 when fewer; None when silent.
    photometric
        ``MONOCHROME1`` (low values bright) or ``MONOCHROME2``.
    masks
        The mask module; empty when there is none.
    frame_shifts
        (frames, 2) pixel shift of the mask for each frame, which goes before the mask module's own;
        None when not stated.
    recommended_view
        ``SUB``, ``NAT`` or empty.
    already_subtracted
        The pixels are differences already and must not be subtracted again.
    lossy
        The pixels went through a lossy compression.
    burned_in
        Whether text is burned into the pixels; None when the header is silent.
    shutters, field_of_view
        What is covered, and how the image was flipped and turned.
    calibrations
        Every calibration the header allows, best first.
    devices
        Marker catheters and catheters of stated size.
    usable
        Whether the frames can be measured, at least in pixels.
    problems
        What is wrong or remarkable, one sentence each.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    series_number: int | None
    instance_number: int | None
    modality: str
    description: str
    frame_count: int
    rows: int
    columns: int
    bits: int
    frame_times_s: FloatArray | None
    primary_angles_degrees: FloatArray | None
    secondary_angles_degrees: FloatArray | None
    table_offsets_mm: FloatArray | None
    biplane: BiplaneRole
    partners: tuple[str, ...]
    intensity: str
    intensity_sign: int | None
    photometric: str
    masks: tuple[Mask, ...]
    frame_shifts: FloatArray | None
    recommended_view: str
    already_subtracted: bool
    lossy: bool
    burned_in: bool | None
    shutters: tuple[Shutter, ...]
    field_of_view: FieldOfView
    calibrations: tuple[Calibration, ...]
    devices: tuple[StatedDevice, ...]
    usable: bool
    problems: tuple[str, ...]
    image: Image = field(repr=False)

    @property
    def name(self) -> str:
        """How messages name it: series number and UID, never its description."""
        number = f"series {self.series_number}" if self.series_number is not None else "series"
        return f"{number} ({self.series_uid or 'without UID'})"

    @property
    def calibration(self) -> Calibration:
        """The best calibration that the header allows."""
        return self.calibrations[0]

    def frame(self, index: int) -> Frame:
        """Decode one frame.

        Returns
        -------
        (rows, columns) as stored; see `intensity`, `intensity_sign` and `photometric`.

        Raises
        ------
        SeriesError
            When there is no such frame, or the run cannot be used.
        DecodeError
            When it cannot be decoded with certainty.
        """
        return next(self.frames([index]))

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode frames one after another, each once; default all. Raises as `frame` does."""
        if not self.usable:
            raise SeriesError("; ".join(self.problems), where=self.name)
        wanted = range(self.frame_count) if indices is None else indices
        for index in wanted:
            if not 0 <= index < self.frame_count:
                raise SeriesError(
                    f"there is no frame {index}: the run has frames 0 to {self.frame_count - 1}",
                    where=self.name,
                )
        with open_frames(self.image) as reader:
            for index in wanted:
                stored, _, _ = meaningful_bits(
                    reader.read(index), reader.pixels, self.image.location.label
                )
                yield stored

    def read(self, indices: Sequence[int] | None = None) -> Frame:
        """Decode frames into one array (frames, rows, columns); default all."""
        wanted = range(self.frame_count) if indices is None else indices
        out: Frame | None = None
        for position, frame in enumerate(self.frames(wanted)):
            if out is None:
                out = np.empty((len(wanted), *frame.shape), frame.dtype)
            out[position] = frame
        if out is None:
            raise SeriesError("no frame was asked for", where=self.name)
        return out

    def open_area(self) -> BoolArray:
        """Return (rows, columns), True where no shutter covers the image."""
        area = np.ones((self.rows, self.columns), dtype=np.bool_)
        for shutter in self.shutters:
            area &= shutter.open_area(self.rows, self.columns)
        return area


def biplane_pairs(angiograms: Sequence[Angiogram]) -> list[tuple[Angiogram, Angiogram]]:
    """Return the pairs (plane A, plane B) of runs taken together.

    Two planes belong together when one refers to the other, or, where neither refers to anything,
    when they are the only A and B of their series.
    """
    planes_a = [a for a in angiograms if a.biplane == "A"]
    planes_b = [b for b in angiograms if b.biplane == "B"]
    pairs = []
    for a in planes_a:
        linked = [b for b in planes_b if b.sop_uid in a.partners or a.sop_uid in b.partners]
        if not linked and not a.partners:
            alike = [b for b in planes_b if b.series_uid == a.series_uid and not b.partners]
            rivals = [x for x in planes_a if x.series_uid == a.series_uid]
            linked = alike if len(alike) == len(rivals) == 1 else []
        if len(linked) == 1:
            pairs.append((a, linked[0]))
    return pairs
