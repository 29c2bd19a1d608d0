"""The iliac vessels: artery and vein of each side, from where the aorta divides to the groins.

The two of a side are followed as a pair, at last with the internal iliac artery (module `pairs`);
`iliac_arteries` makes arteries of their paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.landmarks.arterial import Artery, Below, never_at
from venoseg.segmentation.landmarks.candidates import Places
from venoseg.segmentation.landmarks.iliac_arteries import LOST_MM, artery_along, internal_along
from venoseg.segmentation.landmarks.pairs import pair_through
from venoseg.segmentation.working import Float32Array
from venoseg.volume import FloatArray, Grid

# So far a place moves in 3 mm of height at a cost of 1.
_MOVE_MM = 9.0
# So much farther out than the middle a vessel lies for each millimetre below the division, up to
# the middle of the groin; give or take.
_OUTWARDS, _OUTERMOST_MM, _GIVE_MM, _VEINS_GIVE_MM = 0.5, 70.0, 25.0, 40.0
_LEAST_OUT_MM, _TO_MIDDLE_MM, _OVER_MIDDLE_MM = 4.0, 80.0, 6.0
# From slice to slice a vein moves less than this, and farther for each millimetre of height over
# which it runs across the slices and is not seen.
_FAR_MM, _FARTHER = 15.0, 0.5
# A vein's track is one where it stands out as clearly over so much height.
_VEIN_SHOWS, _VEIN_MM = 0.3, 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Iliac:
    """What was followed of the iliac vessels.

    Attributes
    ----------
    arteries
        One or more stretches of each side; none of a side on which nothing of the aorta's grey
        value goes on.
    veins
        (n, 3) points of the vein of each side, from the feet up, where it stands out.
    internal
        The internal iliac arteries, where they show: they tell nothing of where the vein runs, but
        that it is not there.
    without_internal
        The side on which none could be followed though one was on the other side.
    """

    arteries: tuple[Artery, ...] = ()
    veins: tuple[tuple[str, FloatArray], ...] = ()
    internal: tuple[Artery, ...] = ()
    without_internal: tuple[str, ...] = ()

    @property
    def all_arteries(self) -> tuple[Artery, ...]:
        """Those that go on to the groins, and the internal ones."""
        return (*self.arteries, *self.internal)

    def vein(self, side: str | None) -> FloatArray:
        """Return (n, 3) the points of a side's vein."""
        return next((points for name, points in self.veins if name == side), np.empty((0, 3)))


@dataclass(frozen=True, slots=True, eq=False)
class OfSide:
    """The vessels of a side: stretches of artery and internal artery, (n, 3) points of the vein."""

    artery: list[Artery]
    vein_lps_mm: FloatArray
    internal: list[Artery]


def iliac_vessels(below: Below | None, veins_lps_mm: FloatArray) -> Iliac:
    """Follow artery and vein of each side.

    Parameters
    ----------
    below
        What the image shows below the division of the aorta.
    veins_lps_mm
        (n, 3) points in veins: no artery is there, and the vein of their side passes them.
    """
    if below is None:
        return Iliac()
    found: dict[float, OfSide] = {}
    # What was followed on one side is not the vein of the other one, nor of its own side.
    for turn, side in enumerate((-1.0, 1.0, -1.0, 1.0)):
        taken = [artery.points_lps_mm for own in found.values() for artery in own.artery]
        never = np.concatenate(taken) if taken else np.empty((0, 3))
        found[side] = _of_side(below, side, veins_lps_mm, never, with_inner=turn > 1)
    right, left = found[-1.0], found[1.0]
    both = (("right", right, left), ("left", left, right))
    return Iliac(
        (*right.artery, *left.artery),
        (("right", right.vein_lps_mm), ("left", left.vein_lps_mm)),
        (*right.internal, *left.internal),
        tuple(side for side, own, other in both if other.internal and not own.internal),
    )


def _of_side(
    below: Below,
    side: float,
    veins_lps_mm: FloatArray,
    never_vein_lps_mm: FloatArray,
    with_inner: bool,
) -> OfSide:
    """Follow the vessels of a side, with the internal iliac artery or without."""
    place = below.place
    off, veins_off = _off_course(below, side)
    score = (below.score - off[:, None]).astype(np.float32)
    vein_score = (below.vein_score - veins_off[:, None]).astype(np.float32)
    never_at(score, place, veins_lps_mm)
    never_at(vein_score, place, never_vein_lps_mm)
    score = _towards(score, place, below.start_lps_mm, -1)
    if len(below.cava_lps_mm):
        vein_score = _towards(vein_score, place, below.cava_lps_mm, -1)
    for point in veins_lps_mm[side * (veins_lps_mm[:, 0] - below.middle_mm) > 0]:
        k = int(np.rint(place.to_index(point)[0]))
        if 0 <= k < len(vein_score):
            vein_score = _towards(vein_score, place, point, k)
    inner = Places(_inner_score(below, side, veins_lps_mm), below.radius_mm)
    path, vein_path, inner_path = pair_through(
        Places(score, below.radius_mm),
        Places(vein_score, below.radius_mm),
        place,
        side,
        _down_mm(below),
        _MOVE_MM,
        side in below.crossing,
        inner if with_inner else None,
    )
    vein = _sure_vein(place, vein_path, vein_score)
    artery = artery_along(below, path, score, vein)
    return OfSide(artery, vein, internal_along(below, inner_path, path, vein))


def _inner_score(below: Below, side: float, veins_lps_mm: FloatArray) -> Float32Array:
    """Return how much each place looks like the middle of the internal artery of a side."""
    x = below.place.to_lps(np.column_stack([np.arange(below.place.shape[2])] * 3))[:, 0]
    beyond = np.maximum(-side * (x - below.middle_mm), 0.0) / 4.0
    score = (below.inner_score - beyond).astype(np.float32)
    never_at(score, below.place, veins_lps_mm)
    return score


def _down_mm(below: Below) -> FloatArray:
    """Return (slices,) how far each slice lies below the division."""
    slices = np.arange(len(below.image))
    down: FloatArray = below.divides_mm - below.place.to_lps(np.column_stack([slices] * 3))[:, 2]
    return down


def _off_course(below: Below, side: float) -> tuple[FloatArray, FloatArray]:
    """Return (slices, columns) how unlikely the artery and the vein of a side lie there."""
    place = below.place
    x = place.to_lps(np.column_stack([np.arange(place.shape[2])] * 3))[:, 0]
    down = _down_mm(below)
    # The aorta divides left of the middle, as a rule.
    shift = np.clip(down / _TO_MIDDLE_MM, 0.0, 1.0) * (below.middle_mm - below.start_lps_mm[0])
    x = side * (x - below.start_lps_mm[0] - shift[:, None])
    expected = np.minimum(_LEAST_OUT_MM + _OUTWARDS * np.maximum(down, 0.0), _OUTERMOST_MM)
    away = np.abs(x - expected[:, None])
    off = np.maximum(away - _GIVE_MM, 0.0) / 8.0 + np.maximum(-x - _OVER_MIDDLE_MM, 0.0) / 4.0
    return off, np.maximum(away - _VEINS_GIVE_MM, 0.0) / 8.0


def _towards(score: Float32Array, place: Grid, point: FloatArray, k: int) -> Float32Array:
    """Let a track pass a point in slice ``k``."""
    _, row, column = place.to_index(point)
    dy, dx = (float(size) for size in place.spacing_mm[1:])
    rows, columns = np.ogrid[: score.shape[1], : score.shape[2]]
    away = np.hypot((rows - row) * dy, (columns - column) * dx)
    out = score.astype(np.float32)
    out[k] -= (away / 4.0).astype(np.float32)
    return out


def _sure_vein(place: Grid, path: npt.NDArray[np.int64], score: Float32Array) -> FloatArray:
    """Return (n, 3) the points of a vein's path where it stands out, from the groin on.

    Up to where it is lost over some height, or jumps: there it may have come to another vessel.
    """
    seen = path[:, 0] >= 0
    size = max(3, round(_VEIN_MM / float(place.spacing_mm[0])))
    shows = np.where(seen, score[np.arange(len(path)), path[:, 0], path[:, 1]], -np.inf)
    even = ndimage.median_filter(shows, size, mode="nearest")
    sure = ndimage.binary_opening(seen & (even > _VEIN_SHOWS), np.ones(size))
    kept = np.flatnonzero(sure)
    steps = np.diff(place.to_lps(np.column_stack([kept, path[kept]])).reshape(-1, 3), axis=0)
    unseen_mm = np.maximum(steps[:, 2] - float(place.spacing_mm[0]), 0.0)
    lost = np.linalg.norm(steps[:, :2], axis=1) > _FAR_MM + _FARTHER * unseen_mm
    lost |= steps[:, 2] > 2.0 * LOST_MM
    kept = kept[: int(np.argmax(lost)) + 1] if lost.any() else kept
    return place.to_lps(np.column_stack([kept, path[kept]])).reshape(-1, 3)
