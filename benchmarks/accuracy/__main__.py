"""Accuracy of centerlines and diameters on digital twins.

    python -m benchmarks.accuracy [--seeds 3] [--first-seed 200] [--noise 20] [--contrast 100]
                                  [--blur 0.6] [--grain 0.8] [--kernel white] [--boundary gray mask]
                                  [--labels ideal dilated eroded shifted]
                                  [--peer-python PYTHON_WITH_PEERS]

Prints a table for each slice thickness, and one of the peers on the same twins and masks, if an
interpreter that has them is named (benchmarks/README.md). The seeds used while the methods were
made lie below 100.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.accuracy.compare import Errors, collect, collect_peer
from benchmarks.peers.calling import PEERS, run_peer
from scipy import ndimage

from venoseg.centerline import trace
from venoseg.errors import LabelError, MeasurementError
from venoseg.lumen import measure
from venoseg.phantom import SHAPES, Rendering, Scanner, fit_grid, iliocaval_y, render, shape
from venoseg.phantom.kernels import KERNELS
from venoseg.phantom.scene import Scene
from venoseg.segmentation import Segmentation

SPACINGS_MM = ((1.0, 0.78, 0.78), (3.0, 0.78, 0.78))


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="twins of each kind")
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--noise", type=float, default=20.0, help="HU")
    parser.add_argument("--contrast", type=float, default=100.0, help="lumen minus tissue, HU")
    parser.add_argument("--blur", type=float, default=0.6, help="of the scanner in the plane, mm")
    parser.add_argument("--grain", type=float, help="smooth the noise with so many mm")
    parser.add_argument("--kernel", default="white", choices=sorted(KERNELS))
    parser.add_argument("--boundary", nargs="+", default=["mask", "gray"])
    parser.add_argument(
        "--labels", nargs="+", default=["ideal"], help="ideal, dilated, eroded, shifted"
    )
    parser.add_argument("--kinds", nargs="+", default=[*SHAPES, "iliocaval_y"])
    parser.add_argument("--peer-python", type=Path, help="a Python that has the peers")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    print(f"{len(arguments.kinds)} kinds x {len(seeds)} seeds from {seeds[0]}: ", end="")
    grain = "as the kernel makes it" if arguments.grain is None else f"{arguments.grain:g} mm"
    print(f"noise {arguments.noise:g} HU, contrast {arguments.contrast:g} HU, ", end="")
    print(f"blur {arguments.blur:g} mm, kernel {arguments.kernel}, grain {grain}")
    for spacing in SPACINGS_MM:
        results: dict[tuple[str, str], Errors] = {}
        peers: dict[str, Errors] = {}
        for kind in arguments.kinds:
            for seed in seeds:
                _one(kind, seed, spacing, arguments, results, peers)
        print(f"\nvoxels {spacing[1]} x {spacing[2]} x {spacing[0]} mm")
        _print_table(results, spacing[0])
        if peers:
            _print_peers(peers, results)


def _one(
    kind: str,
    seed: int,
    spacing: tuple[float, float, float],
    arguments: argparse.Namespace,
    results: dict[tuple[str, str], Errors],
    peers: dict[str, Errors],
) -> None:
    scene = replace(_scene(kind, seed), lumen_hu=50.0 + arguments.contrast, background_hu=50.0)
    scanner = Scanner(
        blur_mm=arguments.blur,
        noise_hu=arguments.noise,
        seed=seed,
        kernel=arguments.kernel,
        grain_mm=arguments.grain,
    )
    twin = render(scene, fit_grid(scene, spacing), scanner)
    for labels in arguments.labels:
        segmentation = _changed(twin.segmentation, labels)
        for boundary in arguments.boundary:
            try:
                found = measure(twin.image, segmentation, boundary=boundary)
            except (LabelError, MeasurementError) as error:
                print(f"{kind} {seed}, {labels} labels, refused: {error}")
                continue
            collect(found, twin.truth, results.setdefault((labels, boundary), Errors()))
    if arguments.peer_python:
        _ask_peers(f"{kind} {seed}", twin, arguments.peer_python, peers)


def _ask_peers(twin_name: str, twin: Rendering, python: Path, peers: dict[str, Errors]) -> None:
    """Let every peer find centerlines and diameters in the ideal labels."""
    try:
        tree = trace(twin.segmentation)
    except MeasurementError:
        return
    for name, (_, _, diameter) in PEERS.items():
        run = run_peer(name, python, twin.segmentation, tree)
        if isinstance(run, str):
            print(f"{twin_name}, {name}: {run}")
        else:
            collect_peer(run, diameter, twin.truth, peers.setdefault(name, Errors()))


def _scene(kind: str, seed: int) -> Scene:
    if kind == "iliocaval_y":
        return iliocaval_y(seed=seed, stenosis_percent=(0.0, 50.0, 70.0)[seed % 3])
    return shape(kind, seed=seed)


def _changed(segmentation: Segmentation, how: str) -> Segmentation:
    """Return labels that are one voxel too large, too small, or in the wrong place."""
    labels = segmentation.labels
    if how == "dilated":
        grown = ndimage.grey_dilation(labels, footprint=ndimage.generate_binary_structure(3, 1))
        labels = np.where(labels > 0, labels, grown)
    elif how == "eroded":
        core = ndimage.binary_erosion(labels > 0, border_value=1)
        labels = np.where(core, labels, 0)
    elif how == "shifted":
        labels = np.roll(labels, (0, 1, 0), axis=(0, 1, 2))
    return replace(segmentation, labels=labels.astype(np.uint8))


def _print_table(results: dict[tuple[str, str], Errors], slice_mm: float) -> None:
    places = ("axis mean", "p95", "middle", "p95")
    diameters = ("D_eq bias", "limits", "D_min bias", "limits", "D_max bias", "limits")
    more = ("AS bias", "limits", "worst", "beyond %", "cover A", "cover min", "measured")
    names = "".join(f"{name:>11}" for name in (*places, *diameters, *more))
    print(f"{'labels':<10}{'boundary':<10}{names}")
    for (labels, boundary), errors in results.items():
        figures = []
        for distances in (errors.axis_mm, errors.middle_mm):
            away = np.concatenate(distances)
            figures += [float(away.mean()), float(np.quantile(away, 0.95))]
        for values in (errors.equivalent_mm, errors.minimum_mm, errors.maximum_mm):
            figures += _bias_and_limits(values)
        figures += _stenosis(np.array(errors.stenosis_points), slice_mm)
        figures += [_percent(errors.area_inside), _percent(errors.minimum_inside)]
        figures.append(100.0 * errors.measured / errors.stations)
        print(f"{labels:<10}{boundary:<10}" + "".join(f"{f:>11.3f}" for f in figures), flush=True)


def _print_peers(peers: dict[str, Errors], own: dict[tuple[str, str], Errors]) -> None:
    """Print the peers' errors, and how many times ours they are where both work on ideal labels."""
    ours = own.get(("ideal", "mask"))
    mine = None if ours is None else _axis_and_diameter(ours)
    names = ("axis mean", "p95", "D bias", "limits", "measured")
    print(
        f"\n{'peer, ideal labels':<28}{'diameter':<12}" + "".join(f"{n:>11}" for n in names), end=""
    )
    print("  times ours: axis mean, limits")
    for name, errors in peers.items():
        if not errors.measured:
            continue
        figures = _axis_and_diameter(errors)
        share = 100.0 * errors.measured / errors.stations
        print(f"{name:<28}{PEERS[name][2]:<12}", end="")
        print("".join(f"{f:>11.3f}" for f in (*figures, share)), end="")
        print("" if mine is None else f"{figures[0] / mine[0]:>13.1f}{figures[3] / mine[3]:>8.1f}")


def _stenosis(points: np.ndarray, slice_mm: float) -> list[float]:
    """Return bias, limits, the worst error, and how many % of lesions are farther off than wanted.

    Wanted is a point for every mm of distance of the slices.
    """
    if len(points) == 0:
        return [np.nan] * 4
    off = np.abs(points)
    beyond = 100.0 * float((off > slice_mm).mean())
    return [*_bias_and_limits([points]), float(off.max()), beyond]


def _axis_and_diameter(errors: Errors) -> list[float]:
    axis = np.concatenate(errors.axis_mm)
    return [axis.mean(), np.quantile(axis, 0.95), *_bias_and_limits(errors.equivalent_mm)]


def _bias_and_limits(values: Iterable[np.ndarray]) -> list[float]:
    """Return the mean error and 1.96 standard deviations (Bland and Altman)."""
    joined = np.concatenate(list(values))
    return [float(joined.mean()), float(1.96 * joined.std())]


def _percent(values: Iterable[np.ndarray]) -> float:
    return float(100.0 * np.concatenate(list(values)).mean())


if __name__ == "__main__":
    main()
