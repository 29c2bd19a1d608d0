"""Where the course of an iliac vein runs through the marrow of a bone.

Marrow of the lowest vertebra is as bright as blood that contrast has hardly reached, and its shell
looks like a wall. But no bone lies before an iliac vein: the spine lies behind it, the hip bone
beside it. Calcified arteries may cross before it, and the wires of a stent ring it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.trust.judging import Judged, doubted
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.curves import odd_count
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import BoolArray, FloatArray

# Rays to the front, within this angle of it on both sides, meet bone within this distance: it is
# so much brighter than the blood. Beyond that is the front of another bone, the pubis perhaps. Fat
# lies between a vein and bowel as bright, and none between marrow and its shell.
_ASIDE_DEG, _RAYS, _REACH_MM, _STEP_MM, _BRIGHTER_HU = 60.0, 9, 16.0, 1.0, 40.0
_FAT_HU = 20.0
_MET, _EVEN_MM = 0.5, 9.0
# So wide, in radii, calcium lies around an artery.
_CALCIUM = 1.5
# Wires ring a stented vein, by this step and share, and so far along it.
_RING_HU, _RING, _STENT_MM = 22.0, 0.75, 30.0
# What a course runs in so far before and after is not known.
_AROUND_MM = 10.0
# Where more than this share of a vein runs in bone the rest is not sure either.
_MOST = 0.3


def out_of_bones(found: Sequence[Judged], tubes: Sequence[Tube], scene: Scene) -> list[Judged]:
    """Leave out stations of iliac veins that lie in bones, and doubt these veins."""
    calcium = [artery.covers(scene.picture.grid, _CALCIUM) for artery in scene.known_arteries]
    hidden = np.any(calcium, axis=0) if calcium else None
    bony = [in_bone(tube, scene.picture, hidden) for tube in tubes]
    return [
        one if one.stretch.vessel == "ivc" else _outside(one, tubes, bony[one.stretch.tube])
        for one in found
    ]


def _outside(one: Judged, tubes: Sequence[Tube], bony: BoolArray) -> Judged:
    lost = one.open_stations & bony
    if not lost.any():
        return one
    share = float(lost.sum()) / float(one.open_stations.sum())
    where = heights(tubes[one.stretch.tube].course.points_lps_mm, lost)
    words = f"runs through bone along {100 * share:.0f} %{where}, not drawn: set waypoints there"
    rest = replace(one, open_stations=one.open_stations & ~bony, merged=one.merged or share > _MOST)
    return doubted(rest, [(1.0 - 2.0 * share, words)])


def in_bone(tube: Tube, picture: Picture, hidden: BoolArray | None = None) -> BoolArray:
    """Tell at which stations of a tube bone lies before it, and around these.

    Parameters
    ----------
    tube
        The tube.
    picture
        The coarse picture.
    hidden
        (slices, rows, columns) of the picture, where nothing bright counts as bone.
    """
    step = tube.course.step_mm
    met = _before(tube.course.points_lps_mm, tube.level_hu, picture, hidden)
    even = ndimage.median_filter(met, size=odd_count(_EVEN_MM, step), mode="nearest")
    ringed = np.mean(tube.step_hu < -_RING_HU, axis=1)
    stented = ndimage.maximum_filter1d(ringed, odd_count(_STENT_MM, step), mode="nearest") > _RING
    long = np.ones(odd_count(_EVEN_MM, step))
    bone = ndimage.binary_opening((even > _MET) & ~stented, long)
    around: BoolArray = ndimage.maximum_filter1d(bone, odd_count(2 * _AROUND_MM, step))
    return around


def _before(
    points_lps_mm: FloatArray, level_hu: FloatArray, picture: Picture, hidden: BoolArray | None
) -> FloatArray:
    """Return (n,) the share of rays from each of (n, 3) points to the front that meet bone."""
    angle = np.deg2rad(np.linspace(-_ASIDE_DEG, _ASIDE_DEG, _RAYS))
    ray = np.column_stack([np.sin(angle), -np.cos(angle), 0.0 * angle])
    away = np.arange(_STEP_MM, _REACH_MM, _STEP_MM)
    places = points_lps_mm[:, None, None] + ray[:, None] * away[:, None]
    index = picture.index(places.reshape(-1, 3))
    values = picture.mean_hu[index].reshape(places.shape[:3])
    bright = values > level_hu[:, None, None] + _BRIGHTER_HU
    bright &= np.minimum.accumulate(values, axis=2) > _FAT_HU
    if hidden is not None:
        bright &= ~hidden[index].reshape(places.shape[:3])
    share: FloatArray = bright.any(axis=2).mean(axis=1)
    return share
