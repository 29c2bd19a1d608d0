"""Accuracy of stents, lumens in them and side by side, and length of occlusions, on digital twins.

    python -m benchmarks.accuracy.devices [--seeds 10] [--first-seed 200] [--noise 15]
                                          [--kernel white] [--tissue MM]
                                          [--only stents occlusions divided]

Stents of random width, ovality, course and lining lie in one vein each; occlusions of random length
in the left common iliac vein; sheets of random thickness, place and length divide one vein into two
lumens. ``--tissue`` lines every stent with tissue so thick; ``--kernel`` is
one of `venoseg.phantom.kernels.KERNELS`. Prints for slices of 1, 2 and 3 mm the mean error of each
device and the spread of these means. The seeds used while the methods were made lie below 100.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from venoseg.errors import MeasurementError
from venoseg.lumen import measure
from venoseg.phantom import (
    Curve,
    Layer,
    Profile,
    Scanner,
    Scene,
    Span,
    Tube,
    fit_grid,
    iliocaval_y,
    render,
)
from venoseg.phantom.lesions import occluded
from venoseg.phantom.sheets import Sheet
from venoseg.phantom.stents import Lattice, stented
from venoseg.phantom.variants import part_of_stent
from venoseg.tables import Table

SLICES_MM = (1.0, 2.0, 3.0)

# So near to the ends of a stent its lumen cannot be told from that of the vein beyond.
ENDS_MM = 4.0

Figures = dict[str, float]


def main() -> None:
    """Run both benchmarks and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--noise", type=float, default=15.0, help="HU")
    parser.add_argument("--kernel", default="white")
    parser.add_argument("--tissue", type=float, help="mm; random when not given")
    parser.add_argument("--only", nargs="+", default=["stents", "occlusions", "divided"])
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    scanner = Scanner(noise_hu=arguments.noise, kernel=arguments.kernel)
    stents = partial(stent_errors, tissue_mm=arguments.tissue)
    parts = {"stents": stents, "occlusions": occlusion_errors, "divided": divided_errors}
    for title, one in parts.items():
        if title not in arguments.only:
            continue
        print(f"{title}: {len(seeds)} seeds from {seeds[0]}, noise {arguments.noise:g} HU", end="")
        print(f", kernel {arguments.kernel}")
        for slice_mm in SLICES_MM:
            _print_row(slice_mm, [_kept(one, seed, slice_mm, scanner) for seed in seeds])


def stent_errors(
    seed: int, slice_mm: float, scanner: Scanner, tissue_mm: float | None = None
) -> Figures:
    """Measure one stent: mean errors, and how often the stenosis in it could be told."""
    random = np.random.default_rng([seed, 11])
    end = (random.uniform(5.0, 30.0), random.uniform(-15.0, 15.0), -80.0)
    curve = Curve.through([(0.0, 0.0, 0.0), (end[0] / 3, end[1] / 2, -40.0), end])
    width = random.uniform(5.5, 9.0)
    ratio = random.uniform(0.75, 1.0)
    tissue = float(random.choice([0.0, random.uniform(1.0, 3.0)]))
    tissue = tissue if tissue_mm is None else tissue_mm
    host = Profile.along(curve, 0.0, width - 1.0, width - 1.0)
    tube = Tube(curve, host, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    shape = Profile.along(curve, 0.0, width, width * ratio, random.uniform(0.0, np.pi))
    lattice = Lattice(2.0 * width, random.uniform(0.22, 0.3), crowns=int(random.integers(10, 15)))
    opened, stent = stented(tube, shape, 12.0, curve.length_mm - 12.0, lattice, tissue)
    scene = Scene("stent", (opened,), stents=(stent,), before=(Layer(part_of_stent(stent), 55.0),))
    grid = fit_grid(scene, (slice_mm, 0.8, 0.8), margin_mm=10.0)
    twin = render(scene, grid, replace(scanner, seed=seed))
    found = measure(twin.image, replace(twin.segmentation, stent=None)).cross_sections
    at, true_at = (_column(table, "position_mm") for table in (found, twin.truth.cross_sections))

    def true(name: str) -> np.ndarray:
        return np.interp(at, true_at, np.nan_to_num(_column(twin.truth.cross_sections, name)))

    inner = (at > 12.0 + ENDS_MM) & (at < curve.length_mm - 12.0 - ENDS_MM)
    area = 100.0 * (_column(found, "stent_area_mm2")[inner] / true("stent_area_mm2")[inner] - 1.0)
    name = "in_stent_area_stenosis_percent"
    lost = (_column(found, name) - true(name))[inner]
    told = ~np.isnan(lost)
    return {
        "stent area %": float(np.nanmean(area)),
        "worst station %": float(np.nanmax(np.abs(area))),
        "in-stent stenosis points": float(lost[told].mean()) if told.any() else np.nan,
        "worst station points": float(np.abs(lost[told]).max()) if told.any() else np.nan,
        "stations told %": 100.0 * float(told.mean()),
        "tissue mm": tissue,
    }


def occlusion_errors(seed: int, slice_mm: float, scanner: Scanner) -> Figures:
    """Measure the length of one occlusion, its ends where the labels end."""
    random = np.random.default_rng([seed, 12])
    scene = iliocaval_y(seed=seed)
    cava, left, right = scene.tubes
    start = random.uniform(12.0, 20.0)
    length = random.uniform(12.0, 30.0)
    shut = occluded(left, start, start + length)
    scene = replace(scene, tubes=(cava, shut, right))
    grid = fit_grid(scene, (slice_mm, 0.78, 0.78))
    twin = render(scene, grid, replace(scanner, seed=seed))
    rows = measure(twin.image, twin.segmentation).segments.rows
    found = sum(float(row["occluded_length_mm"] or 0.0) for row in rows)
    true = sum(float(row["occluded_length_mm"] or 0.0) for row in twin.truth.segments.rows)
    return {"occluded length mm": found - true, "true mm": true}


def divided_errors(seed: int, slice_mm: float, scanner: Scanner) -> Figures:
    """Measure two lumens side by side in one vein."""
    random = np.random.default_rng([seed, 13])
    end = (random.uniform(5.0, 30.0), random.uniform(-15.0, 15.0), -85.0)
    curve = Curve.through([(0.0, 0.0, 0.0), (end[0] / 3, end[1] / 2, -40.0), end])
    width, ratio = random.uniform(6.5, 10.0), random.uniform(0.75, 1.0)
    shape = Profile.along(curve, 0.0, width, width * ratio, random.uniform(0.0, np.pi))
    tube = Tube(curve, shape, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    start = random.uniform(18.0, 30.0)
    stop = start + random.uniform(20.0, 40.0)
    aside = random.uniform(-0.3, 0.3) * width
    sheet = Sheet(tube, start, stop, random.uniform(1.0, 3.0), aside)
    scene = Scene("divided", (tube,), sheets=(sheet,), core_hu=random.uniform(45.0, 65.0))
    grid = fit_grid(scene, (slice_mm, 0.8, 0.8), margin_mm=10.0)
    twin = render(scene, grid, replace(scanner, seed=seed))
    rows, truth = measure(twin.image, twin.segmentation).cross_sections, twin.truth.cross_sections
    at = _column(rows, "position_mm")
    inner = (at > start + slice_mm + 2.0) & (at < stop - slice_mm - 2.0)

    def found(name: str) -> np.ndarray:
        return _column(rows, name)[inner]

    def true(name: str) -> np.ndarray:
        return np.interp(at, _column(truth, "position_mm"), _column(truth, name))[inner]

    two = found("lumen_components") == 2
    area, least = true("lumen_area_mm2"), true("minimum_diameter_mm")
    area_off = 100.0 * (found("lumen_area_mm2") / area - 1.0)
    least_off = found("minimum_diameter_mm") - least
    holds_area = (found("lumen_area_low_mm2") <= area) & (area <= found("lumen_area_high_mm2"))
    low, high = (found(f"minimum_diameter_{end}_mm") for end in ("low", "high"))
    return {
        "told as two %": 100.0 * float(two.mean()),
        "area of both %": float(np.nanmean(area_off)),
        "worst station area %": float(np.nanmax(np.abs(area_off))),
        "area's intervals hold %": 100.0 * float(holds_area.mean()),
        "least width mm": float(np.nanmean(least_off)),
        "worst station width mm": float(np.nanmax(np.abs(least_off))),
        "widths' intervals hold %": 100.0 * float(((low <= least) & (least <= high)).mean()),
    }


def _kept(
    one: Callable[[int, float, Scanner], Figures], seed: int, slice_mm: float, scanner: Scanner
) -> Figures:
    """Run one twin; a refusal is said and has no figures."""
    try:
        return one(seed, slice_mm, scanner)
    except MeasurementError as error:
        print(f"  seed {seed}, {slice_mm:g} mm, refused: {error}")
        return {}


def _print_row(slice_mm: float, results: list[Figures]) -> None:
    names = next((list(result) for result in results if result), [])
    print(f"  slices of {slice_mm:g} mm")
    for name in names:
        values = np.array([result.get(name, np.nan) for result in results])
        known = values[~np.isnan(values)]
        if not len(known):
            print(f"    {name:<26} told nowhere", flush=True)
            continue
        print(
            f"    {name:<26} mean {known.mean():+8.2f}   1.96 sd {1.96 * known.std():7.2f}"
            f"   worst {np.abs(known).max():7.2f}   of {len(known)}",
            flush=True,
        )


def _column(table: Table, name: str) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in table.column(name)], dtype=np.float64)


if __name__ == "__main__":
    main()
