"""Calibration by a catheter's edge, pointed at and found, on digital twins.

    python -m benchmarks.angiography.catheters [--first-seed 500] [--seeds 8]

Every seed draws a vein, a catheter of 4 to 7 F in it, a view within 15 degrees of frontal, the
detector's blur and the noise; the run has two frames before contrast medium. The line that points
lies up to a pixel off the shaft. Seeds below 100 were used while the method was made.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from venoseg.angiography import Run, VenogramOptions, Way, measure_run
from venoseg.angiography.fiducials import Fiducial
from venoseg.angiography.shaft_search import Shaft
from venoseg.dicom.angiogram import Mask
from venoseg.errors import MeasurementError
from venoseg.phantom.curve import Curve
from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Profile, Span, Tube
from venoseg.phantom.xa import XaSettings, run_xa
from venoseg.phantom.xa_devices import FRENCH_MM, marker_catheter
from venoseg.phantom.xa_geometry import Carm

FRENCH = (4.0, 5.0, 6.0, 7.0)
MASKS = 2


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=8)
    arguments = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for french in FRENCH:
            for way, error, half in one(seed, french):
                if error is None:
                    refused[way] += 1
                else:
                    found[f"{way}, {french:.0f} F"].append((error, half))
                    found[f"{way}, all"].append((error, half))
    for name, pairs in found.items():
        error, half = np.array(pairs).T
        large = np.abs(error)
        print(
            f"{name}: mean {error.mean():+.2f} %, standard deviation {error.std():.2f}, "
            f"largest {large.max():.2f}, within 1.5 %: {np.mean(large <= 1.5):.2f}, "
            f"inside its interval: {np.mean(large <= half):.2f}, "
            f"mean half width {half.mean():.2f} %"
        )
    print("refused:", dict(refused))


def one(seed: int, french: float) -> list[tuple[str, float | None, float]]:
    """Return errors of the size of a pixel and half widths of their intervals, in percent."""
    random = np.random.default_rng([seed, int(french)])
    depth, across = random.uniform(-20, 40), random.uniform(-25, 25, 3)
    line = np.array([(across[0], depth, 88.0), (across[1], depth, 0.0), (across[2], depth, -88.0)])
    curve = Curve.through(line)
    radius = random.uniform(3.0, 9.0)
    tube = Tube(
        curve, Profile.along(curve, 0.0, radius, radius), (Span("ivc", 0.0, curve.length_mm),)
    )
    carm = Carm(primary_deg=random.uniform(-15, 15), secondary_deg=random.uniform(-3, 3))
    aside = random.uniform(-0.5, 0.5) * (radius - french / 6)
    catheter = marker_catheter(curve, 15, 155, french=french, aside_mm=aside)
    settings = XaSettings(
        carm=carm,
        frames=10,
        mask_frames=MASKS,
        photons=random.uniform(2400.0, 6400.0),
        blur_px=random.uniform(0.45, 0.8),
        catheter_rays=3,
        seed=seed,
    )
    twin = run_xa(Scene("vein", (tube,)), settings, catheter=catheter)
    run = Run.from_array(
        twin.pixels,
        twin.times_s,
        bits_stored=12,
        relation="LIN",
        masks=(Mask("AVG_SUB", ((MASKS, settings.frames - 1),), tuple(range(MASKS))),),
    )
    way = Way("ivc", carm.project(curve.at([8.0, 90.0, curve.length_mm - 8.0])))
    bands = carm.project(catheter.middles_lps_mm)
    ends = [tuple(bands[n] + random.uniform(-1.0, 1.0, 2)) for n in (3, 7)]
    true = carm.pixel_mm / float(carm.magnification(catheter.middles_lps_mm[5]))
    pointed = Fiducial("catheter", french * FRENCH_MM, *ends)
    results = []
    for name, fiducial in (("pointed at", pointed), ("found", Shaft(french * FRENCH_MM))):
        try:
            options = VenogramOptions(ways=(way,), fiducial=fiducial)
            calibration = measure_run(run, options).calibration
        except MeasurementError as error:
            print(f"seed {seed}, {french:.0f} F, {name}: refused: {error.what}", flush=True)
            results.append((name, None, 0.0))
            continue
        assert calibration.mm_per_pixel is not None
        assert calibration.relative_uncertainty is not None
        error_percent = 100 * (calibration.mm_per_pixel[0] / true - 1)
        half = 100 * calibration.relative_uncertainty
        print(
            f"seed {seed}, {french:.0f} F, {name}: {error_percent:+.2f} % (half width {half:.2f}); "
            f"{calibration.reason}",
            flush=True,
        )
        results.append((name, error_percent, half))
    return results


if __name__ == "__main__":
    main()
