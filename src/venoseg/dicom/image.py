"""What venoseg keeps of one DICOM header: plain values, small enough for 100,000 files."""

from __future__ import annotations

from dataclasses import dataclass

from venoseg.dicom.sources import Location

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """One frame: where it lies and how its stored values become numbers with a meaning.

    Attributes
    ----------
    frame
        Number within its file, from 0.
    position_lps_mm
        Centre of the first voxel; None when the header is silent.
    row_lps, column_lps
        Unit vectors in which the column index and the row index grow; None when silent.
    spacing_mm
        Distance of neighbouring (rows, columns).
    slope, intercept, rescale_type
        Stored value to output value; None when the header is silent.
    has_lookup
        A table, not a slope, maps the stored values.
    image_type, acquisition, temporal_position, stack, kernel, time, kvp
        What tells the phases, stacks and reconstructions of a series apart.
    """

    frame: int
    position_lps_mm: Vector | None = None
    row_lps: Vector | None = None
    column_lps: Vector | None = None
    spacing_mm: tuple[float, float] | None = None
    thickness_mm: float | None = None
    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""
    has_lookup: bool = False
    image_type: tuple[str, ...] = ()
    acquisition: str = ""
    temporal_position: str = ""
    stack: str = ""
    kernel: str = ""
    time: str = ""
    kvp: str = ""


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixels of one file are stored.

    Attributes
    ----------
    offset, length
        Place of the value of Pixel Data in the file; offset None when there is none or the file is
        deflated as a whole. Length None when it is encapsulated (compressed).
    padding, padding_limit
        Stored value(s) that mean "no measurement", as written; None when not declared.
    overlay_bits
        Bits of the cell that hold a drawing and not the image.
    """

    transfer_syntax: str
    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    frames: int
    offset: int | None
    length: int | None
    padding: int | None = None
    padding_limit: int | None = None
    overlay_bits: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """One SOP instance: a file with one frame or many."""

    location: Location
    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    modality: str
    frame_of_reference_uid: str
    series_number: int | None
    instance_number: int | None
    description: str
    contrast: bool
    contrast_delay_s: float | None
    pixels: Pixels | None
    planes: tuple[Plane, ...]
