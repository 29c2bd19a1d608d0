"""What the profiles of a picture have in common: blur, scatter and the shape of the section."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from scipy import ndimage

from venoseg.angiography.widthmodel import Fit, Look, Samples, fit_profiles
from venoseg.volume import FloatArray

EXPONENTS = (1.7, 2.0, 2.4, 3.0, 4.0)
_BLURS_PX = (0.45, 0.7, 1.0, 1.4, 2.0)
SHAPELESS_PX = 9.0
_SCATTERS = (0.0, 0.15, 0.3, 0.5)
_TRIED_STATIONS = 48

# Looks are told apart long before the edges stand still, which move little from one to the next.
_FIRST_ROUNDS = 5
_ROUNDS = 3

# Share by which another section's fit must be better for each unit its exponent differs from 2.
_ROUND = 0.03
_SELECTIVE = 40.0

# Section shapes and scatter are pooled over stations this far apart, as a share of the width.
_POOLED = 0.7
# Of so many stations, as a share of the width and at most, all exponents are tried at one.
_TRIED_EVERY = 0.1
_TRIED_AT_LEAST_EVERY = 4

# What of a fit may be 0 or less.
_PLACES = ("edges_px", "amplitude")


def common_look(samples: Samples, start: FloatArray, logarithmic: bool) -> Look:
    """Return the blur and scatter that leave least unexplained at some stations."""
    count = len(samples.values)
    stations = np.linspace(0, count - 1, min(_TRIED_STATIONS, count)).astype(np.int64)
    some, begin = samples.some(stations), start[stations]
    # In a narrow profile blur hides what sets one shape from another.
    narrow = float(np.median(start[:, 1] - start[:, 0])) < SHAPELESS_PX

    look = Look()
    edges = fit_profiles(some, begin, look, rounds=_FIRST_ROUNDS).edges_px

    def costs(looks: list[Look]) -> FloatArray:
        nonlocal edges
        found = []
        for look in looks:
            fit = fit_profiles(some, begin, look, edges, _ROUNDS)
            edges = fit.edges_px
            best = np.sort(fit.misfit**2)[: len(begin) * 3 // 4]
            found.append(float(np.mean(best)) * _doubt(look.exponent))
        return np.array(found)

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


def fit_sections(
    samples: Samples, start: FloatArray, look: Look, begin: FloatArray
) -> tuple[Fit, FloatArray]:
    """Fit profiles, with the exponent of each station's section from what fits best around it.

    Sections change slowly along a vein: at a few stations all exponents are tried, and how the
    best ones differ from the common one is carried to the stations between.

    Parameters
    ----------
    samples
        n stations.
    start, begin
        (n, 2) edges as they are first seen, and better ones to begin with.
    look
        What all profiles have in common.

    Returns
    -------
    Fit, FloatArray
        At all stations, and the (n,) exponents.
    """
    own = fit_profiles(samples, start, look, begin)
    count = len(start)
    width = float(np.median(own.edges_px[:, 1] - own.edges_px[:, 0]))
    if float(np.median(start[:, 1] - start[:, 0])) < SHAPELESS_PX:
        return own, np.full(count, look.exponent)
    step = int(np.clip(_TRIED_EVERY * width, 1, _TRIED_AT_LEAST_EVERY))
    some = np.unique(np.append(np.arange(0, count, step), count - 1))
    part = samples.of(some)
    fits = [
        fit_profiles(part, start[some], replace(look, exponent=exponent), own.edges_px[some])
        for exponent in EXPONENTS
    ]
    costs = np.stack(
        [
            ndimage.gaussian_filter1d(fit.misfit**2, max(_POOLED * width, 3.0) / step)
            * _doubt(exponent)
            for fit, exponent in zip(fits, EXPONENTS, strict=True)
        ]
    )
    # Fits that do almost as well count almost as much.
    share = np.exp(-(costs / costs.min(axis=0) - 1.0) * _SELECTIVE)
    share /= share.sum(axis=0)
    every = np.arange(count)

    def blended(name: str) -> FloatArray:
        mixed = np.einsum("kn,kn...->n...", share, np.stack([getattr(fit, name) for fit in fits]))
        known: FloatArray = getattr(own, name)
        # A scatter is carried over by its ratio, and stays above 0.
        ratio = name not in _PLACES
        change = mixed / np.maximum(known[some], 1e-12) if ratio else mixed - known[some]
        columns = change.reshape(len(some), -1).T
        between = np.stack([np.interp(every, some, column) for column in columns], axis=-1)
        between = between.reshape(known.shape)
        result: FloatArray = known * between if ratio else known + between
        return result

    exponent = np.interp(every, some, np.array(EXPONENTS) @ share)
    return Fit(*(blended(field.name) for field in fields(Fit))), exponent
