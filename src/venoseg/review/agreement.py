"""How far two readings of the same images agree.

Overlap of the labels as Dice coefficient, one for each vein of each case. Differences of figures as
bias, standard deviation and limits of agreement, bias -+ 1.96 SD (Bland and Altman 1986,
doi:10.1016/S0140-6736(86)90837-8), and as intraclass correlation ICC(A,1): two-way random effects,
absolute agreement, single reading (McGraw and Wong 1996, doi:10.1037/1082-989X.1.1.30).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from venoseg.errors import InputError
from venoseg.interchange import read_labels
from venoseg.tables import Column, Row, Table
from venoseg.volume import FloatArray

OVERLAP_COLUMNS: tuple[Column, ...] = (
    Column("case", "series UID, or the folder's name where the image has none"),
    Column("vessel", "name of the vein"),
    Column("dice", "2 |A and B| / (|A| + |B|) of the voxels", 4),
    Column("volume_first_mm3", "labelled volume in the first reading", 1),
    Column("volume_second_mm3", "labelled volume in the second reading", 1),
)

AGREEMENT_COLUMNS: tuple[Column, ...] = (
    Column("level", "segment: one figure a vein and case; station: one a cross-section"),
    Column("vessel", "name of the vein"),
    Column("quantity", "column of segments.csv or cross_sections.csv"),
    Column("cases", "cases in which both readings have it"),
    Column("pairs", "pairs of figures compared"),
    Column("bias", "mean of second minus first, in the quantity's unit", 3),
    Column("sd", "standard deviation of the differences", 3),
    Column("limit_low", "lower limit of agreement, bias - 1.96 SD", 3),
    Column("limit_high", "upper limit of agreement, bias + 1.96 SD", 3),
    Column("icc", "intraclass correlation ICC(A,1)", 4),
    Column("reason", "why a figure is missing, or what to mind of it"),
)

_QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "segment": ("minimum_area_mm2", "minimum_diameter_mm", "mean_area_mm2", "length_mm"),
    "station": ("lumen_area_mm2", "minimum_diameter_mm", "maximum_diameter_mm"),
}
_TABLES = {"segment": "segments.csv", "station": "cross_sections.csv"}

# Stations of the two readings whose middles lie farther apart show different places.
_SAME_PLACE_MM = 3.0

# Fewer pairs tell nothing of a spread, and nothing of a correlation.
_LEAST_PAIRS = 3

_LABELS, _DOCUMENT = "segmentation.seg.nrrd", "measurements.json"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two tables: ``overlap.csv`` and ``agreement.csv``, and the cases that only one reader has."""

    overlap: Table
    agreement: Table
    unmatched: tuple[str, ...]


def compare_readings(
    first: Path, second: Path, readers: tuple[str, str] | None = None
) -> Agreement:
    """Compare two readings.

    Parameters
    ----------
    first, second
        A folder of results, or a folder with many of them at any depth, such as that of a review.
        Cases are matched by the UID of the series.
    readers
        Take from each folder only results signed by this reviewer; needed when both readings lie
        in one review folder.

    Raises
    ------
    InputError
        When a folder holds no results, or the two have no case in common.
    """
    names = readers or ("", "")
    one, other = _results(first, names[0]), _results(second, names[1])
    common = [case for case in one if case in other]
    if not common:
        raise InputError(
            "the two readings have no case in common",
            where=f"{first.name}, {second.name}",
            remedy="give folders with results of the same series, signed or measured",
        )
    pairs = [(case, one[case], other[case]) for case in common]
    overlap = [row for case, a, b in pairs for row in _overlap(case, a, b)]
    agreement = [row for level in _QUANTITIES for row in _agreement(level, pairs)]
    return Agreement(
        Table.from_rows(OVERLAP_COLUMNS, overlap),
        Table.from_rows(AGREEMENT_COLUMNS, agreement),
        tuple(sorted(set(one) ^ set(other))),
    )


def icc_absolute(values: FloatArray) -> float | None:
    """Return ICC(A,1) of (n, k) readings, n things by k readers; None when they do not vary."""
    n, k = values.shape
    mean = values.mean()
    between = k * float(((values.mean(axis=1) - mean) ** 2).sum()) / (n - 1)
    readers = n * float(((values.mean(axis=0) - mean) ** 2).sum()) / (k - 1)
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = between + (k - 1) * error + k * (readers - error) / n
    return (between - error) / whole if whole > 0 else None


def _results(folder: Path, reader: str) -> dict[str, Path]:
    """Return case -> folder of results; the newest where a case was signed several times."""
    found = {}
    for document in sorted(folder.glob(f"**/{_DOCUMENT}")):
        here = document.parent
        if reader and not here.name.endswith(f"-{reader}"):
            continue
        if (here / _LABELS).is_file() and (here / _TABLES["segment"]).is_file():
            found[_case(document)] = here
    if not found:
        whose = f" by {reader}" if reader else ""
        raise InputError(
            f"there are no results{whose} in it",
            where=folder.name,
            remedy="give a folder that `venoseg measure` wrote, or a review with signed cases",
        )
    return found


def _case(document: Path) -> str:
    try:
        source = json.loads(document.read_text(encoding="utf-8"))["source"]
        return str(source["series_instance_uid"] or _folder_name(document.parent))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "the results cannot be read", where=f"{document.parent.name}/{document.name}"
        ) from error


def _folder_name(results: Path) -> str:
    """Return what names a case whose image has no UID: its review, or its folder of results."""
    return results.parent.parent.name if results.parent.name == "results" else results.name


def _overlap(case: str, first: Path, second: Path) -> Iterable[Row]:
    one = read_labels(first / _LABELS)
    other = read_labels(second / _LABELS, one.grid)
    voxel = one.grid.voxel_volume_mm3
    for vessel in dict.fromkeys([*one.names.values(), *other.names.values()]):
        a, b = one.mask(vessel), other.mask(vessel)
        sizes = int(a.sum()), int(b.sum())
        if sum(sizes):
            yield {
                "case": case,
                "vessel": vessel,
                "dice": 2.0 * int((a & b).sum()) / sum(sizes),
                "volume_first_mm3": sizes[0] * voxel,
                "volume_second_mm3": sizes[1] * voxel,
            }


def _agreement(level: str, pairs: Sequence[tuple[str, Path, Path]]) -> Iterable[Row]:
    readings = [
        (case, _rows(a / _TABLES[level]), _rows(b / _TABLES[level])) for case, a, b in pairs
    ]
    vessels = dict.fromkeys(row["vessel"] for _, one, _ in readings for row in one)
    for vessel in vessels:
        for quantity in _QUANTITIES[level]:
            values, cases = [], set()
            for case, one, other in readings:
                for a, b in _matched(level, vessel, one, other):
                    if a[quantity] and b[quantity]:
                        values.append((float(a[quantity]), float(b[quantity])))
                        cases.add(case)
            yield _row(level, vessel, quantity, len(cases), np.array(values).reshape(-1, 2))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("the table cannot be read", where=path.name) from error


def _matched(
    level: str, vessel: str, one: list[dict[str, str]], other: list[dict[str, str]]
) -> Iterable[tuple[dict[str, str], dict[str, str]]]:
    first, second = ([r for r in rows if r["vessel"] == vessel] for rows in (one, other))
    if level == "segment" or not first or not second:
        return zip(first, second, strict=False)
    places = [
        [[float(row[name]) for name in ("x_mm", "y_mm", "z_mm")] for row in rows]
        for rows in (first, second)
    ]
    distance, nearest = cKDTree(places[1]).query(places[0])
    return [
        (row, second[int(n)])
        for row, d, n in zip(first, distance, nearest, strict=True)
        if d <= _SAME_PLACE_MM
    ]


def _row(level: str, vessel: str, quantity: str, cases: int, values: FloatArray) -> Row:
    row: dict[str, str | int | float | bool | None] = dict.fromkeys(
        column.name for column in AGREEMENT_COLUMNS
    )
    row |= {"level": level, "vessel": vessel, "quantity": quantity, "cases": cases}
    row["pairs"] = len(values)
    if len(values):
        difference = values[:, 1] - values[:, 0]
        row["bias"] = float(difference.mean())
    if len(values) < _LEAST_PAIRS:
        row["reason"] = f"{len(values)} pairs; {_LEAST_PAIRS} are needed for a spread"
        return row
    sd = float(difference.std(ddof=1))
    bias = float(difference.mean())
    row |= {"sd": sd, "limit_low": bias - 1.96 * sd, "limit_high": bias + 1.96 * sd}
    row["icc"] = icc_absolute(values)
    if row["icc"] is None:
        row["reason"] = "the figures do not vary"
    elif level == "station":
        row["reason"] = "stations of one vein are not independent of one another"
    return row
