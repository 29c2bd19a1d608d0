"""What noise lets anybody know of a catheter's width: the Cramer-Rao bound.

    python -m benchmarks.angiography.limit [--photons 4000] [--masks 2]

A straight shaft that slants over the pixels, so that its profile is seen at every phase; beside it
an even ground. Whoever looks knows the shape of the profile and that it stays the same along the
shaft, and has to find its width and depth, the detector's blur, the ground and its slope. Photons
make white noise that the detector blurs as it blurs the shaft. No unbiased method spreads less.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from venoseg.phantom.xa_devices import FRENCH_MM, SHAFT_PER_MM
from venoseg.phantom.xa_geometry import Carm
from venoseg.volume import FloatArray

FRENCH = (4.0, 5.0, 6.0, 7.0)
BLURS_PX = (0.45, 0.6, 0.8)
# With 10 mm between bands; of the whole shaft in view where none interrupt it.
LENGTHS_PX = (80.0, 260.0)

# The profile is seen this far to either side; its samples, and the finer ones before the blur.
_ASIDE_PX, _STEP_PX, _FINE_PX = 9.0, 0.25, 0.02
_PADDED = 512
_NYQUIST = 0.5

# Steps for differences, and how far the middle of a frontal view lies before the beam's centre.
_CHANGES = (0.01, 0.001, 0.01)
_DEPTH_MM = 10.0


def main() -> None:
    """Print the bound for every catheter, length and blur."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photons", type=float, default=4000.0, help="a pixel and frame")
    parser.add_argument("--masks", type=int, default=2, help="frames before contrast medium")
    arguments = parser.parse_args()
    noise = 1.0 / np.sqrt(arguments.photons * arguments.masks)
    print("least standard deviation of a shaft's width, %; and 95 % limits, %")
    blurs = "".join(f"{f'blur {blur:g} px':>20}" for blur in BLURS_PX)
    print(f"{'':<8}{'width':>9}{'seen':>9}{blurs}")
    carm = Carm()
    pixel_mm = carm.pixel_mm / float(carm.magnification(np.array([0.0, _DEPTH_MM, 0.0])))
    for french in FRENCH:
        width_mm = french * FRENCH_MM
        width_px = width_mm / pixel_mm
        for length in LENGTHS_PX:
            spreads = [
                100 * spread_px(width_px, SHAFT_PER_MM * width_mm, blur, noise, length) / width_px
                for blur in BLURS_PX
            ]
            told = "".join(f"{f'{one:.2f} (+-{1.96 * one:.1f})':>20}" for one in spreads)
            print(f"{french:.0f} F{'':<5}{width_px:>6.2f} px{length:>6.0f} px{told}")


def spread_px(
    width_px: float, depth: float, blur_px: float, noise: float, length_px: float
) -> float:
    """Return the least standard deviation of a width.

    Parameters
    ----------
    width_px, depth
        Of the shaft; the depth is its attenuation in the middle.
    blur_px
        Standard deviation of the detector's blur.
    noise
        Standard deviation of a pixel's logarithm before that blur.
    length_px
        How much of the shaft is seen.
    """
    x = np.arange(-_ASIDE_PX, _ASIDE_PX + _STEP_PX / 2, _STEP_PX)
    known = np.array([width_px, depth, blur_px])
    slopes = [
        _slope(lambda values: _profile(values, x), known, n, change)
        for n, change in enumerate(_CHANGES)
    ]
    slopes += [np.ones_like(x), x]
    padded = [np.pad(one, (0, _PADDED - len(x))) for one in slopes]
    spectra = np.fft.fft(padded, axis=1) * _STEP_PX
    frequency = np.fft.fftfreq(_PADDED, _STEP_PX)
    seen = np.abs(frequency) < _NYQUIST
    power = noise**2 * np.exp(-((2 * np.pi * frequency[seen] * blur_px) ** 2))
    each = 1.0 / (_PADDED * _STEP_PX)
    told = length_px * each * np.real((spectra[:, seen].conj() / power) @ spectra[:, seen].T)
    return float(np.sqrt(np.linalg.inv(told)[0, 0]))


def _slope(
    profile: Callable[[FloatArray], FloatArray], known: FloatArray, n: int, change: float
) -> FloatArray:
    more, less = known.copy(), known.copy()
    more[n] += change
    less[n] -= change
    return (profile(more) - profile(less)) / (2 * change)


def _profile(values: FloatArray, x: FloatArray) -> FloatArray:
    """Return the logarithm of a blurred round shaft at distances from its middle."""
    width_px, depth, blur_px = values
    fine = np.arange(-_ASIDE_PX - 5.0, _ASIDE_PX + 5.0, _FINE_PX)
    chord = np.sqrt(np.clip(1.0 - (2.0 * fine / width_px) ** 2, 0.0, None))
    through = ndimage.gaussian_filter1d(np.exp(-depth * chord), blur_px / _FINE_PX)
    return np.asarray(np.interp(x, fine, -np.log(through)))


if __name__ == "__main__":
    main()
