"""The table of the stents: one row for each device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.lumen.stent_profile import SHARP, THICK_SLICES, THICKEST_SLICE_MM, StentProfile
from venoseg.lumen.stented import OwnedStent
from venoseg.tables import Column, Row, Table, Value
from venoseg.volume import Source

STENT_COLUMNS: tuple[Column, ...] = (
    Column("stent", "number of the device, from the head downwards"),
    Column("vessels", "veins that it lies in, central first; empty outside the labelled veins"),
    Column("central_x_mm", "middle of its end nearer to the head (LPS)", 2),
    Column("central_y_mm", "the same, y", 2),
    Column("central_z_mm", "the same, z", 2),
    Column("peripheral_x_mm", "middle of its other end (LPS)", 2),
    Column("peripheral_y_mm", "the same, y", 2),
    Column("peripheral_z_mm", "the same, z", 2),
    Column("length_mm", "arc length of its middle line", 1),
    Column("minimum_area_mm2", "smallest area inside the wires, at mid-wire", 2),
    Column("minimum_area_low_mm2", "low end of the 95 % interval of that area", 2),
    Column("minimum_area_high_mm2", "high end of the 95 % interval of that area", 2),
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
    Column("overlap_mm", "length over which two stents lie inside one another", 1),
    Column("gap_mm", "length without wire between its ends", 1),
    Column("fracture_candidates", "gaps with the same stent on either side"),
    Column("slice_thickness_mm", "of the image", 3),
    Column("convolution_kernel", "of the image"),
    Column("flags", "what a reader of this row must know; separated by spaces"),
)

_FLAG_SHARE = 0.1


def stent_table(
    stents: Sequence[OwnedStent], source: Source, nominal_mm: float | None = None
) -> Table:
    """Return one row for every stent.

    Parameters
    ----------
    stents
        In the order of the rows.
    source
        Of the image.
    nominal_mm
        Diameter they were made for.
    """
    rows = [_row(n, stent, source, nominal_mm) for n, stent in enumerate(stents, start=1)]
    return Table.from_rows(STENT_COLUMNS, rows)


def stent_warnings(stents: Sequence[OwnedStent]) -> tuple[str, ...]:
    """Say what concerns whole stents, one sentence each."""
    warnings = []
    for number, stent in enumerate(stents, start=1):
        profile = stent.profile
        if not profile.device.in_vein:
            warnings.append(f"stent {number}: outside the labelled veins; not put into their rows")
        if THICK_SLICES in profile.whole:
            warnings.append(
                f"stent {number}: not measured, the slices are thicker than "
                f"{THICKEST_SLICE_MM:g} mm and blooming hides what lies inside"
            )
        if any(SHARP in words for words in profile.flags):
            warnings.append(
                f"stent {number}: the kernel enhances edges, so that the lumen inside cannot be "
                "told; use a series with a soft kernel"
            )
        if profile.overlaps:
            warnings.append(f"stent {number}: two stents overlap; the row holds both")
        if profile.fractures:
            warnings.append(
                f"stent {number}: {len(profile.fractures)} gap with the same stent on either side, "
                "a fracture or two stents end to end; look at it"
            )
    return tuple(warnings)


def _row(number: int, stent: OwnedStent, source: Source, nominal_mm: float | None) -> Row:
    profile = stent.profile
    inside = dict.fromkeys(stent.vessels) if profile.device.in_vein else {}
    row: dict[str, Value] = dict.fromkeys(column.name for column in STENT_COLUMNS)
    row |= {"stent": number, "vessels": " ".join(inside)}
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


def _wire_figures(profile: StentProfile, nominal_mm: float | None) -> dict[str, Value]:
    shapes = profile.shapes
    least = int(np.nanargmin(shapes.area_mm2))
    area, width = float(shapes.area_mm2[least]), float(np.nanmin(shapes.minimum_mm))
    position = profile.curve.position_mm - profile.curve.position_mm[0]
    figures: dict[str, Value] = {
        "length_mm": profile.curve.length_mm,
        "minimum_area_mm2": area,
        "minimum_area_low_mm2": float(profile.area_interval_mm2[least, 0]),
        "minimum_area_high_mm2": float(profile.area_interval_mm2[least, 1]),
        "minimum_area_position_mm": float(position[least]),
        "mean_area_mm2": float(np.nanmean(shapes.area_mm2)),
        "minimum_diameter_mm": width,
        "maximum_diameter_mm": float(np.nanmax(shapes.maximum_mm)),
        "least_diameter_ratio": float(np.nanmin(shapes.minimum_mm / shapes.maximum_mm)),
        "overlap_mm": sum(stop - start for start, stop in profile.overlaps),
        "gap_mm": sum(stop - start for start, stop in profile.gaps),
        "fracture_candidates": len(profile.fractures),
    }
    if nominal_mm is not None:
        figures["expansion_percent"] = 100.0 * area / (np.pi / 4.0 * nominal_mm**2)
        figures["compression_percent"] = 100.0 * (1.0 - width / nominal_mm)
    return figures


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
