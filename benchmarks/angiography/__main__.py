"""Accuracy of projected diameters, stenoses, calibration and arrival on digital twins.

    python -m benchmarks.angiography [--first-seed 500] [--seeds 2] [--photons 4000]

The seeds used while the methods were made lie below 100. Every vein lies nearly in one plane, with
a marker catheter in it, from which the millimetres come.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from venoseg.angiography import Run, VenogramOptions, Way, measure_run
from venoseg.angiography.fiducials import Fiducial
from venoseg.dicom.angiogram import Mask
from venoseg.errors import MeasurementError
from venoseg.phantom.curve import Curve
from venoseg.phantom.lesions import Narrowing, narrowed
from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Profile, Span, Tube
from venoseg.phantom.xa import XaSettings, run_xa
from venoseg.phantom.xa_devices import Catheter, marker_catheter
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_truth import xa_truth_of
from venoseg.volume import FloatArray

DIAMETERS_MM = (4.0, 7.0, 10.0, 14.0, 20.0)
LESSER_PERCENT = (40.0, 60.0, 75.0)


@dataclass
class Found:
    """Errors collected over twins."""

    diameter_mm: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    stenosis_points: list[float] = field(default_factory=list)
    catheter_percent: list[float] = field(default_factory=list)
    arrival_frames: list[float] = field(default_factory=list)
    refused: int = 0
    not_measured: int = 0


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--photons", type=float, default=4000.0)
    arguments = parser.parse_args()
    found = Found()
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for diameter in DIAMETERS_MM:
            _one(found, diameter, None, seed, arguments.photons)
        for percent in LESSER_PERCENT:
            _one(found, 12.0, percent, seed, arguments.photons)
    _print(found)


def _one(found: Found, diameter: float, percent: float | None, seed: int, photons: float) -> None:
    random = np.random.default_rng(seed)
    scene = _vein(diameter, percent, random)
    carm = Carm(primary_deg=random.uniform(-15, 15), secondary_deg=random.uniform(-3, 3))
    catheter = marker_catheter(scene.tubes[0].curve, 15, 155, french=6.0, aside_mm=0.0)
    settings = XaSettings(
        carm=carm,
        frames=12,
        photons=photons * random.uniform(0.6, 1.6),
        catheter_rays=3,
        seed=seed,
    )
    twin = run_xa(scene, settings, catheter=catheter)
    rows = xa_truth_of(scene, twin).projection.rows
    known = {name: np.array([row[name] for row in rows], float) for name in _NAMES}
    places = np.stack([known["column_px"], known["row_px"]], axis=1)
    masks = tuple(range(settings.mask_frames))
    last = settings.frames - 1
    run = Run.from_array(
        twin.pixels,
        twin.times_s,
        bits_stored=12,
        relation="LIN",
        masks=(Mask("AVG_SUB", ((len(masks), last),), masks),),
    )
    bands = carm.project(catheter.middles_lps_mm)
    marker = Fiducial(
        "marker",
        # The catheter bends: the marks' straight distance is less than the sum of their gaps.
        float(np.linalg.norm(catheter.middles_lps_mm[-1] - catheter.middles_lps_mm[0])),
        *(tuple(bands[n] + random.uniform(-1.5, 1.5, 2)) for n in (0, -1)),
    )
    way = Way("ivc", places[[8, -9]])
    venogram = measure_run(run, VenogramOptions(ways=(way,), fiducial=marker))
    (projection,) = venogram.projections
    nearest = cKDTree(places).query(projection.edges.course.points_px)[1]
    in_mm = projection.diameters_mm()
    assert in_mm is not None
    middle = slice(10, -10)
    measured = np.isfinite(in_mm[0][middle])
    found.not_measured += int((~measured).sum())
    error = (in_mm[0] - known["diameter_mm"][nearest])[middle][measured]
    if percent is None:
        found.diameter_mm += error.tolist()
        truth = known["diameter_mm"][nearest][middle]
        inside = ((truth >= in_mm[1][middle]) & (truth <= in_mm[2][middle]))[measured]
        found.covered += inside.tolist()
        print(
            f"{diameter:4.0f} mm, seed {seed}: {error.mean():+.3f} +- {error.std():.3f} mm, "
            f"covered {inside.mean():.2f}",
            flush=True,
        )
        _catheter(found, run, way, bands, catheter, known, places)
    else:
        shown = venogram.lesion_table.rows
        deepest = max((row["diameter_stenosis_percent"] for row in shown), default=np.nan)
        truth = 100 * (1 - known["diameter_mm"].min() / diameter)
        found.stenosis_points.append(float(deepest) - truth)
        print(f"{truth:.1f} % stenosis, seed {seed}: {deepest - truth:+.2f} points", flush=True)
    for curve in venogram.curves:
        if ":" in curve.name and curve.arrival_s is not None:
            # These veins fill at once when the injection begins, at time 0.
            found.arrival_frames.append(curve.arrival_s * settings.frames_per_s)


_NAMES = ("column_px", "row_px", "diameter_mm", "mm_per_px")


def _catheter(
    found: Found,
    run: Run,
    way: Way,
    bands: FloatArray,
    catheter: Catheter,
    known: dict[str, FloatArray],
    places: FloatArray,
) -> None:
    line = Fiducial("catheter", catheter.french / 3, tuple(bands[3]), tuple(bands[7]))
    try:
        venogram = measure_run(run, VenogramOptions(ways=(way,), fiducial=line))
    except MeasurementError:
        found.refused += 1
        return
    true = known["mm_per_px"][cKDTree(places).query(bands[5])[1]]
    assert venogram.calibration.mm_per_pixel is not None
    found.catheter_percent.append(100 * (venogram.calibration.mm_per_pixel[0] / true - 1))


def _vein(diameter: float, percent: float | None, random: np.random.Generator) -> Scene:
    depth = random.uniform(-20, 40)
    across = random.uniform(-25, 25, 3)
    points = [(across[0], depth, 88.0), (across[1], depth, 0.0), (across[2], depth, -88.0)]
    curve = Curve.through(np.array(points))
    lesions = []
    if percent is not None:
        area = 100.0 * (1.0 - (1.0 - percent / 100.0) ** 2)
        lesions.append(Narrowing(curve.length_mm / 2, 30.0, area))
    profile = Profile.along(curve, 0.0, diameter / 2, diameter / 2)
    tube = Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),))
    return Scene("vein", (narrowed(tube, *lesions),))


def _print(found: Found) -> None:
    error = np.array(found.diameter_mm)
    low, high = np.percentile(error, [2.5, 97.5])
    print(f"diameter: bias {error.mean():+.3f} mm, 95 % of errors {low:+.3f} to {high:+.3f} mm")
    print(f"interval: {100 * np.mean(found.covered):.1f} % covered")
    print(f"stations without a figure: {found.not_measured} beside {len(error)}")
    print(f"stenosis: {np.round(found.stenosis_points, 2).tolist()} points")
    print(f"catheter: {np.round(found.catheter_percent, 2).tolist()} %, {found.refused} refused")
    late = np.array(found.arrival_frames)
    print(f"arrival: {late.mean():+.2f} frames, largest {np.abs(late).max():.2f}")


if __name__ == "__main__":
    main()
