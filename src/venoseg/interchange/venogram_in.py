"""What ``venoseg angio`` has written into a folder, read back: the narrowest place of a vein."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from venoseg.angiography.twoviews import Width
from venoseg.errors import InputError, MeasurementError
from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class NarrowPlace:
    """The narrowest place of a vein in one view.

    Attributes
    ----------
    vessel
        Name of the vein.
    position_px
        Along its course in the picture.
    width
        In the patient, with the half width of its 95 % interval.
    ray
        (3,) unit LPS vector from the source to the detector's middle.
    """

    vessel: str
    position_px: float
    width: Width
    ray: FloatArray


def narrowest_places(folder: Path) -> dict[str, NarrowPlace]:
    """Return the narrowest place of every vein measured in millimetres, by the veins' names.

    Raises
    ------
    InputError
        When the folder holds no results of a run.
    MeasurementError
        When the view's angles or the widths in millimetres are not known.
    """
    try:
        source: dict[str, Any] = json.loads((folder / "angiogram.json").read_text("utf-8"))[
            "source"
        ]
        with (folder / "projection.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            "there are no results of a run in it",
            where=folder.name,
            remedy="give a folder that `venoseg angio` has written",
        ) from error
    ray = _ray(source, folder.name)
    places: dict[str, NarrowPlace] = {}
    for row in rows:
        if row["state"] == "occluded" or not row["diameter_mm"]:
            continue
        width, low, high = (float(row[f"diameter{end}_mm"]) for end in ("", "_low", "_high"))
        known = places.get(row["vessel"])
        if known is None or width < known.width.mm:
            half = 0.5 * (high - low)
            position = float(row["position_px"])
            places[row["vessel"]] = NarrowPlace(row["vessel"], position, Width(width, half), ray)
    if not places:
        raise MeasurementError(
            "no width is known in millimetres",
            where=folder.name,
            remedy="measure the run with a calibration",
        )
    return places


def _ray(source: dict[str, Any], name: str) -> FloatArray:
    angles = [source.get(f"{way}_angle_degrees") for way in ("primary", "secondary")]
    if None in angles:
        raise MeasurementError("the angles of the view are not known", where=name)
    primary, secondary = np.radians(np.array(angles, dtype=np.float64))
    level = np.cos(secondary)
    return np.array([np.sin(primary) * level, -np.cos(primary) * level, np.sin(secondary)])
