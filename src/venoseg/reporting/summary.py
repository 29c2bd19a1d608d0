"""What was found in a vein, in sentences with the figures they rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.tables.least import least_area
from venoseg.lumen.tables.stenosis import STENOTIC_AREA_PERCENT, expected_normal
from venoseg.reporting.stretches import Stretch, edge_sources, step_mm, unmeasured
from venoseg.reporting.words import (
    REASONS,
    area_range,
    area_words,
    flag_words,
    length_range,
    length_words,
)
from venoseg.tables import Row


def headline(measurements: Measurements) -> str:
    """Return the finding to be read first: what is shut, then what is narrowest."""
    rows = measurements.segments.rows
    shut = [row for row in rows if row["occluded_length_mm"]]
    open_rows = [row for row in rows if row["minimum_area_mm2"]]
    if not shut and not open_rows:
        return "No vein could be measured."
    known = sum(row in shut or row in open_rows for row in rows)
    start = f"{known} of {len(rows)} veins measured."
    return " ".join((start, *_shut_words(shut), *_narrowest_words(open_rows, shut)))


def _shut_words(rows: Sequence[Row]) -> tuple[str, ...]:
    if not rows:
        return ()
    places = [
        f"the {_title(row)} along {row['occluded_length_mm']:.0f}\N{NO-BREAK SPACE}mm"
        for row in rows
    ]
    return (f"Without lumen: {', '.join(places)}.",)


def _narrowest_words(rows: Sequence[Row], shut: Sequence[Row]) -> tuple[str, ...]:
    compared = [row for row in rows if row["area_stenosis_percent"] is not None and row not in shut]
    if not compared:
        alone = "No reference is known for any of them, so no stenosis is given."
        return () if shut else (alone,)
    worst = max(compared, key=lambda row: float(row["area_stenosis_percent"] or 0.0))
    by_area = float(worst["area_stenosis_percent"] or 0.0)
    by_diameter = float(worst["diameter_stenosis_percent"] or 0.0)
    others = "No other vein" if shut else "None"
    if by_area <= 0.0:
        return (f"{others} has an area smaller than that of its reference.",)
    kind = str(worst["reference_kind"])
    normal = kind == "expected_normal"
    against = "its expected normal area" if normal else f"its {kind.replace('_', ' ')} reference"
    words = (
        f"Narrowest{' of the others' if shut else ''} against {against}: the {_title(worst)}, "
        f"{by_area:.0f}\N{NO-BREAK SPACE}% by area; its smallest diameter is "
        f"{max(by_diameter, 0.0):.0f}\N{NO-BREAK SPACE}% less than that of a circle of that area."
    )
    return (words,)


def _title(row: Row) -> str:
    return BY_NAME[str(row["vessel"])].title.lower()


def summary_sentences(profile: VesselProfile) -> tuple[str, ...]:
    """Return the smallest section, how it compares, how much was measured, and why not all."""
    if not profile.measured.any():
        return (_why_nothing(profile),)
    sentences = (_smallest(profile), _comparison(profile), _coverage(profile))
    missing = unmeasured(profile)
    if not missing:
        return sentences
    return (*sentences, f"Not measured: {_reasons(missing, step_mm(profile))}.")


def notes(profile: VesselProfile, row: Row) -> tuple[str, ...]:
    """Return every flag of a vein in words, those of its stations with the length they hold for.

    The reasons of unmeasured stations are not among them: a sentence tells these.

    Parameters
    ----------
    profile
        The vein.
    row
        Its row of ``segments.csv``.
    """
    lengths: dict[str, float] = {}
    for flags in profile.flags:
        for flag in flags:
            lengths[flag] = lengths.get(flag, 0.0) + step_mm(profile)
    whole = [flag for flag in str(row["flags"]).split() if flag not in lengths]
    return (
        *(flag_words(flag) for flag in whole if flag not in REASONS),
        *(
            f"{flag_words(flag)} ({length:.0f} mm)"
            for flag, length in lengths.items()
            if flag not in REASONS
        ),
    )


def _smallest(profile: VesselProfile) -> str:
    least, shapes = least_area(profile), profile.shapes
    n = least.station
    return (
        f"Smallest lumen area {area_words(least.value)} "
        f"(95 % interval {area_range(least.low, least.high)} mm²), "
        f"{least.position_mm:.0f} mm from the central end; "
        f"minimum diameter there {length_words(shapes.minimum_mm[n])} "
        f"({length_range(*profile.minimum_interval_mm[n])} mm), "
        f"maximum {length_words(shapes.maximum_mm[n])}."
    )


def _comparison(profile: VesselProfile) -> str:
    reference = expected_normal(profile.vessel)
    if reference is None:
        return "No expected normal area is known for this vein, so no stenosis is given."
    least = least_area(profile)
    areas = np.array([least.value, least.low, least.high])
    percent, high, low = 100.0 * (1.0 - areas / reference.area_mm2)
    against = f"the expected normal area of {area_words(reference.area_mm2)} ({reference.source})"
    if percent <= 0.0:
        return f"It is not smaller than {against}: no stenosis by area."
    verdict = "at or above" if percent >= STENOTIC_AREA_PERCENT else "below"
    span = "" if np.isnan(low) else f" ({max(low, 0.0):.0f} to {high:.0f} %)"
    return (
        f"That is {percent:.0f} %{span} less than {against}, "
        f"{verdict} the convention of {STENOTIC_AREA_PERCENT:.0f} %."
    )


def _coverage(profile: VesselProfile) -> str:
    step = step_mm(profile)
    sources = {
        kind: sum(s.count for s in edge_sources(profile) if s.kind == kind)
        for kind in ("gray values", "labels")
    }
    parts = [f"{count * step:.0f} mm from {kind}" for kind, count in sources.items() if count]
    return (
        f"Measured over {profile.measured.sum() * step:.0f} of {len(profile.flags) * step:.0f} mm; "
        f"edge: {', '.join(parts)}."
    )


def _why_nothing(profile: VesselProfile) -> str:
    reasons = _reasons(unmeasured(profile), step_mm(profile))
    return f"No station has a lumen that could be measured: {reasons}."


def _reasons(stretches: list[Stretch], step: float) -> str:
    lengths: dict[str, float] = {}
    for stretch in stretches:
        lengths[stretch.kind] = lengths.get(stretch.kind, 0.0) + stretch.count * step
    return ", ".join(f"{length:.0f} mm ({kind})" for kind, length in lengths.items())
