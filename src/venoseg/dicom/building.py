"""From the images that were found to the series that can be listed, judged and read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from venoseg.dicom.angiogram_header import read_angiogram
from venoseg.dicom.copies import without_copies
from venoseg.dicom.geometry import Stack, axes_of, stack_slices
from venoseg.dicom.grouping import Slice, split_series
from venoseg.dicom.image import Image
from venoseg.dicom.phase import phase_of
from venoseg.dicom.series import Kind, Series
from venoseg.dicom.values import unit_of
from venoseg.errors import InputError, SeriesError

SEGMENTATION_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
}
REPORT_CLASSES = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def build_series(images: Iterable[Image]) -> list[Series]:
    """Group images into series and their parts, in order of series number and part."""
    by_series: dict[tuple[str, str], list[Image]] = defaultdict(list)
    for image in images:
        by_series[image.study_uid, image.series_uid].append(image)
    found = [series for members in by_series.values() for series in _parts(members)]
    return sorted(
        found,
        key=lambda s: (s.number is None, s.number or 0, s.series_uid, s.part or 0),
    )


def _parts(images: list[Image]) -> list[Series]:
    parts: list[Series] = []
    by_kind: dict[Kind, list[Image]] = defaultdict(list)
    for image in images:
        by_kind[kind_of(image)].append(image)
    for kind, members in by_kind.items():
        if kind == "ct":
            parts.extend(_ct_parts(members))
        elif kind == "angiogram":
            parts.append(_runs(members))
        else:
            parts.append(_other(kind, members))
    if len(parts) == 1:
        return parts
    return [replace(part, part=i) for i, part in enumerate(parts, start=1)]


def kind_of(image: Image) -> Kind:
    """Tell what an image is for."""
    if image.sop_class in SEGMENTATION_CLASSES or image.modality == "SEG":
        return "segmentation"
    if image.sop_class.startswith(REPORT_CLASSES) or image.modality == "SR":
        return "report"
    if image.pixels is None:
        return "other"
    if image.modality in ("XA", "RF"):
        return "angiogram"
    if image.modality == "CT" and not image.sop_class.startswith(SECONDARY_CAPTURE):
        return "other" if _is_localizer(image) else "ct"
    return "other"


def _is_localizer(image: Image) -> bool:
    return any("LOCALIZER" in plane.image_type for plane in image.planes)


def _ct_parts(images: list[Image]) -> list[Series]:
    frames = {image.frame_of_reference_uid for image in images}
    scattered = len(frames) > 1 and len(frames) == len({image.sop_uid for image in images})
    if scattered:
        images = [replace(image, frame_of_reference_uid="") for image in images]
    slices = [Slice(image, plane) for image in images for plane in image.planes]
    if not slices:
        return [_other("ct", images)]
    parts = [_ct(part) for part in split_series(slices)]
    if scattered:
        note = "every image states a frame of reference of its own, which was not believed"
        parts = [replace(part, problems=(*part.problems, note)) for part in parts]
    return parts


def _ct(slices: Sequence[Slice]) -> Series:
    problems: list[str] = []
    stack: Stack | None = None
    try:
        slices, copies = without_copies(slices)
        if copies:
            problems.append(f"{copies} images are in the export twice")
        stack = _stack(slices)
    except SeriesError as error:
        problems.append(error.what)
    ordered = [slices[i] for i in stack.order] if stack else list(slices)
    if stack:
        problems.extend(_remarks(stack))
    unit = unit_of([(one.image, one.plane) for one in ordered])
    if stack and unit != "HU":
        problems.append("its values are not stated to be Hounsfield units")
    base = _listed("ct", [one.image for one in ordered], len(ordered))
    first = ordered[0].plane
    step = round(float(stack.grid.spacing_mm[0]), 6) if stack else None
    spacing = first.spacing_mm or (None, None)
    return replace(
        base,
        spacing_mm=(step, *spacing),
        thickness_mm=_common(one.plane.thickness_mm for one in ordered),
        kernel=first.kernel,
        unit=unit,
        phase=phase_of(ordered),
        usable=stack is not None,
        problems=tuple(problems),
        slices=tuple(ordered),
        stack=stack,
    )


def _stack(slices: Sequence[Slice]) -> Stack:
    first = slices[0].plane
    pixels = slices[0].image.pixels
    if pixels is None or pixels.samples != 1:
        raise SeriesError("its images are in colour")
    if pixels.rows < 1 or pixels.columns < 1:
        raise SeriesError("its images are empty")
    if any(one.plane.position_lps_mm is None for one in slices):
        raise SeriesError("images do not state where they lie in the patient")
    if first.row_lps is None or first.column_lps is None:
        raise SeriesError("images do not state their orientation")
    if first.spacing_mm is None or min(first.spacing_mm) <= 0:
        raise SeriesError("images do not state their pixel spacing")
    positions = np.array([one.plane.position_lps_mm for one in slices], dtype=np.float64)
    return stack_slices(
        positions,
        axes_of(first.row_lps, first.column_lps),
        (pixels.rows, pixels.columns),
        first.spacing_mm,
        [_number(one) for one in slices],
    )


def _number(one: Slice) -> int | None:
    return one.image.instance_number if len(one.image.planes) == 1 else one.plane.frame


def _remarks(stack: Stack) -> list[str]:
    remarks = []
    if stack.tilted:
        remarks.append(f"the slices are tilted by {stack.tilt_degrees:.2f} degrees; straightened")
    if stack.uneven:
        remarks.append("the slices are unevenly spaced; resampled to a regular step")
    if stack.gaps:
        remarks.append(
            f"{stack.missing_images} slices are missing in {len(stack.gaps)} gaps; nothing is "
            "measured across them"
        )
    return remarks


def _common(values: Iterable[float | None]) -> float | None:
    counted = Counter(v for v in values if v is not None)
    return counted.most_common(1)[0][0] if counted else None


def _listed(kind: Kind, images: Sequence[Image], frames: int) -> Series:
    first = images[0]
    pixels = first.pixels
    return Series(
        study_uid=first.study_uid,
        series_uid=first.series_uid,
        number=first.series_number,
        part=None,
        kind=kind,
        modality=first.modality,
        description=first.description,
        phase="",
        images=frames,
        rows=pixels.rows if pixels else None,
        columns=pixels.columns if pixels else None,
        spacing_mm=(None, None, None),
        thickness_mm=None,
        kernel="",
        unit="arbitrary",
        usable=False,
        used_by_default=False,
        problems=(),
        runs=(),
        slices=(),
        stack=None,
    )


def _runs(images: list[Image]) -> Series:
    """List the angiographic runs of a series; a file that is there twice counts once."""
    unique = list({(image.sop_uid or image.location.label): image for image in images}.values())
    unique.sort(key=lambda image: (image.instance_number or 0, image.sop_uid))
    problems: list[str] = []
    if len(unique) < len(images):
        problems.append(f"{len(images) - len(unique)} files are in the export twice")
    usable = False
    for image in unique:
        try:
            run = read_angiogram(image)
        except InputError as error:
            problems.append(error.what)
        else:
            usable = usable or run.usable
            problems.extend(run.problems)
    frames = sum(image.pixels.frames for image in unique if image.pixels)
    return replace(
        _listed("angiogram", unique, frames),
        runs=tuple(unique),
        usable=usable,
        problems=tuple(dict.fromkeys(problems)),
    )


def _other(kind: Kind, images: list[Image]) -> Series:
    frames = sum(image.pixels.frames if image.pixels else 0 for image in images)
    listed = _listed(kind, images, frames or len(images))
    problems = []
    if kind == "ct":
        problems.append("its multi-frame images do not describe their frames")
    if any(_is_localizer(image) for image in images):
        problems.append("a localizer, set aside")
    return replace(listed, problems=tuple(problems))
