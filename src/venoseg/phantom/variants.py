"""Diseased and unusual veins: each a scene, still without its surroundings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.phantom.channels import kissing_stents, trabeculated
from venoseg.phantom.curve import Curve
from venoseg.phantom.iliocaval import iliocaval_y
from venoseg.phantom.lesions import FRESH_CLOT_HU, cord, occluded, part_of
from venoseg.phantom.network import collateral_network
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.sheets import Sheet
from venoseg.phantom.stents import Lattice, Stent, stented
from venoseg.phantom.tube import Profile, Span, Tube
from venoseg.volume import FloatArray

SHUT_CAVA_MM = 56.0
"""Where on the cava the chronic occlusion of the sample patient begins, below the renal veins."""


def chronic_occlusion(seed: int = 0) -> Scene:
    """Return an occluded infrarenal cava and both common iliac veins, with their collaterals."""
    scene = iliocaval_y(seed, femoral=True)
    random = np.random.Generator(np.random.PCG64([seed, 4]))
    cava, left, right = scene.tubes
    ends = {"left": left.spans[0].stop_mm + 6.0, "right": right.spans[0].stop_mm + 6.0}
    layers = (
        *cord(cava, SHUT_CAVA_MM, cava.curve.length_mm, random),
        *cord(left, 0.0, ends["left"], random),
        *cord(right, 0.0, ends["right"], random),
    )
    shut = (
        occluded(cava, SHUT_CAVA_MM, 1e4),
        occluded(left, -1e3, ends["left"]),
        occluded(right, -1e3, ends["right"]),
    )
    entry = {side: end + 14.0 for side, end in ends.items()}
    links = collateral_network(scene, seed, entry)
    return replace(scene, name="chronic-occlusion", tubes=shut, before=layers, collaterals=links)


@dataclass(frozen=True, slots=True)
class StentState:
    """How the sample patient's stents are on a day.

    Attributes
    ----------
    expansion
        Diameter reached, as a share of what the stents have when they are wide open.
    crush_percent
        Area that the iliac stents lose at their central ends, where they are pressed flat.
    tissue_mm, focal_tissue_mm
        Tissue lining all stents, and the thickest tissue in the left limb.
    """

    expansion: float = 1.0
    crush_percent: float = 0.0
    tissue_mm: float = 0.0
    focal_tissue_mm: float = 0.0


def reconstructed(seed: int = 0, state: StentState | None = None) -> Scene:
    """Return the veins of `chronic_occlusion` after stenting from the cava into both limbs."""
    state = state or StentState()
    scene = iliocaval_y(seed, femoral=True)
    cava, left, right = scene.tubes
    placed = (
        _cava_stented(cava, state),
        _limb_stented(left, state, state.focal_tissue_mm),
        _limb_stented(right, state, 0.0),
    )
    tubes, stents = tuple(tube for tube, _ in placed), tuple(stent for _, stent in placed)
    tissue = tuple(Layer(part_of_stent(stent), 55.0) for stent in stents if state.tissue_mm > 0)
    return replace(scene, name="reconstructed", tubes=tubes, stents=stents, before=tissue)


def part_of_stent(stent: Stent) -> Tube:
    """Return the room inside a stent's wire between its ends."""
    inside = part_of(stent.tube(), stent.start_mm, stent.stop_mm, 1.0)
    return replace(inside, profile=stent.profile)


def _cava_stented(cava: Tube, state: StentState) -> tuple[Tube, Stent]:
    length = cava.curve.length_mm
    shape = _stent_shape(cava, 10.6 * state.expansion, 10.2 * state.expansion, 1.12)
    lattice = Lattice(22.0, 0.28, crowns=14, ring_mm=5.0)
    return stented(cava, shape, SHUT_CAVA_MM - 8.0, length - 1.0, lattice, state.tissue_mm)


def _limb_stented(iliac: Tube, state: StentState, focal_tissue_mm: float) -> tuple[Tube, Stent]:
    common = iliac.spans[0].stop_mm
    at = iliac.curve.positions_mm
    shape = _stent_shape(iliac, 7.9 * state.expansion, 6.9 * state.expansion, 1.0)
    pressed = np.cos(np.clip((at - 8.0) / 24.0, -1.0, 1.0) * np.pi / 2) ** 2
    left = 1 - state.crush_percent / 100 * pressed
    wider = 1 + 0.3 * state.crush_percent / 100 * pressed
    shape = replace(
        shape, first_mm=shape.first_mm * wider, second_mm=shape.second_mm * left / wider
    )
    bump = np.cos(np.clip((at - 0.85 * common) / 18.0, -1.0, 1.0) * np.pi / 2) ** 2
    tissue = state.tissue_mm + focal_tissue_mm * bump
    lattice = Lattice(16.0, 0.25, crowns=12, ring_mm=4.5)
    return stented(iliac, shape, 1.0, common + 48.0, lattice, tissue)


def _stent_shape(tube: Tube, central_mm: float, peripheral_mm: float, aspect: float) -> Profile:
    at = tube.curve.positions_mm
    radius: FloatArray = np.linspace(central_mm, peripheral_mm, len(at))
    root = np.sqrt(aspect)
    return Profile(radius * root, radius / root, np.zeros(len(at)), tube.profile.healthy_area_mm2)


def fresh_thrombus(seed: int = 0) -> Scene:
    """Return an acute occlusive thrombus that widens the left iliac vein, without a rim."""
    scene = iliocaval_y(seed, femoral=True)
    left = scene.tubes[1]
    start, stop = 22.0, left.spans[0].stop_mm + 60.0
    shut = replace(occluded(left, start, stop), profile=left.profile)
    clot = Layer(part_of(left, start - 0.5, stop + 0.5, 1.1), FRESH_CLOT_HU)
    tubes = (scene.tubes[0], shut, scene.tubes[2])
    return replace(scene, name="thrombus", tubes=tubes, before=(clot,))


def floating_thrombus(seed: int = 0) -> Scene:
    """Return a thrombus in the left iliac vein with a rim of contrast around it."""
    scene = iliocaval_y(seed, femoral=True)
    left = scene.tubes[1]
    core = part_of(left, 30.0, left.spans[0].stop_mm + 50.0, 0.62)
    return replace(scene, name="thrombus-rim", cores=(core,), core_hu=FRESH_CLOT_HU)


def post_thrombotic(seed: int = 0) -> Scene:
    """Return a left external iliac vein that has become a few thin channels."""
    scene = iliocaval_y(seed, femoral=True)
    start = scene.tubes[1].spans[0].stop_mm + 22.0
    old = Layer(part_of(scene.tubes[1], start, start + 55.0, 0.8), 62.0)
    found = trabeculated(scene, 1, start, start + 55.0, seed)
    return replace(found, name="trabeculated", before=(old,))


def divided_lumen(seed: int = 0) -> Scene:
    """Return a left external iliac vein that a sheet of old thrombus divides into two channels."""
    scene = iliocaval_y(seed, femoral=True)
    random = np.random.Generator(np.random.PCG64([seed, 17]))
    left = scene.tubes[1]
    start = left.spans[0].stop_mm + random.uniform(8.0, 20.0)
    stop = start + random.uniform(20.0, 40.0)
    aside = random.uniform(-1.5, 1.5)
    sheet = Sheet(left, start, stop, random.uniform(1.0, 3.0), aside)
    return replace(scene, name="divided-lumen", sheets=(sheet,), core_hu=random.uniform(45.0, 65.0))


def kissing(seed: int = 0) -> Scene:
    """Return two stents side by side in the cava, one into each iliac vein."""
    return replace(kissing_stents(iliocaval_y(seed, femoral=True)), name="kissing-stents")


def broken_stent(seed: int = 0) -> Scene:
    """Return two overlapping stents in the left iliac vein, the peripheral one fractured."""
    scene = iliocaval_y(seed, femoral=True)
    left = scene.tubes[1]
    middle = left.spans[0].stop_mm + 5.0
    shape = _stent_shape(left, 7.6, 6.8, 1.15)
    opened, first = stented(left, shape, 18.0, middle + 8.0, Lattice(16.0, 0.25))
    lattice = Lattice(14.0, 0.22, cells="open", fracture_mm=middle + 30.0)
    inner = replace(shape, first_mm=shape.first_mm - 0.3, second_mm=shape.second_mm - 0.3)
    opened, second = stented(opened, inner, middle - 8.0, middle + 62.0, lattice)
    tubes = (scene.tubes[0], opened, scene.tubes[2])
    return replace(scene, name="broken-stent", tubes=tubes, stents=(first, second))


def duplicated_cava(seed: int = 0) -> Scene:
    """Return a second cava that carries the left iliac blood up to the left renal vein's level.

    In the mask both are ``ivc``; the truth's rows of the ``ivc`` follow the right one, and the left
    common iliac vein ends where the left cava begins.
    """
    scene = iliocaval_y(seed, femoral=True)
    cava, left, right = scene.tubes
    upper = [(-14.0, -22.0, 104.0), (8.0, -30.0, 103.0), (32.0, -18.0, 92.0), (36.0, -4.0, 50.0)]
    points = np.array([cava.curve.at(44.0), *upper, (36.0, 1.0, 10.0), (37.0, 7.0, -20.0)])
    lower = left.curve.at(np.arange(left.spans[0].stop_mm - 8.0, left.curve.length_mm, 10.0))
    curve = Curve.through(np.concatenate([points, lower, left.curve.points_lps_mm[-1:]]))
    longer = curve.length_mm - left.curve.length_mm
    start = float(curve.positions_mm[np.argmax(curve.points_lps_mm[:, 2] < 0.0)])
    marks = [span.stop_mm + longer for span in left.spans]
    where = [0.0, start, marks[0], curve.length_mm]
    profile = Profile.along(curve, where, [7.0, 8.0, 7.8, 6.6], [5.6, 6.6, 6.8, 6.2])
    names = ["ivc", *(span.name for span in left.spans)]
    edges = [0.0, start, *marks[:-1], curve.length_mm]
    spans = tuple(Span(n, a, b) for n, a, b in zip(names, edges[:-1], edges[1:], strict=True))
    second = Tube(curve, profile, spans, central_cap="round")
    return replace(scene, name="duplicated-ivc", tubes=(cava, second, right))


def left_cava(seed: int = 0) -> Scene:
    """Return a cava that runs left of the aorta up to the renal veins and crosses there."""
    scene = iliocaval_y(seed, femoral=True)
    _, left, right = scene.tubes
    course = [(-19.0, -6.0, 150.0), (-16.0, -20.0, 116.0), (10.0, -31.0, 106.0)]
    down = [(33.0, -20.0, 92.0), (36.0, -4.0, 60.0), (34.0, 1.0, 30.0), (24.0, 4.0, 6.0)]
    curve = Curve.through(np.array([*course, *down]))
    where = np.array([0.0, 0.4, 1.0]) * curve.length_mm
    profile = Profile.along(curve, where, [11.0, 10.0, 12.0], [9.0, 7.5, 8.0])
    main = Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),), peripheral_cap="round")
    moved = [_rerooted(tube, curve.points_lps_mm[-1]) for tube in (left, right)]
    return replace(scene, name="left-ivc", tubes=(main, *moved))


def _rerooted(iliac: Tube, root_lps_mm: FloatArray) -> Tube:
    """Let an iliac axis begin elsewhere; from 30 mm on it runs as before."""
    kept = iliac.curve.at(np.arange(34.0, iliac.curve.length_mm, 10.0))
    last = iliac.curve.points_lps_mm[-1:]
    curve = Curve.through(np.concatenate([root_lps_mm[None], kept, last]))
    longer = curve.length_mm - iliac.curve.length_mm
    native = np.clip(curve.positions_mm - longer, 0.0, iliac.curve.length_mm)
    known, old = iliac.curve.positions_mm, iliac.profile
    profile = Profile(
        np.interp(native, known, old.first_mm),
        np.interp(native, known, old.second_mm),
        np.zeros(len(native)),
        np.interp(native, known, old.healthy_area_mm2),
    )
    spans = tuple(
        Span(s.name, max(s.start_mm + longer, 0.0) if s.start_mm else 0.0, s.stop_mm + longer)
        for s in iliac.spans
    )
    return Tube(curve, profile, spans, central_cap="round")


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """Grey value of a cava in which enhanced renal blood has not yet mixed with blood of the legs.

    Above the renal veins, around z = ``renal_mm``, streams lie side by side; below them the centre
    is dark, which looks like thrombus and is none.
    """

    tube: Tube
    full_hu: float = 165.0
    poor_hu: float = 70.0
    renal_mm: float = 44.0

    def __call__(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) HU at (n, 3) points."""
        depth, position = self.tube.locate(points_lps_mm)
        below = 1 / (1 + np.exp(-(position - self.renal_mm) / 6.0))
        central = np.clip(-depth / 7.0, 0.0, 1.0)
        streak = 0.5 + 0.5 * np.sin(points_lps_mm @ np.array([0.35, 0.22, 0.08]))
        poor = below * central + (1 - below) * 0.45 * streak
        hu: FloatArray = self.full_hu - (self.full_hu - self.poor_hu) * np.clip(poor, 0.0, 1.0)
        return hu


def early_phase(seed: int = 0) -> Scene:
    """Return healthy veins scanned too early: the mixing artefact of the infrarenal cava."""
    scene = iliocaval_y(seed, femoral=True)
    streams = Layer(scene.tubes[0], Mixing(scene.tubes[0]))
    return replace(scene, name="mixing", lumen_hu=75.0, after=(streams,))
