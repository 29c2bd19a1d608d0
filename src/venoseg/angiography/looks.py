"""What the profiles of a picture have in common: blur, scatter and the shape of the section."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.angiography.widthmodel import Fit, Look, Samples, fit_profiles
from venoseg.volume import FloatArray

EXPONENTS = (1.7, 2.0, 2.4, 3.0, 4.0)
_BLURS_PX = (0.45, 0.7, 1.0, 1.4, 2.0)
SHAPELESS_PX = 9.0
_SCATTERS = (0.0, 0.15, 0.3, 0.5)
_TRIED_STATIONS = 48

# Looks are told apart long before the edges stand still.
_ROUNDS = 5

# Share by which another section's fit must be better for each unit its exponent differs from 2.
_ROUND = 0.03
_SELECTIVE = 40.0

# Section shapes and scatter are pooled over stations this far apart, as a share of the width.
_POOLED = 0.7


def common_look(samples: Samples, start: FloatArray, logarithmic: bool) -> Look:
    """Return the blur and scatter that leave least unexplained at some stations."""
    count = len(samples.values)
    stations = np.linspace(0, count - 1, min(_TRIED_STATIONS, count)).astype(np.int64)
    some, begin = samples.some(stations), start[stations]
    # In a narrow profile blur hides what sets one shape from another.
    narrow = float(np.median(start[:, 1] - start[:, 0])) < SHAPELESS_PX

    def costs(looks: list[Look]) -> FloatArray:
        found, edges = [], begin
        for look in looks:
            # From one look to the next the edges move little.
            fit = fit_profiles(some, begin, look, edges, _ROUNDS)
            edges = fit.edges_px
            best = np.sort(fit.misfit**2)[: len(begin) * 3 // 4]
            found.append(float(np.mean(best)) * _doubt(look.exponent))
        return np.array(found)

    look = Look()
    for _ in range(2):
        found = costs([replace(look, blur_px=blur) for blur in _BLURS_PX])
        look = replace(look, blur_px=float(np.exp(_lowest(np.log(_BLURS_PX), found))))
        if narrow:
            break
        if logarithmic:
            found = costs([replace(look, scatter=scatter) for scatter in _SCATTERS])
            look = replace(look, scatter=round(_lowest(np.array(_SCATTERS), found), 2))
        offers = [replace(look, exponent=exponent) for exponent in EXPONENTS]
        look = offers[int(costs(offers).argmin())]
        if look.exponent == 2.0:
            break
    return look


def _lowest(at: FloatArray, costs: FloatArray) -> float:
    """Return where a parabola through the least value and its neighbours is lowest."""
    n = int(np.clip(costs.argmin(), 1, len(costs) - 2))
    curve = np.polyfit(at[n - 1 : n + 2], costs[n - 1 : n + 2], 2)
    if curve[0] <= 0:
        return float(at[costs.argmin()])
    return float(np.clip(-curve[1] / (2 * curve[0]), at[n - 1], at[n + 1]))


def _doubt(exponent: float) -> float:
    """Veins are round unless the picture says otherwise: what another shape must gain."""
    return 1.0 + _ROUND * abs(exponent - 2.0)


def best_exponents(fits: list[Fit], exponents: tuple[float, ...]) -> tuple[Fit, FloatArray]:
    """Choose each station's exponent from what fits best around it, and blend the fits."""
    width = np.median(fits[0].edges_px[:, 1] - fits[0].edges_px[:, 0])
    sigma = max(_POOLED * float(width), 3.0)
    costs = np.stack(
        [
            ndimage.gaussian_filter1d(fit.misfit**2, sigma) * _doubt(exponent)
            for fit, exponent in zip(fits, exponents, strict=True)
        ]
    )
    # Fits that do almost as well count almost as much.
    share = np.exp(-(costs / costs.min(axis=0) - 1.0) * _SELECTIVE)
    share /= share.sum(axis=0)

    def blend(name: str) -> FloatArray:
        parts = np.stack([getattr(fit, name) for fit in fits])
        mixed: FloatArray = np.einsum("kn,kn...->n...", share, parts)
        return mixed

    names = ("edges_px", "edge_sd_px", "width_sd_px", "amplitude", "amplitude_sd", "misfit")
    mean: FloatArray = np.array(exponents) @ share
    return Fit(*(blend(name) for name in names)), mean
