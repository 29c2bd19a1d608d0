"""From the header of an XA or RF image, classic or enhanced, to an `Angiogram`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

import numpy as np

from venoseg.dicom.angiogram import (
    Angiogram,
    BiplaneRole,
    FieldOfView,
    Mask,
    MaskOperation,
    Shutter,
    StatedDevice,
)
from venoseg.dicom.calibration import StatedSpacing, calibrations_of
from venoseg.dicom.elements import Elements
from venoseg.dicom.frame_groups import FrameGroups
from venoseg.dicom.header import quiet_pydicom, read_header
from venoseg.dicom.image import Image, Pixels
from venoseg.dicom.syntaxes import COMPRESSED, LOSSY, NATIVE
from venoseg.errors import InputError
from venoseg.volume import FloatArray

FRAMES_LIMIT = 100_000
# Of a device's diameter: a French is a third of a millimetre. Gauge is no length.
_UNITS_MM = {"FR": 1.0 / 3.0, "MM": 1.0, "IN": 25.4}
SHUTTER_NUMBERS = {
    "RECTANGULAR": (
        "ShutterLeftVerticalEdge",
        "ShutterRightVerticalEdge",
        "ShutterUpperHorizontalEdge",
        "ShutterLowerHorizontalEdge",
    ),
    "CIRCULAR": ("CenterOfCircularShutter", "RadiusOfCircularShutter"),
    "POLYGONAL": ("VerticesOfThePolygonalShutter",),
}


def read_angiogram(image: Image) -> Angiogram:
    """Read the full header of a run.

    Raises
    ------
    InputError
        When the file has no pixels or its header is damaged.
    """
    header = read_header(image.location)
    if header is None or image.pixels is None:
        raise InputError("the file holds no images", where=image.location.label)
    top = Elements(header, bool(header.original_encoding[1]))
    try:
        with quiet_pydicom():
            return _angiogram(image, image.pixels, top)
    except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise InputError("the header of the run is damaged", where=image.location.label) from error


def _angiogram(image: Image, pixels: Pixels, top: Elements) -> Angiogram:
    groups = FrameGroups(top, pixels.frames)
    problems: list[str] = []
    usable = _usable(pixels, problems)
    calibrations, contradictions = calibrations_of(_stated(top, groups))
    problems.extend(contradictions)
    if not calibrations[0].is_patient_length:
        problems.append(f"lengths in mm are refused: {calibrations[0].reason}")
    times = _times(top, groups, pixels.frames)
    if times is None and pixels.frames > 1:
        problems.append("the header states no time base")
    intensity = groups.text("FramePixelDataPropertiesSequence", "PixelIntensityRelationship")
    sign = groups.element("FramePixelDataPropertiesSequence", "PixelIntensityRelationshipSign")
    burned = top.text("BurnedInAnnotation")
    if burned == "YES":
        problems.append("text is burned into the pixels: where it covers a vein, edges are wrong")
    return Angiogram(
        study_uid=image.study_uid,
        series_uid=image.series_uid,
        sop_uid=image.sop_uid,
        series_number=image.series_number,
        instance_number=image.instance_number,
        modality=image.modality,
        description=image.description,
        frame_count=pixels.frames,
        rows=pixels.rows,
        columns=pixels.columns,
        bits=pixels.bits_stored,
        frame_times_s=times,
        primary_angles_degrees=_angles(top, groups, pixels.frames, "Primary"),
        secondary_angles_degrees=_angles(top, groups, pixels.frames, "Secondary"),
        table_offsets_mm=_table(top, pixels.frames),
        biplane=_biplane(top),
        partners=_partners(top),
        intensity=intensity,
        intensity_sign=_sign(sign),
        photometric=pixels.photometric,
        masks=_masks(top, pixels.frames, problems),
        frame_shifts=_shifts(groups, pixels.frames),
        recommended_view=top.text("RecommendedViewingMode"),
        already_subtracted=_is_subtracted(top, groups),
        lossy=top.text("LossyImageCompression") == "01" or pixels.transfer_syntax in LOSSY,
        burned_in={"YES": True, "NO": False}.get(burned),
        shutters=_shutters(top, groups, problems),
        field_of_view=_field_of_view(groups),
        calibrations=calibrations,
        devices=_devices(top),
        usable=usable,
        problems=tuple(problems),
        image=image,
    )


def _usable(pixels: Pixels, problems: list[str]) -> bool:
    faults = []
    if pixels.samples != 1 or not pixels.photometric.startswith("MONOCHROME"):
        faults.append("the frames are in colour, a display copy that cannot be measured")
    if pixels.transfer_syntax not in NATIVE | COMPRESSED:
        faults.append("its transfer syntax cannot be decoded here")
    if not 0 < pixels.frames <= FRAMES_LIMIT:
        faults.append("the header states an impossible number of frames")
    if pixels.offset is None:
        faults.append("the file holds no pixels")
    problems.extend(faults)
    return not faults


def _stated(top: Elements, groups: FrameGroups) -> StatedSpacing:
    geometry = "XRayGeometrySequence"
    properties = groups.first("FramePixelDataPropertiesSequence")
    floats = groups.first("ProjectionPixelCalibrationSequence").floats(
        "ObjectPixelSpacingInCenterOfBeam"
    )
    source = groups.first(geometry)
    return StatedSpacing(
        pixel_mm=top.pair("PixelSpacing"),
        imager_mm=properties.pair("ImagerPixelSpacing"),
        object_mm=(floats[0], floats[1]) if len(floats) == 2 else None,
        calibration_type=top.text("PixelSpacingCalibrationType").upper(),
        source_to_detector_mm=source.decimal("DistanceSourceToDetector"),
        source_to_patient_mm=_positive(source.floats("DistanceSourceToIsocenter"))
        or top.decimal("DistanceSourceToPatient"),
        magnification=top.decimal("EstimatedRadiographicMagnificationFactor"),
    )


def _devices(top: Elements) -> tuple[StatedDevice, ...]:
    """Return the devices of the Device module (PS3.3 C.7.6.12) that can calibrate."""
    found = []
    for item in top.items("DeviceSequence"):
        marker = item.decimal("InterMarkerDistance")
        size, unit = item.decimal("DeviceDiameter"), item.text("DeviceDiameterUnits").upper()
        diameter = None if size is None or unit not in _UNITS_MM else size * _UNITS_MM[unit]
        # Wires, balloons and stents have diameters too; those need not be what the picture shows.
        if "CATHETER" not in item.text("CodeMeaning").upper():
            diameter = None
        marker = marker if marker is not None and 1.0 <= marker <= 50.0 else None
        diameter = diameter if diameter is not None and 0.5 <= diameter <= 10.0 else None
        if marker or diameter:
            found.append(StatedDevice(marker, diameter))
    return tuple(found)


def _positive(values: tuple[float, ...]) -> float | None:
    return values[0] if values and values[0] > 0 else None


def _times(top: Elements, groups: FrameGroups, frames: int) -> FloatArray | None:
    """Return the start of each frame in seconds (PS3.3 C.7.6.5), None when not stated."""
    delay = (top.decimal("FrameDelay") or 0.0) / 1000
    vector = top.decimals("FrameTimeVector", frames)
    if vector is not None and min(vector) >= 0:
        return np.asarray(delay + np.cumsum((0.0, *vector[1:])) / 1000)
    step = top.decimal("FrameTime")
    if step is not None and step > 0:
        return np.asarray(delay + np.arange(frames) * step / 1000)
    return groups.times_s()


def _angles(
    top: Elements, groups: FrameGroups, frames: int, axis: Literal["Primary", "Secondary"]
) -> FloatArray | None:
    own = groups.each("PositionerPositionSequence", f"Positioner{axis}Angle")
    if own is not None:
        return own
    start = top.decimal(f"Positioner{axis}Angle")
    if start is None:
        return None
    steps = top.decimals(f"Positioner{axis}AngleIncrement", frames)
    moved = np.asarray(steps) if steps and top.text("PositionerMotion") == "DYNAMIC" else 0.0
    return np.asarray(np.full(frames, start) + moved)


def _table(top: Elements, frames: int) -> FloatArray | None:
    if top.text("TableMotion") != "DYNAMIC":
        return None
    names = ("TableVerticalIncrement", "TableLongitudinalIncrement", "TableLateralIncrement")
    steps = [top.decimals(name, frames) or (0.0,) * frames for name in names]
    return np.array(steps).T


def _biplane(top: Elements) -> BiplaneRole:
    words = (*top.texts("ImageType"), top.text("PlaneIdentification"))
    for word in words:
        if word in ("BIPLANE A", "PLANE A"):
            return "A"
        if word in ("BIPLANE B", "PLANE B"):
            return "B"
    return "single"


def _partners(top: Elements) -> tuple[str, ...]:
    names = ("ReferencedImageSequence", "ReferencedOtherPlaneSequence")
    found = (item.text("ReferencedSOPInstanceUID") for name in names for item in top.items(name))
    return tuple(uid for uid in found if uid)


def _sign(pattern: int | None) -> int | None:
    return {1: 1, 0xFFFF: -1}.get(pattern) if pattern is not None else None


def _masks(top: Elements, frames: int, problems: list[str]) -> tuple[Mask, ...]:
    masks: list[Mask] = []
    for item in top.items("MaskSubtractionSequence"):
        operation = item.text("MaskOperation")
        if operation not in ("NONE", "AVG_SUB", "TID", "REV_TID"):
            problems.append("a mask operation is stated that DICOM does not know; not used")
            continue
        ranges = item.binaries("ApplicableFrameRange")
        shift = item.floats("MaskSubPixelShift")
        offset = item.binary("TIDOffset")
        named = item.binaries("MaskFrameNumbers")
        problems.extend(
            f"mask frame {number} does not exist in a run of {frames} frames"
            for number in named
            if operation != "NONE" and not 1 <= number <= frames
        )
        masks.append(
            Mask(
                operation=cast(MaskOperation, operation),
                applies_to=tuple(
                    (first - 1, min(last, frames) - 1)
                    for first, last in zip(ranges[::2], ranges[1::2], strict=False)
                    if 1 <= first <= last
                ),
                mask_frames=tuple(n - 1 for n in named if 1 <= n <= frames),
                contrast_averaging=max(item.binary("ContrastFrameAveraging") or 1, 1),
                sub_pixel_shift=(shift[0], shift[1]) if len(shift) == 2 else (0.0, 0.0),
                tid_offset=1 if offset is None else offset - (0x10000 if offset > 0x7FFF else 0),
            )
        )
    return tuple(masks)


def _shifts(groups: FrameGroups, frames: int) -> FloatArray | None:
    found = [item.floats("MaskSubPixelShift") for item in groups.all("FramePixelShiftSequence")]
    if len(found) != frames or any(len(shift) != 2 for shift in found):
        return None
    return np.array(found)


def _is_subtracted(top: Elements, groups: FrameGroups) -> bool:
    words = (
        *groups.first("FramePixelDataPropertiesSequence").texts("ImageProcessingApplied"),
        *top.texts("ImageType"),
        top.text("AcquisitionDeviceProcessingDescription"),
        top.text("DerivationDescription"),
    )
    text = " ".join(words).upper()
    return any(sign in text for sign in ("DIGITAL_SUBTR", "SUBTRACTED", "SUBTRACTION"))


def _shutters(top: Elements, groups: FrameGroups, problems: list[str]) -> tuple[Shutter, ...]:
    source = groups.first("FrameDisplayShutterSequence")
    chosen = source if source.texts("ShutterShape") else top
    shutters = []
    for shape in chosen.texts("ShutterShape"):
        numbers = _shutter_numbers(chosen, shape)
        if numbers:
            known = cast(Literal["RECTANGULAR", "CIRCULAR", "POLYGONAL"], shape)
            shutters.append(Shutter(known, numbers))
        else:
            problems.append(
                "a shutter is stated without its place: what it covers is taken as seen"
            )
    return tuple(shutters)


def _shutter_numbers(elements: Elements, shape: str) -> tuple[int, ...]:
    words = [w for name in SHUTTER_NUMBERS.get(shape, ()) for w in elements.texts(name)]
    numbers = tuple(int(float(word)) for word in words)
    enough: dict[str, Callable[[int], bool]] = {
        "RECTANGULAR": lambda n: n == 4,
        "CIRCULAR": lambda n: n == 3,
        "POLYGONAL": lambda n: n >= 6 and n % 2 == 0,
    }
    return numbers if shape in enough and enough[shape](len(numbers)) else ()


def _field_of_view(groups: FrameGroups) -> FieldOfView:
    view = groups.first("FieldOfViewSequence")
    numbers = [float(word) for word in view.texts("FieldOfViewDimensions") if word]
    return FieldOfView(
        rotation_degrees=view.decimal("FieldOfViewRotation") or 0.0,
        horizontal_flip=view.text("FieldOfViewHorizontalFlip") == "YES",
        origin=view.pair("FieldOfViewOrigin"),
        dimensions_mm=tuple(numbers),
        shape=view.text("FieldOfViewShape"),
    )
