"""Centerlines as curves that 3D Slicer opens (``.mrk.json``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.anatomy import BY_NAME
from venoseg.errors import OutputError

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)


@dataclass(frozen=True, slots=True, eq=False)
class MarkupCurve:
    """The centerline of one vein.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`.
    points_lps_mm
        (n, 3) positions (x, y, z) from the central end on.
    radii_mm
        (n,) radius at each point; None when there is none to write.
    """

    vessel: str
    points_lps_mm: npt.NDArray[np.float64]
    radii_mm: npt.NDArray[np.float64] | None = None


def write_markups(curves: Sequence[MarkupCurve], path: str | Path) -> None:
    """Write centerlines as one file of Slicer markups in LPS, in the colours of the veins.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    path = Path(path)
    content = {"@schema": _SCHEMA, "markups": [_markup(curve) for curve in curves]}
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OutputError("the centerlines cannot be written", where=path.name) from error


def _markup(curve: MarkupCurve) -> dict[str, Any]:
    vessel = BY_NAME[curve.vessel]
    colour = [round(channel / 255, 6) for channel in vessel.colour_rgb]
    return {
        "type": "Curve",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "name": vessel.title,
        "locked": True,
        "labelFormat": "%N-%d",
        "controlPoints": [
            {
                "id": str(number),
                "label": "",
                "position": [round(float(value), 4) for value in point],
                "locked": True,
                "visibility": True,
                "positionStatus": "defined",
            }
            for number, point in enumerate(curve.points_lps_mm, start=1)
        ],
        "measurements": [] if curve.radii_mm is None else [_radii(curve.radii_mm)],
        "display": {
            "visibility": True,
            "color": colour,
            "selectedColor": colour,
            "propertiesLabelVisibility": False,
            "pointLabelsVisibility": False,
        },
    }


def _radii(radii_mm: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {
        "name": "Radius",
        "enabled": True,
        "units": "mm",
        "printFormat": "%.2f%s",
        "controlPointValues": [round(float(radius), 4) for radius in radii_mm],
    }
