"""What averages over a vein's wall leave of noise, however it lies in the image."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import Curve, curve_through
from venoseg.lumen.noise.alike import Edge, left_by_average, left_on_wall
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.rays.grain import Grain
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 80, 80), spacing_mm=(3.0, 0.8, 0.8), origin_lps_mm=(0.0, 0.0, 0.0))
EDGE = Edge("gray", Blur(0.7, 0.7), GRID, Grain(0.6, 0.0))
ALIKE_MM = np.hypot([1.5, 0.4, 0.4], [0.0, 0.6, 0.6])[::-1]  # in LPS
OVER_MM = (3.5, 1.5)


def leaning(degrees: float) -> Curve:
    """Return a straight vein at an angle to the normal of the slices."""
    direction = np.array([np.sin(np.radians(degrees)), 0.0, np.cos(np.radians(degrees))])
    return curve_through(20.0 + np.arange(20.0)[:, None] * direction, 1.0)


def left_of_draws(curve: Curve, angle_rad: float) -> float:
    """Ask pairs of places that one average holds how much of their noise they share."""
    random = np.random.default_rng(5)
    across, upward = curve.across[10], curve.upward[10]
    normal = np.cos(angle_rad) * across + np.sin(angle_rad) * upward
    around = np.cos(angle_rad) * upward - np.sin(angle_rad) * across
    frame = np.stack([curve.tangents[10], around, normal])

    def shared(along_mm: float, around_mm: float) -> float:
        # Two draws of one Gaussian are apart by one wider by the root of 2.
        apart = np.sqrt(2.0) * random.standard_normal((200_000, 3))
        apart = (apart * [along_mm, around_mm, 0.7]) @ frame
        return float(np.exp(-0.25 * ((apart / ALIKE_MM) ** 2).sum(axis=1)).mean())

    return shared(*OVER_MM) / shared(0.0, 0.0)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 60.0])
def test_draws_of_noise_leave_as_much(degrees):
    curve = leaning(degrees)
    places = [left_of_draws(curve, angle) for angle in np.linspace(0.0, np.pi, 8, endpoint=False)]
    assert left_on_wall(curve, EDGE, [OVER_MM])[0, 10] == pytest.approx(np.mean(places), rel=0.03)


def test_a_vein_across_the_slices_is_averaged_along_and_around_each_by_itself():
    alone = left_by_average(ALIKE_MM[2], OVER_MM[0]) * left_by_average(ALIKE_MM[0], OVER_MM[1])
    assert left_on_wall(leaning(0.0), EDGE, [OVER_MM]) == pytest.approx(alone, rel=1e-6)
