"""What noise and voxels let anybody know of a vein's size: the Cramer-Rao bound, beside our errors.

    python -m benchmarks.accuracy.limit [--seeds 2] [--first-seed 200] [--noise 20] [--contrast 100]

Straight oval veins, leaning a little. The bound is for whoever knows that the section is an ellipse
that stays the same over a length along the vein, and has to find its axes, its place, both levels
and the blur; no unbiased method has narrower limits. How far along the vein a method may look is a
choice: one that looks farther is steadier and smooths lesions. The table therefore gives the bound
for several lengths, and the length at which it would be as wide as our limits, which hold for
outlines of any shape. The seeds used while the methods were made lie below 100.

A second table gives the same bound for the % area stenosis of narrowed veins whose healthy area is
known without error, and how many lesions noise alone then puts more than 1 point off. A stenosis of
70 % over 15 to 30 mm opens by 2 to 7 points within 1.5 mm of its narrowest place: whoever does not
know its shape cannot look along much more than 3 mm of it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from venoseg.lumen import measure
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.ct import paint
from venoseg.phantom.kernels import KERNELS, blurred
from venoseg.tables import Table
from venoseg.volume import Grid

LENGTH_MM = 60.0
SLICES_MM, PIXEL_MM, BLUR_MM, TISSUE_HU = (1.0, 3.0), 0.78, 0.6, 50.0
LENGTHS_MM = (1.0, 3.0, 6.0)

# Semi-axes of the veins in mm.
OVALS = ((3.0, 2.5), (7.0, 5.0), (11.0, 6.0))

# Semi-axes of narrowed lumens in mm, and the area in mm2 of the same vein unharmed.
NARROWED = (((4.0, 4.0), 170.0), ((11.0, 2.5), 200.0), ((11.0, 1.6), 200.0))
WANTED_POINTS = 1.0

# So near to the ends of the vein nothing is compared.
_ENDS_MM = 14.0

# Steps for differences: mm for sizes, places and the blur, HU for levels.
_STEP_MM, _STEP_HU = 0.05, 5.0


def main() -> None:
    """Print the bound and what is reached for every vein and slice thickness."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--noise", type=float, default=20.0, help="HU")
    parser.add_argument("--contrast", type=float, default=100.0, help="lumen minus tissue, HU")
    arguments = parser.parse_args()
    print(f"noise {arguments.noise:g} HU, contrast {arguments.contrast:g} HU; 95 % limits in mm")
    lengths = "".join(f"{f'{length:g} mm':>8}" for length in LENGTHS_MM)
    print(
        f"{'vein mm':<12}{'slices':<8}{'figure':<8}{'bound over':<10}{lengths}{'ours':>8}{'as':>10}"
    )
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for oval in OVALS:
        for slice_mm in SLICES_MM:
            bounds = limits_per_mm(oval, slice_mm, arguments.noise, arguments.contrast)
            errors = [
                reached(oval, slice_mm, arguments.noise, arguments.contrast, s) for s in seeds
            ]
            for n, figure in enumerate(("D_eq", "D_min")):
                all_errors = np.concatenate([error[n] for error in errors])
                ours = 1.96 * float(np.sqrt((all_errors**2).mean()))
                per_length = "".join(
                    f"{bounds[n] / np.sqrt(length):>8.3f}" for length in LENGTHS_MM
                )
                name = f"{2 * oval[0]:g} x {2 * oval[1]:g}"
                print(
                    f"{name:<12}{slice_mm:<8g}{figure:<8}{'':<10}{per_length}{ours:>8.3f}", end=""
                )
                print(f"{(bounds[n] / ours) ** 2:>7.1f} mm", flush=True)
    _print_stenoses(arguments.noise, arguments.contrast)


def _print_stenoses(noise_hu: float, contrast_hu: float) -> None:
    """Print what noise does to the area stenosis of lumens known over several lengths."""
    print(f"\n% area stenosis: 95 % limits in points (lesions beyond {WANTED_POINTS:g} point in %)")
    print(f"{'lumen mm':<12}{'slices':<8}" + "".join(f"{f'{v:g} mm':>16}" for v in LENGTHS_MM))
    for oval, healthy_mm2 in NARROWED:
        equivalent = 2.0 * np.sqrt(oval[0] * oval[1])
        points_per_mm = 100.0 * np.pi / 2.0 * equivalent / healthy_mm2
        for slice_mm in SLICES_MM:
            bound = points_per_mm * limits_per_mm(oval, slice_mm, noise_hu, contrast_hu)[0]
            print(f"{f'{2 * oval[0]:g} x {2 * oval[1]:g}':<12}{slice_mm:<8g}", end="")
            for length in LENGTHS_MM:
                limits = bound / np.sqrt(length)
                beyond = 200.0 * float(ndtr(-1.96 * WANTED_POINTS / limits))
                print(f"{limits:>10.2f} ({beyond:2.0f})", end="")
            print(flush=True)


def limits_per_mm(
    oval: tuple[float, float], slice_mm: float, noise_hu: float, contrast_hu: float
) -> tuple[float, float]:
    """Return the bound on the 95 % limits of both diameters, for a vein known over 1 mm."""
    known = np.array([*oval, 0.0, 0.0, TISSUE_HU + contrast_hu, TISSUE_HU, BLUR_MM])
    steps = np.array([_STEP_MM] * 4 + [_STEP_HU] * 2 + [_STEP_MM])
    grid = fit_grid(_scene(known), (slice_mm, PIXEL_MM, PIXEL_MM), margin_mm=6.0)
    slope = np.stack(
        [
            (_seen(known + step, grid) - _seen(known - step, grid)).ravel() / (2.0 * step.sum())
            for step in np.diag(steps)
        ]
    )
    information = slope @ slope.T / noise_hu**2 / LENGTH_MM
    variance = np.linalg.inv(information)[:2, :2]
    first, second = oval
    of_equivalent = np.array([np.sqrt(second / first), np.sqrt(first / second)])
    of_minimum = np.array([0.0, 2.0])
    equivalent, minimum = (
        1.96 * float(np.sqrt(part @ variance @ part)) for part in (of_equivalent, of_minimum)
    )
    return equivalent, minimum


def reached(
    oval: tuple[float, float], slice_mm: float, noise_hu: float, contrast_hu: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of both diameters at the stations of one measured vein."""
    values = np.array([*oval, 0.0, 0.0, TISSUE_HU + contrast_hu, TISSUE_HU, BLUR_MM])
    scene = _scene(values)
    grid = fit_grid(scene, (slice_mm, PIXEL_MM, PIXEL_MM))
    twin = render(scene, grid, Scanner(blur_mm=BLUR_MM, noise_hu=noise_hu, seed=seed))
    found = measure(twin.image, twin.segmentation).cross_sections
    at = _column(found, "position_mm")
    inner = (at > _ENDS_MM) & (at < LENGTH_MM - _ENDS_MM)
    equivalent, minimum = (
        (_column(found, name)[inner] - true)
        for name, true in (
            ("equivalent_diameter_mm", 2.0 * np.sqrt(oval[0] * oval[1])),
            ("minimum_diameter_mm", 2.0 * oval[1]),
        )
    )
    told = ~np.isnan(equivalent) & ~np.isnan(minimum)
    return equivalent[told], minimum[told]


def _scene(values: np.ndarray) -> Scene:
    """Return a vein of the semi-axes, place and levels in ``values``."""
    first, second, x, y, lumen_hu, tissue_hu, _ = values.tolist()
    curve = Curve.through([(x, y, 0.0), (x + 6.0, y + 3.0, -LENGTH_MM)])
    profile = Profile.along(curve, 0.0, first, second, 0.5)
    tube = Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),))
    return replace(Scene("oval", (tube,)), lumen_hu=lumen_hu, background_hu=tissue_hu)


def _seen(values: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the image of a vein without noise."""
    sharp, _ = paint(_scene(values), grid)
    return blurred(sharp, KERNELS["white"], 0.0, float(values[6]) / grid.spacing_mm[1:])


def _column(table: Table, name: str) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in table.column(name)], dtype=np.float64)


if __name__ == "__main__":
    main()
