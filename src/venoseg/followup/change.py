"""Change of the veins between two CTs, station by station and vein by vein: ``changes.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from venoseg.followup.comparable import obstacle_of, stented_station
from venoseg.followup.levels import Match, VesselMatch
from venoseg.followup.rules import Rules
from venoseg.followup.stations import STATION_FIGURES, Stations, number
from venoseg.followup.verdict import Difference, Figure, difference
from venoseg.followup.visit import CtVisit
from venoseg.tables import Column, Row, Table

CHANGE_COLUMNS: tuple[Column, ...] = (
    Column("vessel", "name of the vein; empty for what concerns no single vein"),
    Column(
        "level",
        "station, matched stretch, whole vein, run, stent with its first number, or collaterals "
        "with their side",
    ),
    Column("position_mm", "of a station, from the vein's central end at the first timepoint", 2),
    Column("timepoint_from", "label of the first timepoint, with its study where it has several"),
    Column("timepoint_to", "label of the second timepoint"),
    Column("quantity", "what is compared, as its column is called; its unit is its ending"),
    Column("value_from", "at the first timepoint", 3),
    Column("value_to", "at the matched level of the second timepoint", 3),
    Column("change", "second minus first", 3),
    Column("change_low", "low end of the 95 % interval of the change", 3),
    Column("change_high", "high end of the 95 % interval of the change", 3),
    Column("verdict", "changed, unchanged or not comparable"),
    Column("reason", "why"),
)

# The end of an occlusion or of a stent is known to about this, at each of its two ends.
END_MM = 2.0

_NATIVE = (
    "smaller than what breathing and filling do to a vein without stent, and these states are not "
    "recorded as equal"
)


def change_table(rows: Sequence[Row]) -> Table:
    """Return ``changes.csv``."""
    return Table.from_rows(CHANGE_COLUMNS, rows)


def ct_changes(before: CtVisit, after: CtVisit, match: Match, rules: Rules) -> list[Row]:
    """Return the rows of two CTs: every matched station, then every vein."""
    rows: list[Row] = []
    vessels = [p.vessel for p in before.found.profiles]
    vessels += [p.vessel for p in after.found.profiles if p.vessel not in vessels]
    for vessel in vessels:
        pair = _Pair(vessel, before, after, match, rules)
        rows += pair.stations()
        rows += pair.stretch()
        rows += pair.narrowed()
        rows += pair.whole()
    return rows


def collateral_changes(before: CtVisit, after: CtVisit) -> Iterator[Row]:
    """Yield the rows of the collaterals beside the spine, side by side.

    What is found is a lower bound without interval: the figures are given, and no verdict.
    """
    labels = before.label, after.label
    tables = [{row["side"]: row for row in v.found.collaterals.rows} for v in (before, after)]
    for side in (one for one in ("left", "right") if any(one in table for table in tables)):
        for column in ("total_length_mm", "volume_mm3"):
            figures = [
                Figure(float(value))
                if (value := table.get(side, {}).get(column)) is not None
                else None
                for table in tables
            ]
            found = difference(*figures, obstacle="what is found is only a lower bound")
            yield change_row("", f"collaterals {side}", None, labels, f"collateral_{column}", found)


def change_row(
    vessel: str,
    level: str,
    position_mm: float | None,
    labels: tuple[str, str],
    quantity: str,
    found: Difference,
) -> Row:
    """Return one row of ``changes.csv``."""
    return {
        "vessel": vessel,
        "level": level,
        "position_mm": position_mm,
        "timepoint_from": labels[0],
        "timepoint_to": labels[1],
        "quantity": quantity,
        "value_from": None if found.before is None else found.before.value,
        "value_to": None if found.after is None else found.after.value,
        "change": found.change,
        "change_low": found.low,
        "change_high": found.high,
        "verdict": found.verdict,
        "reason": found.reason,
    }


class _Pair:
    """One vein at two visits."""

    def __init__(
        self, vessel: str, before: CtVisit, after: CtVisit, match: Match, rules: Rules
    ) -> None:
        self.vessel = vessel
        self.visits = before, after
        self.labels = before.label, after.label
        self.rules = rules
        self.here, self.there = Stations.of(before, vessel), Stations.of(after, vessel)
        self.match: VesselMatch | None = match.vessels.get(vessel)
        self.residual_mm = match.residual_mm or 0.0

    def stations(self) -> Iterator[Row]:
        """Yield a row for every figure of every station that has a matched level."""
        for quantity in STATION_FIGURES:
            if self.match is None:
                return
            varied = self.here.varied(quantity), self.there.varied(quantity)
            for n, m in self._pairs():
                apart = self._apart_mm(n)
                doubt = max(varied[0].within(n, apart), varied[1].within(m, apart))
                found = self._judged(quantity, n, m, doubt)
                position = number(self.here.rows[n], "position_mm")
                yield change_row(self.vessel, "station", position, self.labels, quantity, found)

    def stretch(self) -> Iterator[Row]:
        """Yield the smallest figures of the stretch that both visits show."""
        for quantity in STATION_FIGURES:
            pairs = self._measured(quantity)
            if not pairs:
                continue
            here = min((p[0] for p in pairs), key=lambda n: self.here.value(n, quantity))
            there = min((p[1] for p in pairs), key=lambda n: self.there.value(n, quantity))
            found = self._judged(quantity, here, there, 0.0)
            yield self._stretch_row(here, f"smallest_{quantity}", found)

    def narrowed(self) -> Iterator[Row]:
        """Yield the stenosis at the later narrowest station against the same site before."""
        quantity = "lumen_area_mm2"
        # What a stent has opened since is no measure of what has narrowed.
        open_ones = [
            (n, m)
            for n, m in self._measured(quantity)
            if stented_station(self.here.rows[n]) == stented_station(self.there.rows[m])
            and self.here.value(n, quantity) > 0.0
        ]
        if not open_ones:
            return
        here, there = min(open_ones, key=lambda pair: self.there.value(pair[1], quantity))
        varied = self.here.varied(quantity).within(here, self._apart_mm(here))
        area = self._judged(quantity, here, there, varied)
        site = self.here.value(here, quantity)
        stenosis, high, low = (
            None if one is None else -100.0 * one / site
            for one in (area.change, area.low, area.high)
        )
        found = Difference(
            Figure(0.0), Figure(stenosis or 0.0), stenosis, low, high, area.verdict, area.reason
        )
        yield self._stretch_row(here, "area_stenosis_baseline_same_site_percent", found)

    def whole(self) -> Iterator[Row]:
        """Yield what is known of the vein as a whole."""
        rows = [visit.segment(self.vessel) for visit in self.visits]
        for quantity in ("occluded_length_mm", "stented_length_mm"):
            figures = [None if row is None else _length(row, quantity) for row in rows]
            if figures == [None, None]:
                continue
            absent = quantity == "stented_length_mm"
            when = "before" if figures[0] is None else "after"
            words = f"no stent was seen {when}" if absent else ""
            found = difference(figures[0], figures[1], missing=words)
            yield change_row(self.vessel, "whole vein", None, self.labels, quantity, found)

    def _pairs(self) -> list[tuple[int, int]]:
        """Return the numbers of the stations that belong together."""
        if self.match is None:
            return []
        return [
            (n, self.there.at(float(to_mm)))
            for n, to_mm in enumerate(self.match.to_mm)
            if not np.isnan(to_mm)
        ]

    def _measured(self, quantity: str) -> list[tuple[int, int]]:
        """Return those of the pairs that have a figure at both visits."""
        return [
            (n, m)
            for n, m in self._pairs()
            if None not in (self.here.figure(n, quantity), self.there.figure(m, quantity))
        ]

    def _stretch_row(self, here: int, quantity: str, found: Difference) -> Row:
        position = number(self.here.rows[here], "position_mm")
        return change_row(self.vessel, "matched stretch", position, self.labels, quantity, found)

    def _judged(self, quantity: str, n: int, m: int, doubt: float) -> Difference:
        before, after = self.here.figure(n, quantity), self.there.figure(m, quantity)
        here, there = self.here.rows[n], self.there.rows[m]
        stented = stented_station(here), stented_station(there)
        shut = "occluded" in (here["state"], there["state"])
        # Whether a vein is shut does not depend on how sharp the scan is.
        obstacle = "" if shut else obstacle_of(*self.visits, any(stented), self.rules)
        least = 0.0
        if before is not None and not any(stented) and not shut and not self._same_state():
            area = quantity.endswith("_mm2")
            share = (
                self.rules.native_change_percent
                if area
                else self.rules.native_diameter_change_percent
            )
            least = share / 100.0 * before.value
        return difference(
            before,
            after,
            level_doubt=doubt,
            obstacle=obstacle,
            least=least,
            least_reason=_NATIVE,
        )

    def _same_state(self) -> bool:
        """Tell whether breathing and filling were recorded and equal."""
        first, second = (visit.conditions for visit in self.visits)
        return None not in (first.respiration, first.volume) and (
            first.respiration,
            first.volume,
        ) == (second.respiration, second.volume)

    def _apart_mm(self, n: int) -> float:
        """Return how far a station may lie from the one that it is matched with."""
        own = None if self.match is None else self.match.doubt_mm
        return self.residual_mm if own is None else float(own[n])


def _length(row: Row, quantity: str) -> Figure | None:
    value = row[quantity]
    if value is None:
        return None
    length = float(value)
    doubt = 2.0 * END_MM if length > 0.0 else 0.0
    return Figure(length, max(0.0, length - doubt), length + doubt)
