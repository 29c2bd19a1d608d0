"""Change of the stents between two CTs: size, shape, tissue inside, length and place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.followup.case import Case
from venoseg.followup.change import change_row
from venoseg.followup.comparable import obstacle_of
from venoseg.followup.levels import Match, VesselMatch
from venoseg.followup.verdict import Difference, Figure, difference
from venoseg.followup.visit import CtVisit
from venoseg.lumen.stents.sizes import nominal_mm_in
from venoseg.tables import Row
from venoseg.volume import FloatArray

# A stent found farther than this from where its first visit puts it counts as another one.
_SAME_MM = 40.0

_ENDS = ("central", "peripheral")
_NO_LEVEL = "the level of this end is not matched"


def stent_changes(before: CtVisit, after: CtVisit, match: Match, case: Case) -> Iterator[Row]:
    """Yield the rows of every stent of the first visit; those new at the second have none."""
    labels = before.label, after.label
    obstacle = obstacle_of(before, after, stented=True, rules=case.rules)
    for here, there in _pairs(before, after, match):
        vessel = str(here["vessels"]).split()[0]
        level = f"stent {here['stent']}"
        nominal = nominal_mm_of(case, here, after.day)
        first, second = (stent_figures(row, nominal) for row in (here, there))
        for quantity, figure in first.items():
            found = difference(figure, second[quantity], obstacle=obstacle)
            yield change_row(vessel, level, None, labels, quantity, found)
        found = difference(_length(here), _length(there))
        yield change_row(vessel, level, None, labels, "stent_length_mm", found)
        for end in _ENDS:
            found = _migration(end, here, there, before, after, match)
            yield change_row(vessel, level, None, labels, f"{end}_end_migration_mm", found)


def _pairs(before: CtVisit, after: CtVisit, match: Match) -> list[tuple[Row, Row | None]]:
    """Return every stent in a vein of the first visit with the same one of the second."""
    first, second = (
        [row for row in visit.found.stents.rows if row["vessels"]] for visit in (before, after)
    )
    far = {
        (n, m): _distance_mm(here, there, before, after, match)
        for n, here in enumerate(first)
        for m, there in enumerate(second)
    }
    partner: dict[int, int] = {}
    for n, m in sorted(far, key=lambda pair: far[pair]):
        if far[n, m] <= _SAME_MM and n not in partner and m not in partner.values():
            partner[n] = m
    return [(row, second[partner[n]] if n in partner else None) for n, row in enumerate(first)]


def _distance_mm(here: Row, there: Row, before: CtVisit, after: CtVisit, match: Match) -> float:
    """Return how far ends lie from where the match puts them; infinite for those of other veins."""
    if not set(str(here["vessels"]).split()) & set(str(there["vessels"]).split()):
        return float("inf")
    offsets = [
        float(np.linalg.norm(_end(there, end) - placed[0]))
        for end in _ENDS
        if (placed := _placed(_end(here, end), str(here["vessels"]), before, after, match))
    ]
    # Where no level is matched the vein alone says which stent it is.
    return min(offsets) if offsets else 0.0


def _migration(
    end: str, here: Row, there: Row | None, before: CtVisit, after: CtVisit, match: Match
) -> Difference:
    """Judge how far an end has moved along the vein, peripherally positive."""
    start = Figure(0.0, 0.0, 0.0)
    if there is None:
        return difference(start, None)
    placed = _placed(_end(here, end), str(here["vessels"]), before, after, match)
    if placed is None:
        return difference(start, None, missing=_NO_LEVEL)
    point, along, apart_mm = placed
    moved = float((_end(there, end) - point) @ along)
    ends = (_end_doubt_mm(here, end), _end_doubt_mm(there, end))
    doubt = float(np.hypot(apart_mm, np.hypot(*ends)))
    return difference(start, Figure(moved, moved - doubt, moved + doubt))


def _placed(
    point: FloatArray, vessels: str, before: CtVisit, after: CtVisit, match: Match
) -> tuple[FloatArray, FloatArray, float] | None:
    """Return where a point of a vein lies at the second visit, the direction there, its doubt."""
    nearest: tuple[float, int, VesselMatch, Curve] | None = None
    for vessel in vessels.split():
        one = match.vessels.get(vessel)
        if one is None:
            continue
        curve = before.found.tree.branch(vessel).curve
        apart = np.linalg.norm(curve.points_lps_mm - point, axis=1)
        station = int(apart.argmin())
        if nearest is None or apart[station] < nearest[0]:
            other = after.found.tree.branch(vessel).curve
            nearest = float(apart[station]), station, one, other
    if nearest is None or np.isnan(nearest[2].to_mm[nearest[1]]):
        return None
    _, station, one, other = nearest
    at = int(np.abs(other.position_mm - one.to_mm[station]).argmin())
    doubt = match.residual_mm if one.doubt_mm is None else one.doubt_mm[station]
    return other.points_lps_mm[at], other.tangents[at], float(doubt or 0.0)


def stent_figures(row: Row | None, nominal_mm: float | None) -> dict[str, Figure | None]:
    """Return the figures of a stent's section; each None where it is not known.

    Parameters
    ----------
    row
        Of ``stents.csv``; None: the stent was not seen.
    nominal_mm
        Its nominal diameter; None: there is no figure of compression.
    """
    found = {
        "stent_minimum_area_mm2": _area(row),
        "stent_minimum_diameter_mm": _width(row),
        "stent_least_diameter_ratio": _ratio(row),
        "in_stent_area_stenosis_percent": _tissue(row),
    }
    if nominal_mm is not None:
        width = _width(row)
        found["stent_compression_percent"] = (
            None if width is None else _compression(width, nominal_mm)
        )
    return found


def _area(row: Row | None) -> Figure | None:
    columns = ("minimum_area_mm2", "minimum_area_low_mm2", "minimum_area_high_mm2")
    values = [None if row is None else row[column] for column in columns]
    if None in values:
        return None
    value, low, high = (float(one) for one in values if one is not None)
    return Figure(value, low, high)


def _width_doubt_mm(area: Figure) -> float:
    """Return half the interval of a width whose edge is displaced as the area's interval says."""
    if area.low is None or area.high is None:
        return float("nan")
    around = np.sqrt(4.0 * np.pi * area.value)
    return float((area.high - area.low) / around)


def _width(row: Row | None) -> Figure | None:
    area = _area(row)
    if row is None or area is None or row["minimum_diameter_mm"] is None:
        return None
    width, doubt = float(row["minimum_diameter_mm"]), _width_doubt_mm(area)
    return Figure(width, width - doubt, width + doubt)


def _ratio(row: Row | None) -> Figure | None:
    width, area = _width(row), _area(row)
    if row is None or width is None or area is None or row["least_diameter_ratio"] is None:
        return None
    ratio = float(row["least_diameter_ratio"])
    doubt = ratio * _width_doubt_mm(area) * np.hypot(1.0, ratio) / width.value
    return Figure(ratio, ratio - float(doubt), ratio + float(doubt))


def _compression(width: Figure, nominal_mm: float) -> Figure:
    percent = [
        None if end is None else 100.0 * (1.0 - end / nominal_mm)
        for end in (width.value, width.high, width.low)
    ]
    return Figure(percent[0] or 0.0, percent[1], percent[2])


def _tissue(row: Row | None) -> Figure | None:
    name = "in_stent_area_stenosis"
    percent = None if row is None else row[f"{name}_percent"]
    if row is None or percent is None:
        return None
    low, high = row[f"{name}_low_percent"], row[f"{name}_high_percent"]
    return Figure(
        float(percent),
        None if low is None else float(low),
        None if high is None else float(high),
    )


def _length(row: Row | None) -> Figure | None:
    names = ("length_mm", "length_low_mm", "length_high_mm")
    values = [None if row is None else row[name] for name in names]
    if values[0] is None:
        return None
    low, high = (None if end is None else float(end) for end in values[1:])
    return Figure(float(values[0]), low, high)


def _end_doubt_mm(row: Row, end: str) -> float:
    """Return half the 95 % interval of an end's place; not known where nothing was measured."""
    doubt = row[f"{end}_end_doubt_mm"]
    return float("nan") if doubt is None else float(doubt)


def nominal_mm_of(case: Case, row: Row, day: int) -> float | None:
    """Return the nominal diameter of the stents placed in these veins; None where they differ."""
    return nominal_mm_in(case.stents_by(day), str(row["vessels"]).split())


def _end(row: Row, end: str) -> FloatArray:
    return np.array([float(row[f"{end}_{axis}_mm"] or 0.0) for axis in "xyz"])
