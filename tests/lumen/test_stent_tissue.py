"""Tissue on one side of a stent, as restenosis mostly grows, against digital twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from venoseg.lumen.stents.measure import measure_stent
from venoseg.lumen.stents.profile import StentProfile
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.scene import Layer
from venoseg.phantom.stents import Lattice, stented
from venoseg.segmentation import find_stents
from venoseg.volume import FloatArray

RADIUS_MM, BARE_MM = 7.0, 0.125
START_MM, STOP_MM = 12.0, 58.0

Depth = Callable[[FloatArray], FloatArray]
"""How far inside the middle of the wire the lumen begins, in every direction."""


@dataclass(frozen=True)
class Growth:
    """What lies between wire and lumen."""

    inside: Tube
    depth: Depth

    def bounds(self) -> FloatArray:
        return self.inside.bounds()

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        wall, position = self.inside.locate(points_lps_mm)
        curve = self.inside.curve
        at = np.clip(position, 0.0, curve.length_mm)
        offset = points_lps_mm - curve.at(at)
        first, second = ((offset * axis).sum(axis=1) for axis in curve.axes_at(at))
        deep = self.depth(np.arctan2(second, first))
        return np.maximum.reduce([-wall - deep, wall, START_MM - position, position - STOP_MM])


def crescent(thickest_mm: float) -> Depth:
    """Return the room beside a round lumen that touches the wire on one side."""
    aside, lumen = thickest_mm / 2.0, RADIUS_MM - BARE_MM - thickest_mm / 2.0

    def depth(turn: FloatArray) -> FloatArray:
        across = aside * np.sin(turn)
        return RADIUS_MM + aside * np.cos(turn) - np.sqrt(lumen**2 - across**2)

    return depth


def sector(thick_mm: float, wide_deg: float) -> Depth:
    """Return tissue of one thickness over part of the ring, its shoulders 24 degrees long."""

    def depth(turn: FloatArray) -> FloatArray:
        inwards = (wide_deg / 2.0 + 12.0 - np.degrees(np.abs(turn))) / 24.0
        return BARE_MM + thick_mm * np.sin(np.clip(inwards, 0.0, 1.0) * np.pi / 2.0) ** 2

    return depth


def lined(thick_mm: float) -> Depth:
    """Return tissue of the same thickness all around."""
    return lambda turn: np.full_like(turn, BARE_MM + thick_mm)


def measured(depth: Depth, blood_hu: float, tissue_hu: float, slice_mm: float) -> StentProfile:
    curve = Curve.through([(0.0, 0.0, 0.0), (12.0, -5.0, -70.0)])
    host = Profile.along(curve, 0.0, RADIUS_MM, RADIUS_MM)
    tube = Tube(curve, host, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))
    opened, stent = stented(tube, host, START_MM, STOP_MM, Lattice(2.0 * RADIUS_MM, 0.25))
    tissue = Layer(Growth(Tube(curve, host), depth), tissue_hu, part_mm=0.25)
    scene = Scene("lined", (opened,), stents=(stent,), after=(tissue,), lumen_hu=blood_hu)
    grid = fit_grid(scene, (slice_mm, 0.8, 0.8), margin_mm=10.0)
    twin = render(scene, grid, Scanner(noise_hu=15, seed=4))
    (device,) = find_stents(twin.image, replace(twin.segmentation, stent=None)).devices
    profile = measure_stent(twin.image, device)
    assert profile is not None
    return profile


def true_percent(depth: Depth) -> float:
    turn = np.linspace(-np.pi, np.pi, 3600, endpoint=False)
    return float(100.0 * (1.0 - np.mean((1.0 - depth(turn) / RADIUS_MM) ** 2)))


@pytest.mark.parametrize(
    ("depth", "blood_hu", "tissue_hu", "slice_mm"),
    [(crescent(4.0), 200.0, 60.0, 1.0), (lined(2.5), 150.0, 80.0, 1.0)],
    ids=["crescent", "bright tissue"],
)
def test_tissue_is_measured_where_it_is(depth, blood_hu, tissue_hu, slice_mm):
    profile = measured(depth, blood_hu, tissue_hu, slice_mm)
    stenosis, true = profile.stenosis_percent, true_percent(depth)
    told = ~np.isnan(stenosis)
    assert told.mean() > 0.75
    assert np.abs(stenosis[told] - true).max() < 4.0
    assert abs(stenosis[told].mean() - true) < 2.0
    low, high = profile.stenosis_interval_percent[told].T
    assert ((low <= true) & (true <= high)).all()


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
def test_thin_tissue_is_not_taken_for_brighter_and_thicker_than_it_is(slice_mm):
    profile = measured(lined(2.0), 150.0, 55.0, slice_mm)
    missed = profile.stenosis_percent - true_percent(lined(2.0))
    assert np.abs(missed[5:-5]).max() < 1.5
    assert abs(missed[5:-5].mean()) < 0.7


def test_where_the_wire_hides_most_of_the_ring_an_interval_holds_the_lumen():
    depth = sector(3.0, 120.0)
    profile = measured(depth, 200.0, 60.0, 1.5)
    assert np.isnan(profile.stenosis_percent).all()
    low, high = profile.stenosis_interval_percent[4:-4].T
    true = true_percent(depth)
    assert ((low <= true) & (true <= high)).all()
    assert (high - low).max() < 32.0
