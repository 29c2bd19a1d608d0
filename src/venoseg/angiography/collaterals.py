"""How much of the contrast medium fills vessels beside the measured veins, with an interval.

What is counted is amount: opacity summed over pixels. Vessels that cross a measured vein are hidden
in it and count as vein. The interval holds what lies in neither region, as vessels too faint to be
outlined, and the error of the background's level, seen before contrast medium arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from venoseg.angiography.flow import Curve
from venoseg.angiography.subtraction import Subtraction
from venoseg.volume import FloatArray

# A picture counts while this share of the most contrast medium is in it.
_FILLED = 0.1

# Half width of 95 %, as a share, of the amount in a region: the gain of scatter differs over the
# picture, vessels cross, and the outline cuts the faint rim of vessels.
_AMOUNT = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class CollateralFilling:
    """Share of the contrast medium beside the measured veins.

    Attributes
    ----------
    by_picture, low, high
        (p,) share in each picture and its 95 % interval; NaN while hardly any contrast medium is
        there.
    whole, whole_low, whole_high
        The same of the amounts summed over all those pictures; NaN when there is none.
    area_px
        Pixels of the vessels beside the measured veins.
    """

    by_picture: FloatArray
    low: FloatArray
    high: FloatArray
    whole: float
    whole_low: float
    whole_high: float
    area_px: int


def collateral_filling(
    subtraction: Subtraction, curves: Sequence[Curve], elsewhere: Curve | None
) -> CollateralFilling | None:
    """Return the share of contrast medium beside the measured veins.

    Parameters
    ----------
    subtraction
        Of the run.
    curves
        From `venoseg.angiography.flow.follow`, ``main`` and, where any vessels lie beside,
        ``collateral`` among them.
    elsewhere
        The curve of all other pixels that are seen; None where there are none.

    Returns
    -------
    CollateralFilling | None
        None where values do not measure the amount of contrast medium, or other vessels were not
        looked for because nothing was subtracted.
    """
    if not subtraction.curve.densitometric or subtraction.plan.operation == "natural":
        return None
    named = {curve.name: curve for curve in curves}
    if "main" not in named:
        return None
    main = _amount(named["main"])
    beside, area = np.zeros_like(main), 0
    if "collateral" in named:
        beside, area = _amount(named["collateral"]), named["collateral"].area_px
    rest = np.zeros_like(main) if elsewhere is None else _amount(elsewhere)
    early = main <= 0.02 * main.max()
    level = max(_level_error(beside[early]), _level_error(main[early]))
    main, beside = np.maximum(main, 0.0), np.maximum(beside, 0.0)
    whole = main + beside
    counted = whole > _FILLED * whole.max()
    share, low, high = _shares(main, beside, np.maximum(rest, 0.0), level)
    share, low, high = (np.where(counted, part, np.nan) for part in (share, low, high))
    if not counted.any():
        return CollateralFilling(share, low, high, np.nan, np.nan, np.nan, area)
    vein, other, unnamed = (
        np.array([part[counted].sum()]) for part in (main, beside, np.maximum(rest, 0.0))
    )
    of_run = _shares(vein, other, unnamed, level * float(counted.sum()))
    whole_share, whole_low, whole_high = (float(part[0]) for part in of_run)
    return CollateralFilling(share, low, high, whole_share, whole_low, whole_high, area)


def _amount(curve: Curve) -> FloatArray:
    amount: FloatArray = curve.opacity * curve.area_px
    return amount


def _level_error(amounts: FloatArray) -> float:
    """Return what is measured where nothing is: the error of the background's level."""
    return float(np.sqrt(np.mean(amounts**2))) if len(amounts) else 0.0


def _shares(
    main: FloatArray, beside: FloatArray, rest: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return shares and both ends of their intervals."""
    error = np.hypot(1.96 * level, _AMOUNT * beside)
    least, most = np.maximum(beside - error, 0.0), beside + error + rest

    def of(part: FloatArray) -> FloatArray:
        share: FloatArray = part / np.maximum(main + part, 1e-9)
        return share

    return of(beside), of(least), of(most)
