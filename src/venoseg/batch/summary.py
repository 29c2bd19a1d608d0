"""From the tables of a batch to its summary page."""

from __future__ import annotations

import base64
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import compute, parquet

from venoseg.anatomy import BY_NAME
from venoseg.batch.followed import followed_cases, rows_in
from venoseg.reporting.batch_page import (
    BatchFigures,
    Case,
    CaseVein,
    Failure,
    VeinFigures,
    render_batch,
)

_CASES = 24
_REASONS = 40
_COLUMNS = [
    "study",
    "kind",
    "run",
    "vessel",
    "minimum_area_mm2",
    "area_stenosis_percent",
    "in_stent_area_stenosis_percent",
    "projected_minimum_diameter_mm",
    "projected_diameter_stenosis_percent",
    "state",
    "flags",
]
_STUDY = re.compile(r"study [A-Za-z0-9._-]+")
_LESIONS = ("stenotic", "bridged", "occluded")


def write_summary(tables: Path, out: Path, studies: int) -> None:
    """Write ``summary.html`` beside the tables.

    Parameters
    ----------
    tables
        The folder of the new tables, and of the page.
    out
        The batch, from which the small pictures come.
    studies
        How many there are.
    """
    results = parquet.read_table(tables / "results.parquet", columns=_COLUMNS)
    failures = list(rows_in(tables / "failures.csv"))
    figures = BatchFigures(
        counts=_counts(results, failures, tables, studies),
        veins=_veins(results),
        cases=[_case(rows, out) for rows in _striking(results)],
        followed=followed_cases(tables),
        flags=_flags(results),
        failures=_failures(failures),
        set_aside=_set_aside(tables / "selection.csv"),
    )
    (tables / "summary.html").write_text(render_batch(figures), encoding="utf-8", newline="\n")


def _counts(
    results: Any, failures: list[dict[str, str]], tables: Path, studies: int
) -> list[tuple[str, int]]:
    files = sum(row["stage"] in ("scan", "case") for row in failures)
    failed = len({row["study"] for row in failures if row["stage"] not in ("scan", "case")})
    followed = len({row["case"] for row in rows_in(tables / "cases.csv")})
    is_ct = compute.equal(results["kind"], "ct")
    cts = len(compute.unique(results["study"].filter(is_ct)))
    runs = results.filter(compute.invert(is_ct)).group_by(["study", "run"]).aggregate([])
    return [
        ("studies", studies),
        ("CTs measured", cts),
        ("runs measured", runs.num_rows),
        ("veins measured", results.num_rows - results["minimum_area_mm2"].null_count),
        ("patients followed", followed),
        ("studies or cases in which something failed", failed),
        ("files that could not be used", files),
    ]


def _veins(results: Any) -> list[VeinFigures]:
    found = []
    cts = results.filter(compute.equal(results["kind"], "ct"))
    for name in BY_NAME:
        rows = cts.filter(compute.equal(cts["vessel"], name))
        if rows.num_rows == 0:
            continue
        areas = rows["minimum_area_mm2"].drop_null().to_numpy()
        states = Counter(rows["state"].to_pylist())
        found.append(VeinFigures(name, dict(states), np.sort(areas)))
    return found


def _striking(results: Any) -> list[list[dict[str, Any]]]:
    """Return the veins worth a look, those of one image together, the most striking first."""
    lesions = compute.is_in(results["state"], value_set=_array(_LESIONS))
    in_stent = compute.fill_null(
        compute.greater_equal(results["in_stent_area_stenosis_percent"], 50.0), False
    )
    rows = results.filter(compute.or_(lesions, in_stent)).to_pylist()
    images: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=_strikes):
        images.setdefault((row["study"], row["kind"], row["run"]), []).append(row)
    return list(images.values())[:_CASES]


def _array(words: tuple[str, ...]) -> Any:
    import pyarrow

    return pyarrow.array(words)


def _strikes(row: dict[str, Any]) -> tuple[Any, ...]:
    percents = (
        row["area_stenosis_percent"],
        row["in_stent_area_stenosis_percent"],
        row["projected_diameter_stenosis_percent"],
    )
    most = max((p for p in percents if p is not None), default=0.0)
    shut = row["state"] == "occluded"
    return (not shut, -most, row["study"], row["run"] or 0, row["vessel"])


def _case(rows: list[dict[str, Any]], out: Path) -> Case:
    first = rows[0]
    part = "ct" if first["kind"] == "ct" else f"angio-{first['run']}"
    folder = f"studies/{first['study']}/{part}"
    return Case(
        study=first["study"],
        part="CT" if part == "ct" else f"run {first['run']}",
        veins=[_vein(row) for row in rows],
        report=f"{folder}/report.html",
        thumbnail=_picture(out / folder / "thumbnail.png"),
    )


def _vein(row: dict[str, Any]) -> CaseVein:
    area, stenosis = row["minimum_area_mm2"], row["area_stenosis_percent"]
    in_stent = row["in_stent_area_stenosis_percent"]
    width = row["projected_minimum_diameter_mm"]
    projected = row["projected_diameter_stenosis_percent"]
    figures = [
        f"{area:.0f} mm²" if area is not None else "",
        f"{width:.1f} mm projected" if width is not None else "",
        f"{stenosis:.0f} % by area" if stenosis is not None else "",
        f"{in_stent:.0f} % in the stent" if in_stent is not None else "",
        f"{projected:.0f} % by projected diameter" if projected is not None else "",
    ]
    flags = str(row["flags"] or "").split()
    return CaseVein(row["vessel"], row["state"], "; ".join(filter(None, figures)), flags)


def _picture(path: Path) -> str:
    if not path.is_file():
        return ""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _flags(results: Any) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for flags, number in Counter(results["flags"].to_pylist()).items():
        for flag in (flags or "").split():
            counts[flag] += number
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _failures(rows: list[dict[str, str]]) -> list[Failure]:
    counts = Counter((row["stage"], row["reason"], row["remedy"]) for row in rows)
    example: dict[tuple[str, str, str], str] = {}
    for row in rows:
        example.setdefault((row["stage"], row["reason"], row["remedy"]), row["study"])
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Failure(*kind, number, example[kind]) for kind, number in ordered[:_REASONS]]


def _set_aside(selection: Path) -> list[tuple[str, int]]:
    aside = (row["reason"] for row in rows_in(selection) if row["chosen"] == "false")
    reasons = Counter(_STUDY.sub("another study", reason) for reason in aside)
    return sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:_REASONS]
