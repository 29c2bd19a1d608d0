"""The way of contrast medium along a vein."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.angiography.flow import Curve
from venoseg.angiography.transit import transits

TIMES = np.arange(0.0, 5.0, 0.25)


def curves(central: float | None, peripheral: float | None) -> list[Curve]:
    return [
        Curve(f"ivc:{end}", 9, np.zeros(len(TIMES)), arrival, None, None)
        for end, arrival in (("central_end", central), ("peripheral_end", peripheral))
    ]


@pytest.mark.parametrize(
    ("central", "peripheral", "direction"),
    [(2.0, 1.0, "antegrade"), (1.0, 2.0, "retrograde"), (1.2, 1.0, "not_told")],
)
def test_the_end_that_fills_first_tells_the_direction(
    central: float, peripheral: float, direction: str
):
    (found,) = transits(["ivc"], curves(central, peripheral), TIMES)
    assert found.direction == direction
    assert found.transit_s == pytest.approx(abs(central - peripheral))
    assert found.low_s <= found.transit_s <= found.high_s


def test_without_both_arrivals_nothing_is_told():
    (found,) = transits(["ivc"], curves(None, 1.0), TIMES)
    assert (found.direction, found.transit_s) == ("not_told", None)
