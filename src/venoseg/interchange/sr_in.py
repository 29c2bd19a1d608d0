"""Measurements out of DICOM structured reports of TID 1500, venoseg's own and others'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from venoseg.anatomy import Code
from venoseg.dicom.header import quiet_pydicom
from venoseg.errors import InputError
from venoseg.interchange.dicom_codes import normalised
from venoseg.interchange.vein_names import name_from_code, side_from_code
from venoseg.tables import Column, Row, Table

REPORT_COLUMNS: tuple[Column, ...] = (
    Column("group", "number of the measurement group in the report, from 1"),
    Column("tracking_identifier", "as stated"),
    Column("tracking_uid", "as stated"),
    Column("vessel", "name of the vein, where the finding site's code is one of a vein"),
    Column("site", "finding site as stated, with its side"),
    Column("finding", "as stated"),
    Column("quantity", "meaning of the measurement's code"),
    Column("code", "its value and scheme, as value (scheme)"),
    Column("derivation", "minimum, maximum, mean or other, as stated"),
    Column("method", "as stated"),
    Column("value", "number as stated; empty where the report says why there is none"),
    Column("unit", "code of the unit (UCUM)"),
    Column("low", "value less its stated lower uncertainty"),
    Column("high", "value plus its stated upper uncertainty"),
    Column("region", "segment and SOP instance UID of the segmentation, or of the image"),
)

_GROUP = ("125007", "DCM")
_TRACKING_IDENTIFIER = ("112039", "DCM")
_TRACKING_UID = ("112040", "DCM")
_FINDING = {("121071", "DCM")}
# Older reports carry SNOMED RT codes.
_SITE = {("363698007", "SCT"), ("G-C0E3", "SRT")}
_LATERALITY = {("272741003", "SCT"), ("G-C171", "SRT")}
_DERIVATION = ("121401", "DCM")
_METHOD = {("370129005", "SCT"), ("G-C036", "SRT")}
_UPPER = {("371886008", "SCT"), ("R-00364", "SRT")}
_LOWER = {("371885007", "SCT"), ("R-00363", "SRT")}

# What lies in an image that is named below it.
_OUTLINES = ("SCOORD", "SCOORD3D")

# A report nested deeper is damaged or made to harm.
_DEEPEST = 40


def read_structured_report(path: str | Path) -> Table:
    """Return the numbers of a TID 1500 report, one row each.

    Raises
    ------
    InputError
        When it is no structured report, is damaged, or holds no measurement group.
    """
    path = Path(path)
    try:
        with quiet_pydicom():
            dataset = pydicom.dcmread(path)
            found = list(_rows(dataset))
    except FileNotFoundError as error:
        raise InputError("there is no such report", where=path.name) from error
    except (InvalidDicomError, OSError) as error:
        raise InputError("it is no DICOM file", where=path.name) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError("the structured report is damaged", where=path.name) from error
    if not found:
        raise InputError(
            "it holds no measurements after TID 1500",
            where=path.name,
            remedy="give a structured report with measurement groups",
        )
    return Table.from_rows(REPORT_COLUMNS, found)


def _rows(dataset: Dataset) -> Iterator[Row]:
    groups = [item for item in _all(dataset, 0) if _is(item, {_GROUP})]
    for number, group in enumerate(groups, start=1):
        about = _about(group) | {"group": number}
        for item in _children(group):
            if item.get("ValueType") == "NUM":
                yield about | _measurement(item)


def _about(group: Dataset) -> dict[str, str | int | float | None]:
    """Return what concerns all numbers of a group."""
    about: dict[str, str | int | float | None] = dict.fromkeys(
        column.name for column in REPORT_COLUMNS
    )
    for item in _children(group):
        if _is(item, {_TRACKING_IDENTIFIER}):
            about["tracking_identifier"] = str(item.TextValue)
        elif _is(item, {_TRACKING_UID}):
            about["tracking_uid"] = str(item.UID)
        elif _is(item, _FINDING):
            about["finding"] = _value_code(item).meaning
        elif _is(item, _SITE):
            sides = [_value_code(c) for c in _children(item) if _is(c, _LATERALITY)]
            site = _value_code(item)
            about["site"] = " ".join(c.meaning for c in (*sides, site))
            about["vessel"] = name_from_code(site, side_from_code(sides[0]) if sides else None)
        elif about["region"] is None:
            images = [item, *(_children(item) if item.get("ValueType") in _OUTLINES else ())]
            shown = next((one for one in images if one.get("ValueType") == "IMAGE"), None)
            about["region"] = None if shown is None else _region(shown)
    return about


def _measurement(item: Dataset) -> dict[str, str | int | float | None]:
    name = _code(item.ConceptNameCodeSequence[0])
    found: dict[str, str | int | float | None] = {
        "quantity": name.meaning,
        "code": f"{name.value} ({name.scheme})",
    }
    children = list(_children(item))
    for child in children:
        if _is(child, {_DERIVATION}):
            found["derivation"] = _value_code(child).meaning
        elif _is(child, _METHOD):
            found["method"] = _value_code(child).meaning
    values = item.get("MeasuredValueSequence")
    if not values:
        return found
    value = float(values[0].NumericValue)
    found["value"] = value
    units = values[0].get("MeasurementUnitsCodeSequence")
    found["unit"] = str(units[0].CodeValue) if units else None
    for key, codes, sign in (("high", _UPPER, 1.0), ("low", _LOWER, -1.0)):
        stated = [c for c in children if _is(c, codes) and c.get("MeasuredValueSequence")]
        if stated:
            by = float(stated[0].MeasuredValueSequence[0].NumericValue)
            found[key] = round(value + sign * by, 6)
    return found


def _region(item: Dataset) -> str:
    reference = item.ReferencedSOPSequence[0]
    segments = reference.get("ReferencedSegmentNumber")
    uid = str(reference.ReferencedSOPInstanceUID)
    return uid if segments is None else f"segment {segments} of {uid}"


def _all(item: Dataset, depth: int) -> Iterator[Dataset]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    for child in _children(item):
        yield child
        yield from _all(child, depth + 1)


def _children(item: Dataset) -> Iterator[Dataset]:
    yield from item.get("ContentSequence") or ()


def _is(item: Dataset, codes: set[tuple[str, str]]) -> bool:
    names = item.get("ConceptNameCodeSequence")
    if not names:
        return False
    code = _code(names[0])
    return (code.value, code.scheme) in codes


def _value_code(item: Dataset) -> Code:
    return normalised(_code(item.ConceptCodeSequence[0]))


def _code(code: Dataset) -> Code:
    value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or ""
    return Code(
        str(value), str(code.get("CodingSchemeDesignator", "")), str(code.get("CodeMeaning", ""))
    )
