"""What `venoseg demo` found, figure by figure, against the truth that lies beside the sample data.

The share of contrast medium beside the measured veins is the one truth that is not beside the data:
it is what rays through the twin's vessels pass of contrast medium. It is given twice, by the
definition of docs/venography.md, which counts outside the stretches of veins that were measured,
and as a reader means it: in the twin's collaterals, whatever was measured.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from venoseg.phantom.bolus import concentration, network_tubes, solve_flow
from venoseg.phantom.case import SEED
from venoseg.phantom.variants import chronic_occlusion
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_paths import tube_paths
from venoseg.volume import BoolArray, FloatArray

SAMPLE = Path(__file__).parents[2] / "sample_data" / "case"

# An end of an occlusion is known to about this; see venoseg.followup.change.
END_MM = 2.0

# Around the ends of measured veins contrast medium counts for neither, within so many widths.
END_WIDTHS = 1.2

_RUNS = {"procedure/before": "procedure/truth/run1", "procedure/after": "procedure/truth/run2"}
_RUNS |= {"day1": "day1/truth/run1"}

_Row = dict[str, str]


# What the sample case was made to show.
_LIMBS = {"baseline": "occluded", "procedure": "patent", "day1": "patent", "one_year": "patent"}
_VILLALTA = {"baseline": 22, "one_year": 1}

# A vein is stenotic from this share of its reference area downwards.
_STENOTIC = 0.5

# Intervals of 95 % must hold the truth at so many of a hundred stations.
_STATIONS_HELD = 95.0


class Tally:
    """Prints figures beside their truth, and counts which lie within their intervals."""

    def __init__(self) -> None:
        self.inside = self.outside = self.in_doubt = 0

    def figure(self, name: str, found: float, low: float, high: float, true: float) -> None:
        """Print one figure with its interval."""
        held = low <= true <= high
        self._count(held)
        words = f"{low:.1f} to {high:.1f}"
        verdict = "inside" if held else "OUTSIDE"
        print(f"  {name:<48}{found:10.1f}{words:>20}{true:10.1f}  {verdict}")

    def word(self, name: str, found: str, true: str, *, in_doubt: bool = False) -> None:
        """Print the state of a vein; one rightly in doubt may be patent as well as stenotic."""
        held = found == true or (in_doubt and {found, true} == {"patent", "stenotic"})
        self._count(held)
        self.in_doubt += held and in_doubt
        verdict = "DIFFERENT" if not held else "in doubt" if in_doubt else "the same"
        print(f"  {name:<48}{found:>30}{true:>10}  {verdict}")

    def lower_bound(self, name: str, found: float, true: float) -> None:
        """Print a figure that says no more than that there is so much."""
        self._count(found <= true)
        verdict = "inside" if found <= true else "OUTSIDE"
        print(f"  {name:<48}{found:10.1f}{'or more':>20}{true:10.1f}  {verdict}")

    def stations(self, name: str, held: list[bool], apart: list[float]) -> None:
        """Print how often the interval of a station's figure holds the truth."""
        share, mean = 100.0 * np.mean(held), np.mean(apart)
        enough = bool(share >= _STATIONS_HELD)
        self._count(enough)
        print(
            f"  {name:<48}{len(held):10d}{share:14.0f} % in "
            f"{mean:10.2f} mean error{'' if enough else '  OUTSIDE'}"
        )

    def _count(self, held: bool) -> None:
        self.inside += held
        self.outside += not held


def demo(results: Path, sample: Path = SAMPLE) -> None:
    """Print every figure of a run of `venoseg demo` that has a truth."""
    tally = Tally()
    for visit in ("baseline", "one_year"):
        print(f"\n{visit:<50}{'found':>10}{'interval':>20}{'truth':>10}")
        _scan(tally, results / visit, sample / visit / "truth")
    for run, truth in _RUNS.items():
        if (results / run).is_dir():
            print(f"\n{run:<50}{'found':>10}{'interval':>20}{'truth':>10}")
            _run(tally, results / run, sample / truth)
    print("\nthe course of the case")
    _course(tally, results)
    print(
        f"\n{tally.inside} within their interval or the same ({tally.in_doubt} of these a state in "
        f"doubt), {tally.outside} not"
    )


def _course(tally: Tally, results: Path) -> None:
    """Print patency and the clinical score, which the case was made to show."""
    if not (results / "patency.csv").is_file():
        return
    for row in _read(results / "patency.csv"):
        wanted = _LIMBS.get(row["timepoint"])
        if row["limb"] in ("left", "right") and wanted is not None:
            tally.word(f"{row['limb']} limb, {row['timepoint']}", row["state"], wanted)
    for row in _read(results / "clinical.csv"):
        if (row["scale"], row["item"]) == ("villalta", "total") and row["timepoint"] in _VILLALTA:
            known = str(_VILLALTA[row["timepoint"]])
            tally.word(f"Villalta, {row['timepoint']}", row["value"], known)


def _scan(tally: Tally, results: Path, truth: Path) -> None:
    found, true = (_by_vessel(folder / "segments.csv") for folder in (results, truth))
    for vessel, row in found.items():
        wanted = true[vessel]
        doubtful = "state_in_doubt" in row.get("flags", "").split()
        in_doubt = doubtful and _at_the_limit(row, results)
        tally.word(f"{vessel} state", row["state"], wanted["state"], in_doubt=in_doubt)
        if float(row["occluded_length_mm"] or 0) > 0:
            length, doubt = float(row["occluded_length_mm"]), 2.0 * END_MM
            known = float(wanted["occluded_length_mm"])
            tally.figure(f"{vessel} occluded, mm", length, length - doubt, length + doubt, known)
        else:
            _least(tally, vessel, results, wanted)
    _stents(tally, results / "stents.csv", true)
    _volume(tally, results / "collaterals.csv", truth / "truth.json")
    columns = "lumen_area_mm2", "lumen_area_low_mm2", "lumen_area_high_mm2"
    places = "x_mm", "y_mm", "z_mm"
    for vessel, held, apart in _stations(
        _read(results / "cross_sections.csv"), _read(truth / "cross_sections.csv"), columns, places
    ):
        tally.stations(f"{vessel} area at stations, mm2", held, apart)


def _at_the_limit(row: _Row, results: Path) -> bool:
    """Tell whether the interval of a vein's smallest area holds the limit of a stenosis."""
    limit = _STENOTIC * float(row["reference_area_mm2"])
    rows = [r for r in _read(results / "cross_sections.csv") if r["vessel"] == row["vessel"]]
    least = min(
        (r for r in rows if r["lumen_area_low_mm2"]), key=lambda r: float(r["lumen_area_mm2"])
    )
    return float(least["lumen_area_low_mm2"]) <= limit <= float(least["lumen_area_high_mm2"])


def _least(tally: Tally, vessel: str, results: Path, wanted: _Row) -> None:
    """Print the smallest area and the least width of an open vein."""
    rows = [row for row in _read(results / "cross_sections.csv") if row["vessel"] == vessel]
    for name, words in (("lumen_area", "mm2"), ("minimum_diameter", "mm")):
        told = [row for row in rows if row[f"{name}_low_{words}"]]
        column = {"lumen_area": "minimum_area_mm2"}.get(name, f"{name}_{words}")
        if not told or not wanted.get(column):
            continue
        least = min(told, key=lambda row: float(row[f"{name}_{words}"]))
        figures = (least[f"{name}_{part}{words}"] for part in ("", "low_", "high_"))
        title = f"{vessel} smallest {name.replace('_', ' ')}, {words}"
        tally.figure(title, *(float(one) for one in figures), float(wanted[column]))


def _stents(tally: Tally, path: Path, true: dict[str, _Row]) -> None:
    for row in _read(path) if path.is_file() else ():
        vessels = row["vessels"].split()
        wanted = [true[vessel] for vessel in vessels]
        name = f"stent {row['stent']} ({' '.join(vessels)})"[:38]
        area = [float(row[f"minimum_area_{part}mm2"]) for part in ("", "low_", "high_")]
        least = min(float(one["stent_minimum_area_mm2"]) for one in wanted)
        tally.figure(f"{name} area", *area, least)
        length = sum(float(one["stented_length_mm"]) for one in wanted)
        seen = [float(row[f"length_{part}mm"]) for part in ("", "low_", "high_")]
        tally.figure(f"{name} length", *seen, length)
        tissue = [row[f"in_stent_area_stenosis_{part}percent"] for part in ("", "low_", "high_")]
        most = max(float(one["in_stent_area_stenosis_percent"]) for one in wanted)
        if all(tissue):
            tally.figure(f"{name} in-stent", *(float(one) for one in tissue), most)
        else:
            print(f"  {name + ' in-stent':<48}{'not measured':>30}{most:10.1f}")


def _volume(tally: Tally, path: Path, truth: Path) -> None:
    if not path.is_file():
        return
    rows = list(_read(path))
    found = sum(float(row["volume_mm3"] or 0) for row in rows) / 1000.0
    true = json.loads(truth.read_text(encoding="utf-8"))["collaterals"]["volume_mm3"] / 1000.0
    # The twin's collaterals run on both sides of the spine, or there are none.
    for row in rows:
        seen = "seen" if int(row["count"] or 0) else "none"
        tally.word(f"collaterals {row['side']} of the spine", seen, "seen" if true else "none")
    tally.lower_bound("collaterals beside the spine, ml", found, true)


def _run(tally: Tally, results: Path, truth: Path) -> None:
    true = list(_read(Path(f"{truth}-projection.csv")))
    found = list(_read(results / "projection.csv"))
    columns = "diameter_mm", "diameter_low_mm", "diameter_high_mm"
    for vessel, held, apart in _stations(found, true, columns, ("column_px", "row_px")):
        tally.stations(f"{vessel} width at stations, mm", held, apart)
    flow = json.loads((results / "angiogram.json").read_text(encoding="utf-8"))["flow"]
    whole = flow["collateral_fraction_of_the_run"]
    settings = json.loads(Path(f"{truth}.json").read_text(encoding="utf-8"))["settings"]
    # After the procedure the twin has no collaterals: nothing fills beside the veins.
    beside, collateral = shares_of(settings, found) if results.name == "before" else (0.0, 0.0)
    figures = [100.0 * whole[name] for name in ("fraction", "low", "high")]
    tally.figure("contrast medium beside the veins, %", *figures, 100.0 * beside)
    tally.figure("the same against that in collaterals, %", *figures, 100.0 * collateral)


def shares_of(settings: dict[str, Any], found: list[_Row]) -> tuple[float, float]:
    """Return true shares of contrast medium before the procedure.

    Of that beside the measured veins, by the definition of docs/venography.md; and of that in the
    twin's collaterals, which does not depend on what was measured.

    Parameters
    ----------
    settings
        Of the run, from its truth.
    found
        Rows of ``projection.csv``: where veins were measured.
    """
    scene = chronic_occlusion(SEED)
    carm = Carm(**settings["carm"])
    flow, tubes = solve_flow(scene), network_tubes(scene)
    times = (np.arange(settings["frames"]) - settings["mask_frames"]) / settings["frames_per_s"]
    amounts = np.zeros((2, len(times), carm.rows * carm.columns))
    vein, neither = _measured(found, (carm.rows, carm.columns))
    for number, tube in enumerate(tubes):
        own = number < len(scene.tubes)
        paths = tube_paths(tube, carm, tuple(scene.tubes[:number]) if own else scene.tubes)
        at = np.clip(paths.positions_mm, 0.0, tube.curve.length_mm)
        arrival = flow.arrival(number, at)
        for n, time in enumerate(times):
            passed = concentration(np.full(len(at), time), arrival, settings["injected_s"])
            np.add.at(amounts[0 if own else 1, n], paths.pixels, passed * paths.lengths_mm)
    together = amounts.sum(axis=0)
    total = together.sum(axis=1)
    told = total >= 0.1 * total.max()
    inside, counted = (together[told][:, where].sum() for where in (vein, vein | ~neither))
    collateral = amounts[1][told].sum() / together[told].sum()
    return float(1.0 - inside / counted), float(collateral)


def _measured(found: list[_Row], shape: tuple[int, int]) -> tuple[BoolArray, BoolArray]:
    """Return pixels, in one row, of the measured stretches, and of discs around their ends."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    vein, ends = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)

    def disc(one: _Row, radius: float) -> BoolArray:
        offset = np.hypot(column - float(one["column_px"]), row - float(one["row_px"]))
        inside: BoolArray = offset <= radius
        return inside

    for rows in _grouped(one for one in found if one["diameter_mm"]).values():
        widths = [float(one["diameter_px"]) for one in rows]
        for one, width in zip(rows, widths, strict=True):
            vein |= disc(one, width / 2.0)
        for one in (rows[0], rows[-1]):
            ends |= disc(one, END_WIDTHS * float(np.median(widths)))
    return vein.ravel(), ends.ravel()


def _stations(
    found: Iterable[_Row],
    true: Iterable[_Row],
    columns: tuple[str, str, str],
    places: tuple[str, ...],
) -> Iterator[tuple[str, list[bool], list[float]]]:
    """Yield vein by vein whether intervals hold the nearest station's truth, and the errors."""
    known = [row for row in true if row[columns[0]]]
    for vessel, rows in _grouped(found).items():
        wanted = [row for row in known if row["vessel"] == vessel]
        where: FloatArray = np.array([[float(row[p]) for p in places] for row in wanted])
        held, apart = [], []
        for row in rows:
            if not row[columns[0]] or not row[columns[1]] or not wanted:
                continue
            place = np.array([float(row[p]) for p in places])
            nearest = int(np.linalg.norm(where - place, axis=1).argmin())
            value, low, high = (float(row[column]) for column in columns)
            truth = float(wanted[nearest][columns[0]])
            held.append(low <= truth <= high)
            apart.append(value - truth)
        if held:
            yield vessel, held, apart


def _by_vessel(path: Path) -> dict[str, _Row]:
    return {row["vessel"]: row for row in _read(path)}


def _grouped(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row["vessel"], []).append(row)
    return grouped


def _read(path: Path) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
