"""The table of the stents: one row for each, those that overlap end to end included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from venoseg.lumen.stents.meeting import (
    CROSSING_SHARE,
    clear_of_others,
    each_alone,
    end_doubts,
)
from venoseg.lumen.stents.profile import (
    NARROWEST_MM,
    SHARP,
    THICK_SLICES,
    THICKEST_SLICE_MM,
    TOO_NARROW,
    StentProfile,
)
from venoseg.lumen.stents.sizes import StentSizes, nominal_mm_in
from venoseg.lumen.stents.stations import OwnedStent
from venoseg.tables import Column, Row, Table, Value
from venoseg.volume import FloatArray, Source

STENT_COLUMNS: tuple[Column, ...] = (
    Column("stent", "number of the device, from the head downwards"),
    Column(
        "vessels",
        "veins that hold an eighth of it or more, central first; empty outside labelled veins",
    ),
    Column("central_x_mm", "middle of its end nearer to the head (LPS)", 2),
    Column("central_y_mm", "the same, y", 2),
    Column("central_z_mm", "the same, z", 2),
    Column("peripheral_x_mm", "middle of its other end (LPS)", 2),
    Column("peripheral_y_mm", "the same, y", 2),
    Column("peripheral_z_mm", "the same, z", 2),
    Column("central_end_doubt_mm", "half the 95 % interval of where that end lies along it", 1),
    Column("peripheral_end_doubt_mm", "the same of its other end", 1),
    Column("length_mm", "arc length of its middle line", 1),
    Column("length_low_mm", "low end of the 95 % interval of that length", 1),
    Column("length_high_mm", "high end of the 95 % interval of that length", 1),
    Column(
        "minimum_area_mm2",
        "smallest area inside the wires, at mid-wire, where no other stent runs into it; where two "
        "overlap between the wires of both",
        2,
    ),
    Column(
        "minimum_area_low_mm2",
        "low end of the 95 % interval of the smallest area anywhere, where stents meet as well",
        2,
    ),
    Column("minimum_area_high_mm2", "high end of that interval", 2),
    Column("minimum_area_position_mm", "where it is, from the central end", 1),
    Column("mean_area_mm2", "mean area inside the wires", 2),
    Column("minimum_diameter_mm", "least width, at mid-wire", 3),
    Column("maximum_diameter_mm", "greatest width, at mid-wire", 3),
    Column("least_diameter_ratio", "smallest ratio of least to greatest width of a section", 3),
    Column("nominal_diameter_mm", "what the stent was made for, as given; empty when not given", 2),
    Column("expansion_percent", "100 smallest area / area of the nominal circle", 1),
    Column("compression_percent", "100 (1 - least width / nominal diameter)", 1),
    Column("minimum_lumen_area_mm2", "smallest area of the lumen inside", 2),
    Column("in_stent_area_stenosis_percent", "largest 100 (1 - lumen area / stent area)", 1),
    Column("in_stent_area_stenosis_low_percent", "low end of its 95 % interval", 1),
    Column(
        "in_stent_area_stenosis_high_percent",
        "high end of its 95 % interval; the only bound where the wire hides the lumen's edge",
        1,
    ),
    Column("in_stent_area_stenosis_position_mm", "where it is, from the central end", 1),
    Column("overlap_mm", "length over which another stent lies in it or around it", 1),
    Column("gap_mm", "length without wire between its ends", 1),
    Column("fracture_candidates", "gaps with the same stent on either side"),
    Column("slice_thickness_mm", "of the image", 3),
    Column("convolution_kernel", "of the image"),
    Column("flags", "what a reader of this row must know; separated by spaces"),
)

_FLAG_SHARE = 0.1

# A stent that reaches into a vein with a smaller share of its length is not said to lie in it.
_LEAST_IN_VEIN_SHARE = 0.12


def stent_table(
    stents: Sequence[OwnedStent], source: Source, sizes: StentSizes | None = None
) -> Table:
    """Return one row for every stent.

    Parameters
    ----------
    stents
        In the order of the rows.
    source
        Of the image.
    sizes
        Diameters they were made for.
    """
    rows = [_row(n, stent, source, sizes) for n, stent in _numbered(stents)]
    return Table.from_rows(STENT_COLUMNS, rows)


def _numbered(stents: Sequence[OwnedStent]) -> Iterator[tuple[int, OwnedStent]]:
    """Yield the stents, those that overlap one by one, with the numbers of their rows."""
    number = 0
    for stent in stents:
        first = stent.profile.curve.position_mm
        for profile in each_alone(stent.profile):
            number += 1
            start = int(np.searchsorted(first, profile.curve.position_mm[0]))
            vessels = stent.vessels[start : start + len(profile.curve)]
            yield number, OwnedStent(profile, vessels)


def stent_warnings(stents: Sequence[OwnedStent]) -> tuple[str, ...]:
    """Say what concerns whole stents, one sentence each."""
    warnings = []
    for number, stent in _numbered(stents):
        profile = stent.profile
        if not profile.device.in_vein:
            warnings.append(f"stent {number}: outside the labelled veins; not put into their rows")
        if THICK_SLICES in profile.whole:
            warnings.append(
                f"stent {number}: not measured, the slices are thicker than "
                f"{THICKEST_SLICE_MM:g} mm and blooming hides what lies inside"
            )
        if TOO_NARROW in profile.whole:
            warnings.append(
                f"stent {number}: not measured, its wires lie within {NARROWEST_MM:g} mm of one "
                "another and nothing shows between them"
            )
        if any(SHARP in words for words in profile.flags):
            warnings.append(
                f"stent {number}: the kernel enhances edges, so that the lumen inside cannot be "
                "told; use a series with a soft kernel"
            )
        doubled = [b - a for a, b in profile.overlaps if b >= profile.curve.length_mm]
        if doubled:
            warnings.append(
                f"stent {number}: overlaps the next one over {doubled[0]:.0f} mm; where either of "
                "them ends is told from the amount of metal, and its area there is that between "
                "the wires of both"
            )
        if (profile.shared >= CROSSING_SHARE).any():
            warnings.append(
                f"stent {number}: runs into another stent; there its length and its area are "
                "known no better than their intervals say, and the lumen inside is not told"
            )
        if profile.fractures:
            warnings.append(
                f"stent {number}: {len(profile.fractures)} gap with the same stent on either side, "
                "a fracture or two stents end to end; look at it"
            )
    return tuple(warnings)


def _row(number: int, stent: OwnedStent, source: Source, sizes: StentSizes | None) -> Row:
    profile, vessels = stent.profile, _veins_of(stent)
    nominal_mm = nominal_mm_in(sizes, vessels)
    row: dict[str, Value] = dict.fromkeys(column.name for column in STENT_COLUMNS)
    row |= {"stent": number, "vessels": " ".join(vessels)}
    for end, at in (("central", 0), ("peripheral", -1)):
        place = profile.curve.points_lps_mm[at].tolist()
        row |= {f"{end}_{axis}_mm": v for axis, v in zip("xyz", place, strict=True)}
    row |= {
        "nominal_diameter_mm": nominal_mm,
        "slice_thickness_mm": source.slice_thickness_mm,
        "convolution_kernel": source.convolution_kernel,
        "flags": " ".join(_flags(profile)),
    }
    if not np.isnan(profile.shapes.area_mm2).all():
        row |= _wire_figures(profile, nominal_mm)
    if not np.isnan(profile.lumen_shapes.area_mm2).all():
        row |= _lumen_figures(profile)
    elif not np.isnan(profile.stenosis_interval_percent).all():
        row["in_stent_area_stenosis_high_percent"] = float(
            np.nanmax(profile.stenosis_interval_percent[:, 1])
        )
    return row


def _veins_of(stent: OwnedStent) -> list[str]:
    """Return the veins a stent lies in, central first, but for one that it only reaches into."""
    if not stent.profile.device.in_vein:
        return []
    least = _LEAST_IN_VEIN_SHARE * len(stent.vessels)
    names = dict.fromkeys(stent.vessels)
    return [name for name in names if stent.vessels.count(name) >= least]


def _wire_figures(profile: StentProfile, nominal_mm: float | None) -> dict[str, Value]:
    shapes, clear = profile.shapes, clear_of_others(profile)
    areas = np.where(clear, shapes.area_mm2, np.nan)
    least = int(np.nanargmin(areas))
    area, width = float(areas[least]), _least(np.where(clear, shapes.minimum_mm, np.nan))
    position = profile.curve.position_mm - profile.curve.position_mm[0]
    low, high = profile.area_interval_mm2.T
    figures: dict[str, Value] = {
        "minimum_area_mm2": area,
        "minimum_area_low_mm2": _least(low),
        "minimum_area_high_mm2": _least(np.where(clear, high, np.nan)),
        "minimum_area_position_mm": float(position[least]),
        "mean_area_mm2": float(np.nanmean(areas)),
        "minimum_diameter_mm": width,
        "maximum_diameter_mm": float(np.nanmax(np.where(clear, shapes.maximum_mm, np.nan))),
        "least_diameter_ratio": _least(
            np.where(clear, shapes.minimum_mm / shapes.maximum_mm, np.nan)
        ),
        "overlap_mm": sum(stop - start for start, stop in profile.overlaps),
        "gap_mm": sum(stop - start for start, stop in profile.gaps),
        "fracture_candidates": len(profile.fractures),
    }
    if nominal_mm is not None:
        figures["expansion_percent"] = 100.0 * area / (np.pi / 4.0 * nominal_mm**2)
        figures["compression_percent"] = 100.0 * (1.0 - width / nominal_mm)
    return figures | _length_figures(profile)


def _length_figures(profile: StentProfile) -> dict[str, Value]:
    length = profile.curve.length_mm
    central, peripheral = end_doubts(profile)
    inwards = float(np.hypot(central.inwards_mm, peripheral.inwards_mm))
    outwards = float(np.hypot(central.outwards_mm, peripheral.outwards_mm))
    return {
        "central_end_doubt_mm": max(central.inwards_mm, central.outwards_mm),
        "peripheral_end_doubt_mm": max(peripheral.inwards_mm, peripheral.outwards_mm),
        "length_mm": length,
        "length_low_mm": max(length - inwards, 0.0),
        "length_high_mm": length + outwards,
    }


def _least(values: FloatArray) -> float:
    return float(np.nanmin(values))


def _lumen_figures(profile: StentProfile) -> dict[str, Value]:
    stenosis = profile.stenosis_percent
    worst = int(np.nanargmax(stenosis))
    low, high = profile.stenosis_interval_percent[worst].tolist()
    position = profile.curve.position_mm - profile.curve.position_mm[0]
    return {
        "minimum_lumen_area_mm2": float(np.nanmin(profile.lumen_shapes.area_mm2)),
        "in_stent_area_stenosis_percent": float(stenosis[worst]),
        "in_stent_area_stenosis_low_percent": low,
        "in_stent_area_stenosis_high_percent": high,
        "in_stent_area_stenosis_position_mm": float(position[worst]),
    }


def _flags(profile: StentProfile) -> list[str]:
    flags = [] if profile.device.in_vein else ["outside_veins"]
    counts: dict[str, int] = {}
    for words in profile.flags:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return flags + [w for w, c in counts.items() if c >= _FLAG_SHARE * len(profile.flags)]
