"""Measured stations held against a twin's truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from benchmarks.peers.calling import PeerRun
from scipy.spatial import cKDTree

from venoseg.centerline.curve import resample
from venoseg.lumen import Measurements
from venoseg.lumen.profile import VesselProfile
from venoseg.phantom import Truth
from venoseg.tables import Row
from venoseg.volume import FloatArray

# Ends are cut by the labels or lie in a junction: the outer 5 % at either end do not count.
INNER = 0.05

_FINE_MM = 0.05


@dataclass
class Errors:
    """Errors of all stations so far, measured minus true.

    ``axis_mm`` is that of the axis which the labels tell and sections stand on, ``middle_mm`` that
    of the middles of the contours, the places in ``cross_sections.csv``.
    """

    axis_mm: list[FloatArray] = field(default_factory=list)
    middle_mm: list[FloatArray] = field(default_factory=list)
    equivalent_mm: list[FloatArray] = field(default_factory=list)
    minimum_mm: list[FloatArray] = field(default_factory=list)
    maximum_mm: list[FloatArray] = field(default_factory=list)
    area_inside: list[FloatArray] = field(default_factory=list)
    minimum_inside: list[FloatArray] = field(default_factory=list)
    stenosis_points: list[float] = field(default_factory=list)
    measured: int = 0
    stations: int = 0


def collect(found: Measurements, truth: Truth, errors: Errors) -> None:
    """Add the errors of one twin."""
    for profile in found.profiles:
        rows = [r for r in truth.cross_sections.rows if r["vessel"] == profile.vessel]
        if rows:
            _collect_vessel(profile, rows, errors)
    for true, measured in _stenoses(found, truth):
        errors.stenosis_points.append(measured - true)


def _collect_vessel(profile: VesselProfile, rows: list[Row], errors: Errors) -> None:
    centers = _column(rows, "x_mm", "y_mm", "z_mm")
    fine = resample(centers, _FINE_MM)
    curve = profile.branch.curve
    true_axis = cKDTree(fine)
    distance, nearest = true_axis.query(curve.points_lps_mm)
    row = nearest / (len(fine) - 1) * (len(rows) - 1)
    n = np.arange(len(curve))
    inner = (n >= INNER * len(n)) & (n < (1 - INNER) * len(n))
    inner &= (nearest > 0) & (nearest < len(fine) - 1)
    junction = np.array(["junction" in str(r["flags"]).split() for r in rows])
    alone = ~junction[np.round(row).astype(int)]
    errors.axis_mm.append(distance[inner])
    shown = inner & profile.measured
    errors.middle_mm.append(true_axis.query(profile.centers_lps_mm[shown])[0])
    use = shown & alone
    errors.stations += int((inner & alone).sum())
    errors.measured += int(use.sum())

    def true(name: str) -> FloatArray:
        return np.interp(row[use], np.arange(len(rows)), _column(rows, name)[:, 0])

    shapes = profile.shapes
    errors.equivalent_mm.append(shapes.equivalent_mm[use] - true("equivalent_diameter_mm"))
    errors.minimum_mm.append(shapes.minimum_mm[use] - true("minimum_diameter_mm"))
    errors.maximum_mm.append(shapes.maximum_mm[use] - true("maximum_diameter_mm"))
    errors.area_inside.append(_inside(true("lumen_area_mm2"), profile.area_interval_mm2[use]))
    errors.minimum_inside.append(
        _inside(true("minimum_diameter_mm"), profile.minimum_interval_mm[use])
    )


def collect_peer(run: PeerRun, kind: str, truth: Truth, errors: Errors) -> None:
    """Add the errors of a peer: of each of its points against the true vein nearest to it.

    Parameters
    ----------
    run
        What the peer found.
    kind
        Which diameter it gives, ``equivalent`` or ``inscribed``.
    truth, errors
        As `collect` takes them.
    """
    vessels = {str(row["vessel"]) for row in truth.cross_sections.rows}
    best = np.full(len(run.points_lps_mm), np.inf)
    true, counts = np.full(len(best), np.nan), np.zeros(len(best), dtype=bool)
    for vessel in sorted(vessels):
        rows = [r for r in truth.cross_sections.rows if r["vessel"] == vessel]
        fine = resample(_column(rows, "x_mm", "y_mm", "z_mm"), _FINE_MM)
        distance, nearest = cKDTree(fine).query(run.points_lps_mm)
        share = nearest / (len(fine) - 1)
        row = np.round(share * (len(rows) - 1)).astype(int)
        junction = np.array(["junction" in str(r["flags"]).split() for r in rows])
        closer = distance < best
        best[closer] = distance[closer]
        true[closer] = _column(rows, f"{kind}_diameter_mm")[row[closer], 0]
        counts[closer] = ((share > INNER) & (share < 1 - INNER) & ~junction[row])[closer]
    errors.axis_mm.append(best[counts])
    errors.stations += int(counts.sum())
    counts &= np.isfinite(run.diameters_mm)
    errors.measured += int(counts.sum())
    errors.equivalent_mm.append(run.diameters_mm[counts] - true[counts])


def _stenoses(found: Measurements, truth: Truth) -> list[tuple[float, float]]:
    """Return (true, measured) % area stenosis of vessels with a lesion, on the twin's reference."""
    pairs = []
    by_name = {row["vessel"]: row for row in found.segments.rows}
    for row in truth.segments.rows:
        true, reference = row["area_stenosis_percent"], row["reference_area_mm2"]
        measured = by_name.get(row["vessel"], {}).get("minimum_area_mm2")
        if not (isinstance(true, float) and isinstance(reference, float) and true > 20.0):
            continue
        if isinstance(measured, float):
            pairs.append((true, 100.0 * (1.0 - measured / reference)))
    return pairs


def _column(rows: list[Row], *names: str) -> FloatArray:
    return np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def _inside(true: FloatArray, interval: FloatArray) -> FloatArray:
    return ((interval[:, 0] <= true) & (true <= interval[:, 1])).astype(np.float64)
