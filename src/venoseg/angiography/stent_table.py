"""Stents of a run as a table: widths, expansion, ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from venoseg.angiography.projection import Projection
from venoseg.angiography.stents import StentEdges
from venoseg.tables import Column, Row, Table, Value

STENT_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("start_position_px", "central end of the stent along the vein's centreline", 2),
    Column("stop_position_px", "peripheral end", 2),
    Column("end_half_px", "half width of the 95 % interval of a position of an end", 2),
    Column("minimum_width_px", "smallest distance of the edges, at the middle of the wire", 3),
    Column("minimum_width_mm", "the same in the patient; empty without a calibration", 3),
    Column("minimum_width_low_mm", "lower end of the 95 % interval", 3),
    Column("minimum_width_high_mm", "upper end of the 95 % interval", 3),
    Column("minimum_position_px", "where it is", 2),
    Column("maximum_width_px", "largest distance of the edges", 3),
    Column("maximum_width_mm", "the same in the patient", 3),
    Column("maximum_width_low_mm", "lower end of the 95 % interval", 3),
    Column("maximum_width_high_mm", "upper end of the 95 % interval", 3),
    Column("maximum_position_px", "where it is", 2),
    Column("nominal_mm", "diameter that the stent was made for; empty when not given", 3),
    Column("expansion_percent", "100 smallest width / nominal", 2),
    Column("expansion_low_percent", "lower end of the 95 % interval", 2),
    Column("expansion_high_percent", "upper end of the 95 % interval", 2),
    Column("flags", "central_end_not_seen, peripheral_end_not_seen, edges_hidden_in_parts"),
)

ANY_VESSEL = ""
"""Key of a nominal diameter that holds for all veins."""

# Stents of which less is seen are flagged.
_MOST = 0.9


def stent_table(
    found: list[tuple[Projection, tuple[StentEdges, ...]]], nominal_mm: Mapping[str, float]
) -> Table:
    """Return ``stents.csv``; ``nominal_mm`` by vessel, or of `ANY_VESSEL`."""
    rows = [
        _row(projection, stent, nominal_mm.get(projection.vessel, nominal_mm.get(ANY_VESSEL)))
        for projection, stents in found
        for stent in stents
    ]
    return Table.from_rows(STENT_COLUMNS, rows)


def _row(projection: Projection, stent: StentEdges, nominal_mm: float | None) -> Row:
    positions = projection.position_px
    least, most = stent.extremes()
    smallest = _width(projection, stent, least)
    row: dict[str, Value] = {
        "vessel": projection.vessel,
        "start_position_px": float(positions[stent.stations[0]]),
        "stop_position_px": float(positions[stent.stations[-1]]),
        "end_half_px": stent.end_half_px,
        "nominal_mm": nominal_mm,
        "flags": ";".join(_flags(stent)),
    }
    for name, at in (("minimum", least), ("maximum", most)):
        row[f"{name}_width_px"] = float(stent.width_px[at])
        row[f"{name}_position_px"] = float(positions[stent.stations[at]])
        in_mm = _width(projection, stent, at)
        for part, value in zip(("", "low_", "high_"), in_mm or (None,) * 3, strict=True):
            row[f"{name}_width_{part}mm"] = value
    shares: tuple[float | None, ...] = (None,) * 3
    if smallest is not None and nominal_mm is not None:
        shares = tuple(100.0 * width / nominal_mm for width in smallest)
    for part, share in zip(("", "low_", "high_"), shares, strict=True):
        row[f"expansion_{part}percent"] = share
    return row


def _width(projection: Projection, stent: StentEdges, at: int) -> tuple[float, float, float] | None:
    """Return a width in mm and its 95 % interval; None without a calibration."""
    factor, share = projection.mm_per_px_across, projection.calibration.relative_uncertainty
    if factor is None or share is None:
        return None
    scale = float(factor[stent.stations[at]])
    width = float(stent.width_px[at]) * scale
    half = float(np.hypot(stent.half_px[at] * scale, share * width))
    return width, max(width - half, 0.0), width + half


def _flags(stent: StentEdges) -> list[str]:
    named = (
        ("central_end_not_seen", not stent.sure_ends[0]),
        ("peripheral_end_not_seen", not stent.sure_ends[1]),
        ("edges_hidden_in_parts", float(stent.seen.mean()) < _MOST),
    )
    return [name for name, where in named if where]
