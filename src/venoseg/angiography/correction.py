"""Edges of a vein that a person drew, in place of those that were found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.angiography.edges import Edges
from venoseg.angiography.lesions import find_lesions, with_states, without_narrow_ends
from venoseg.angiography.projection import Projection, project
from venoseg.angiography.venogram import Venogram
from venoseg.angiography.venogram_warnings import smeared
from venoseg.errors import MeasurementError, UsageError
from venoseg.volume import BoolArray, FloatArray

DRAWN = "edge_drawn_by_hand"
"""Flag of stations at which a person, not the program, decided on an edge."""

# An edge takes its neighbours along by a bell of this standard deviation, as a share of the width,
# and at least in pixels ...
_BELL = 0.25
_BELL_PX = 2.0
# ... as far as they move by more than this.
_LEAST_PX = 0.25

# Edges nearer to one another than this cannot be told apart.
_NARROWEST_PX = 1.0

# Standard deviations in half of a 95 % interval.
_HALF = 1.96


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Where a person puts the edge of a vein.

    Attributes
    ----------
    vein
        Which of the measured veins, from 0.
    station
        Position along it.
    side
        0: the edge at smaller distances along the normal of its course, 1: the other one.
    to_px
        The new distance of the edge from the course along the normal, in pixels.
    """

    vein: int
    station: int
    side: int
    to_px: float


def shifts_px(projection: Projection, drawn: DrawnEdge) -> FloatArray:
    """Return (n,) how far the edge moves at each station; 0 where it stays.

    Raises
    ------
    UsageError
        When there is no such station or side.
    MeasurementError
        When the vein has no edges there.
    """
    edges = projection.edges
    width = projection.diameter_px
    if not (0 <= drawn.station < len(width) and drawn.side in (0, 1)):
        raise UsageError(
            f"the vein has no edge {drawn.side} at station {drawn.station}",
            remedy=f"name a station from 0 to {len(width) - 1} and the side 0 or 1",
        )
    open_lumen = np.isfinite(width) & (width > 0)
    if not open_lumen[drawn.station]:
        raise MeasurementError(
            f"no edge was found at station {drawn.station} that could be moved",
            remedy="move an edge where the vein fills, or measure between other points",
        )
    bell = max(_BELL * float(np.median(width[open_lumen])), _BELL_PX)
    apart = (projection.position_px - projection.position_px[drawn.station]) / bell
    shift = drawn.to_px - edges.edges_px[drawn.station, drawn.side]
    moved = shift * np.exp(-0.5 * apart**2)
    return np.where(open_lumen & (np.abs(moved) > _LEAST_PX), moved, 0.0)


def with_drawn_edge(
    found: Venogram, drawn: DrawnEdge, *, nominal_mm: float | None = None
) -> Venogram:
    """Take the edge that a person drew for that of the vein, and judge the vein anew.

    Neighbouring stations follow along a bell, so that the edge stays a smooth line. The stations
    that move are flagged `DRAWN`. Their interval also holds the edge that was found: a person's
    line is not taken to be surer than the program's. Diameters, states and lesions are those of the
    new edges; contrast medium over time, stents and warnings stay those of the measurement.

    Parameters
    ----------
    found
        What was measured.
    drawn
        Where an edge belongs.
    nominal_mm
        A diameter to compare with, as `VenogramOptions` takes it.

    Raises
    ------
    UsageError
        When there is no such vein, station or side.
    MeasurementError
        When the vein has no edges there, or the edges would meet.
    """
    if not 0 <= drawn.vein < len(found.projections):
        raise UsageError(
            f"vein {drawn.vein} was not measured",
            remedy=f"name one from 0 to {len(found.projections) - 1}",
        )
    old = found.projections[drawn.vein]
    shift = shifts_px(old, drawn)
    edges = _moved(old.edges, drawn.side, shift)
    by_hand = (shift != 0) | np.array([DRAWN in flag.split(";") for flag in old.flags])
    new = project(
        old.vessel,
        edges,
        old.calibration,
        saturated=found.composite.saturated,
        seen=found.subtraction.seen,
        displayed=not found.subtraction.curve.densitometric,
        decided=by_hand,
    )
    new = without_narrow_ends(_flagged(new, by_hand))
    lesions = [] if smeared(found.subtraction) else find_lesions(new, nominal_mm)
    at = drawn.vein
    return replace(
        found,
        projections=(
            *found.projections[:at],
            with_states(new, lesions),
            *found.projections[at + 1 :],
        ),
        lesions=(*found.lesions[:at], tuple(lesions), *found.lesions[at + 1 :]),
    )


def _moved(edges: Edges, side: int, shift: FloatArray) -> Edges:
    places = edges.edges_px.copy()
    places[:, side] += shift
    moved = shift != 0
    if (places[moved, 1] - places[moved, 0] < _NARROWEST_PX).any():
        raise MeasurementError(
            "the two edges of the vein would meet",
            remedy="leave some lumen between them; a stretch without contrast medium is occluded",
        )
    return replace(
        edges,
        edges_px=places,
        width_sd_px=np.hypot(edges.width_sd_px, np.abs(shift) / _HALF),
        # The person has seen what lies there and decided.
        misfit=np.where(moved, 0.0, edges.misfit),
        beside=np.where(moved, 0.0, edges.beside),
    )


def _flagged(projection: Projection, by_hand: BoolArray) -> Projection:
    flags = tuple(
        ";".join(filter(None, (flag, DRAWN))) if drawn else flag
        for flag, drawn in zip(projection.flags, by_hand, strict=True)
    )
    return replace(projection, flags=flags)
