"""Seeds for a run of a digital twin, set where a reader would: on open veins, off the junctions."""

from __future__ import annotations

from itertools import groupby

from venoseg.tables import Row, Table

# Beside a junction a venogram shows two veins as one.
_OFF_JUNCTIONS_MM = 15.0
_WAYPOINT_EVERY_MM = 20.0
_LEAST_LENGTH_MM = 30.0

Seeds = dict[str, list[dict[str, str | float]]]


def run_seeds(projection: Table) -> Seeds:
    """Return the content of a file of seeds: the longest open stretch of each vein in the picture.

    Parameters
    ----------
    projection
        The truth of the run.
    """
    points: list[dict[str, str | float]] = []
    for vessel, rows in groupby(projection.rows, key=lambda row: row["vessel"]):
        whole = list(rows)
        length = _position(whole[-1])
        stretches = [
            [row for row in part if _OFF_JUNCTIONS_MM <= _position(row) <= length - _margin(row)]
            for usable, part in groupby(whole, key=_usable)
            if usable
        ]
        longest = max(stretches, key=len, default=[])
        if longest and _position(longest[-1]) - _position(longest[0]) >= _LEAST_LENGTH_MM:
            points += _points(str(vessel), longest)
    return {"points": points}


def _points(vessel: str, rows: list[Row]) -> list[dict[str, str | float]]:
    first, last = _position(rows[0]), _position(rows[-1])
    between = round((last - first) / _WAYPOINT_EVERY_MM)
    chosen = {round(n * (len(rows) - 1) / between): "waypoint" for n in range(1, between)}
    chosen |= {0: "central_end", len(rows) - 1: "peripheral_end"}
    return [
        {
            "vessel": vessel,
            "role": role,
            "column": round(float(rows[n]["column_px"] or 0.0), 1),
            "row": round(float(rows[n]["row_px"] or 0.0), 1),
        }
        for n, role in sorted(chosen.items())
    ]


def _usable(row: Row) -> bool:
    return row["flags"] == "" and row["state"] != "occluded"


def _margin(row: Row) -> float:
    return _OFF_JUNCTIONS_MM if row["vessel"] == "ivc" else 0.0


def _position(row: Row) -> float:
    return float(row["position_mm"] or 0.0)
