"""Collaterals, subtraction and stents on digital twins with bodies.

    python -m benchmarks.angiography.bodies [--first-seed 900] [--seeds 3] [--only collaterals]

Seeds below 100 were used while the methods were made. Views lie within 20 degrees of frontal.

collaterals: chronic occlusion; the share of contrast medium in collaterals over the run, against
    the ray lengths in collaterals and in the open veins, all of which are named in the seeds.
subtraction: the patient lies 2 pixels elsewhere in the mask; the scatter beside vessels in the last
    picture, over that of the same twin at rest, subtracted as it is.
stents: the width of each station of stent, in true millimetres, against the weave's.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import groupby

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.angiography import Run, VenogramOptions, Way, measure_run, subtract
from venoseg.dicom.angiogram import Mask
from venoseg.phantom.bolus import concentration, solve_flow
from venoseg.phantom.catalogue import twin_named
from venoseg.phantom.scene import Scene
from venoseg.phantom.xa import XaRun, XaSettings, _filled_lengths, run_xa
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_seeds import run_seeds
from venoseg.phantom.xa_truth import projected_width_mm, xa_truth_of
from venoseg.tables import Row
from venoseg.volume import FloatArray

MASKS = 2
LEAST_MM = 30.0


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=900)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(BENCHMARKS))
    arguments = parser.parse_args()
    for name, benchmark in BENCHMARKS.items():
        if arguments.only in (None, name):
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                benchmark(seed)


def settings_of(seed: int, frames: int) -> XaSettings:
    """Return a random view and dose."""
    random = np.random.default_rng(seed)
    carm = Carm(primary_deg=random.uniform(-20, 20), secondary_deg=random.uniform(-5, 5))
    photons = float(random.uniform(2000.0, 6000.0))
    return XaSettings(carm=carm, frames=frames, mask_frames=MASKS, photons=photons, seed=seed)


def as_run(twin: XaRun) -> Run:
    """Return a twin's run with the mask that its header would prescribe."""
    mask = Mask("AVG_SUB", ((MASKS, len(twin.pixels) - 1),), tuple(range(MASKS)))
    return Run.from_array(twin.pixels, twin.times_s, bits_stored=12, relation="LIN", masks=(mask,))


def collaterals(seed: int) -> None:
    """Compare the share of collaterals with the truth."""
    scene = twin_named("venogram-occluded").build(seed)
    settings = settings_of(seed, 20)
    twin = run_xa(scene, settings)
    veins = amounts(replace(scene, collaterals=()), scene, settings, twin)
    whole = amounts(scene, scene, settings, twin)
    truth = 1.0 - veins.sum() / whole.sum()
    ways = open_veins(xa_truth_of(scene, twin).projection.rows)
    found = measure_run(as_run(twin), VenogramOptions(ways=ways)).collaterals
    assert found is not None
    error = 100 * (found.whole - truth)
    held = found.whole_low <= truth <= found.whole_high
    view = f"{settings.carm.primary_deg:+.0f}, {settings.carm.secondary_deg:+.0f} degrees"
    print(
        f"collaterals, seed {seed}, {view}: {100 * found.whole:.1f} % "
        f"({100 * found.whole_low:.1f} to {100 * found.whole_high:.1f}) for {100 * truth:.1f} %: "
        f"{error:+.1f} points, {'held' if held else 'NOT held'}",
        flush=True,
    )


def amounts(shown: Scene, scene: Scene, settings: XaSettings, twin: XaRun) -> FloatArray:
    """Return (pixels,) ray lengths in contrast medium, summed over the frames."""
    lengths, delays = _filled_lengths(shown, solve_flow(scene), settings.carm)
    total = np.zeros(lengths.shape[0])
    for time in twin.times_s[twin.times_s >= 0]:
        share = concentration(np.full(len(delays), time), delays, settings.injected_s)
        total += lengths @ share
    return total


def open_veins(rows: tuple[Row, ...]) -> tuple[Way, ...]:
    """Return the open stretches in the picture, the longest of each vein, with waypoints."""
    ways = []
    for vessel, of_vessel in groupby(rows, key=lambda row: row["vessel"]):
        stretches = [
            list(part)
            for usable, part in groupby(
                of_vessel, key=lambda row: row["flags"] == "" and row["state"] != "occluded"
            )
            if usable
        ]
        longest = max(stretches, key=len, default=[])
        if len(longest) > LEAST_MM:
            chosen = [longest[n] for n in np.linspace(2, len(longest) - 3, 6).astype(int)]
            points = [[float(row["column_px"]), float(row["row_px"])] for row in chosen]
            ways.append(Way(str(vessel), np.array(points)))
    return tuple(ways)


def subtraction(seed: int) -> None:
    """Compare what is left beside vessels after motion with the noise of a patient at rest."""
    scene = twin_named("venogram-may-thurner").build(seed)
    settings = settings_of(seed, 8)
    turn = np.random.default_rng([seed, 1]).uniform(0, 2 * np.pi)
    way = (2.0 * float(np.cos(turn)), 2.0 * float(np.sin(turn)))
    rest = run_xa(scene, settings)
    moved = run_xa(scene, replace(settings, motion_px=way))
    filled = amounts(scene, scene, settings, rest).reshape(rest.pixels.shape[1:])
    beside = ~ndimage.binary_dilation(filled > 0, iterations=6)
    beside[:15] = beside[-15:] = beside[:, :15] = beside[:, -15:] = False

    def scatter(run: Run, follow: bool) -> tuple[float, tuple[float, float]]:
        done = subtract(run, follow_motion=follow)
        *_, last = done.pictures()
        return float(np.std(last[beside & done.seen])), done.mask_shift_px

    floor, _ = scatter(as_run(rest), follow=False)
    left, shift = scatter(as_run(moved), follow=True)
    unfollowed, _ = scatter(as_run(moved), follow=False)
    print(
        f"subtraction, seed {seed}, moved {-way[1]:+.2f}, {-way[0]:+.2f} px: found "
        f"{shift[0]:+.2f}, {shift[1]:+.2f}; residual {left / floor:.2f} times the noise floor, "
        f"{unfollowed / floor:.2f} times when not followed",
        flush=True,
    )


def stents(seed: int) -> None:
    """Compare widths of stents with those of their weave."""
    scene = twin_named("venogram-stented").build(seed)
    # So long that the cava has filled where blood flows slowly.
    settings = settings_of(seed, 24)
    twin = run_xa(scene, settings)
    seeds = run_seeds(xa_truth_of(scene, twin).projection)["points"]
    ways = tuple(
        Way(str(vessel), np.array([[point["column"], point["row"]] for point in points], float))
        for vessel, points in groupby(seeds, key=lambda point: point["vessel"])
    )
    found = measure_run(as_run(twin), VenogramOptions(ways=ways))
    places, width, scale = weave(scene, settings.carm)
    for projection, stents_found in zip(found.projections, found.stents, strict=True):
        for stent in stents_found:
            points = projection.edges.course.points_px[stent.stations]
            away, at = cKDTree(places).query(points)
            error = stent.width_px * scale[at] - width[at]
            on_stent = stent.seen & (away < 3.0)
            least, _ = stent.extremes()
            inside = np.abs(error) <= stent.half_px * scale[at]
            print(
                f"stent, seed {seed}, {projection.vessel}: {error[on_stent].mean():+.2f} mm, "
                f"{error[on_stent].min():+.2f} to {error[on_stent].max():+.2f}; narrowest "
                f"{error[least]:+.2f}; interval holds {100 * inside[on_stent].mean():.0f} %",
                flush=True,
            )
        if not stents_found:
            print(f"stent, seed {seed}, {projection.vessel}: none found", flush=True)


def weave(scene: Scene, carm: Carm) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n, 2) places on the stents' axes, their widths in mm, and the size of a pixel."""
    places, widths, scales = [], [], []
    for stent in scene.stents:
        along = np.arange(stent.start_mm, stent.stop_mm, 0.5)
        centre = stent.curve.at(along)
        places.append(carm.project(centre))
        widths.append(projected_width_mm(stent.tube(), carm, along))
        scales.append(carm.pixel_mm / carm.magnification(centre))
    return np.concatenate(places), np.concatenate(widths), np.concatenate(scales)


BENCHMARKS = {"collaterals": collaterals, "subtraction": subtraction, "stents": stents}


if __name__ == "__main__":
    main()
