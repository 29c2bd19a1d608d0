"""From what other programs call a structure to the veins of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from venoseg.anatomy import BY_NAME, LATERALITY_CODES, VESSELS, Code, Side
from venoseg.errors import UsageError

STENT = "stent"
"""The name of the stents' metal, which is a structure but not a vein."""

TOTAL_SEGMENTATOR_HIGHEST = 117
TOTAL_SEGMENTATOR: Mapping[int, str] = MappingProxyType(
    {63: "ivc", 67: "left_iliac_vein", 68: "right_iliac_vein"}
)
"""Label values of the task "total" of TotalSegmentator 2 that are veins of the contract."""

_SIDES: dict[str, Side] = {
    "left": "left",
    "lt": "left",
    "l": "left",
    "right": "right",
    "rt": "right",
    "r": "right",
}
_ABBREVIATIONS = {
    "civ": "common_iliac_vein",
    "eiv": "external_iliac_vein",
    "iiv": "internal_iliac_vein",
    "cfv": "common_femoral_vein",
}
_VEIN_WORDS = frozenset({"vein", "veins", "vena", "v", "venous"})
_FILLING_WORDS = frozenset({"the", "of", "lumen", "in", "stent", "infrarenal", "suprarenal"})
_IVC_WORDS = (frozenset({"inferior", "vena", "cava"}), frozenset({"inferior", "vein", "cava"}))
_PARTS = {
    frozenset({"common", "iliac"}): "common_iliac_vein",
    frozenset({"external", "iliac"}): "external_iliac_vein",
    frozenset({"internal", "iliac"}): "internal_iliac_vein",
    frozenset({"hypogastric"}): "internal_iliac_vein",
    frozenset({"common", "femoral"}): "common_femoral_vein",
    frozenset({"iliac"}): "iliac_vein",
    frozenset({"common", "and", "external", "iliac"}): "iliac_vein",
}


def name_from_text(text: str) -> str | None:
    """Return the vein, or ``stent``, that a label's own name means.

    Every word of the name must be understood: ``IVC filter``, ``iliac artery left`` or
    ``thrombus in left iliac vein`` are no veins. An iliac vein without "common", "external" or
    "internal" is the undivided one.

    Returns
    -------
    str or None
        A name of `venoseg.anatomy.NAMES` or ``stent``; None when the text names neither.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
    if words in ([STENT], ["stents"], ["stent", "struts"], ["stent", "metal"]):
        return STENT
    meant = set(words) - _FILLING_WORDS
    if meant == {"ivc"} or meant in _IVC_WORDS:
        return "ivc"
    return _sided_vein(meant)


def _sided_vein(words: set[str]) -> str | None:
    for abbreviation in _ABBREVIATIONS:
        for letter in ("l", "r"):
            if letter + abbreviation in words:
                words = words - {letter + abbreviation} | {letter, abbreviation}
    sides = {_SIDES[word] for word in words if word in _SIDES}
    rest = words - set(_SIDES)
    if len(sides) != 1:
        return None
    if len(rest) == 1 and rest <= set(_ABBREVIATIONS):
        part = _ABBREVIATIONS[rest.pop()]
    elif rest & _VEIN_WORDS and frozenset(rest - _VEIN_WORDS) in _PARTS:
        part = _PARTS[frozenset(rest - _VEIN_WORDS)]
    else:
        return None
    return f"{sides.pop()}_{part}"


def name_from_code(code: Code, side: Side | None) -> str | None:
    """Return the vein that a vein's SNOMED CT code and a side mean, None when they mean none.

    A paired vein without a side is not guessed.
    """
    for vessel in VESSELS:
        if (vessel.code.value, vessel.code.scheme) == (code.value, code.scheme):
            if vessel.side is None:
                return vessel.name
            if vessel.side == side:
                return vessel.name
    return None


def name_from_terminology(tags: str) -> str | None:
    """Return the vein that the terminology entry of a 3D Slicer segment means, else None.

    The entry is ``TerminologyEntry:context~category~type~modifier~context~region~modifier`` with
    each code as ``scheme^value^meaning``.
    """
    _, found, entry = tags.partition("TerminologyEntry:")
    fields = entry.split("|")[0].split("~")
    if not found or len(fields) < 7:
        return None
    codes = [_slicer_code(field) for field in fields]
    kind, modifier, region, region_modifier = codes[2], codes[3], codes[5], codes[6]
    for code in (kind, region):
        for chosen in (modifier, region_modifier):
            name = name_from_code(code, side_from_code(chosen))
            if name is not None:
                return name
    return None


def side_from_code(code: Code) -> Side | None:
    """Return the side that a laterality code means, None when it means neither."""
    return next((s for s, c in LATERALITY_CODES.items() if c.value == code.value), None)


def _slicer_code(field: str) -> Code:
    scheme, value, meaning = (*field.split("^"), "", "", "")[:3]
    return Code(value, scheme, meaning)


def parse_label_names(text: str) -> dict[int, str]:
    """Read ``1=ivc,2=left_common_iliac_vein``.

    Returns
    -------
    dict
        Label value to a name of `venoseg.anatomy.NAMES` or ``stent``.

    Raises
    ------
    UsageError
        When a part is not VALUE=NAME, a value is not a positive whole number or stands twice, or
        a name is not known.
    """
    names: dict[int, str] = {}
    for part in text.split(","):
        value, separator, name = (word.strip() for word in part.partition("="))
        if not separator or not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
            raise UsageError(
                f"'{part.strip()}' is not VALUE=NAME",
                where="label names",
                remedy="write for example 1=ivc,2=left_common_iliac_vein",
            )
        if int(value) in names:
            raise UsageError(f"label {value} is named twice", where="label names")
        names[int(value)] = checked_name(name)
    return names


def checked_name(name: str) -> str:
    """Return ``name`` if it is a vein of the contract or ``stent``.

    Raises
    ------
    UsageError
        When it is neither.
    """
    if name not in BY_NAME and name != STENT:
        raise UsageError(
            f"'{name}' is not a vein venoseg knows",
            where="label names",
            remedy=f"use one of {', '.join(BY_NAME)} or {STENT}",
        )
    return name
