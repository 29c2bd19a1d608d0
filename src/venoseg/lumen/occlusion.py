"""What the image says about the stretches of a vein that carry no labelled lumen.

A low gray value alone never proves an occlusion: blood that is not enhanced yet is as dark. A
station counts as ``occluded`` where the labelled lumen is enhanced at every end of the shut
stretch, nothing of the lumen's level lies on the way between, and either somebody drew the occluded
cord or the image shows a cord or clot of soft tissue there, brighter than what lies around it.
Without the cord the way is plausible only, and the station ``bridged``. Where the ends are not
enhanced, slices are missing, or the image shows lumen that the labels miss, it is
``not_assessable``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.bridging import lumen_level_hu
from venoseg.centerline.cord import CALCIUM_ABOVE_LUMEN_HU, TISSUE_HU
from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import plane_offsets_mm, sample_planes
from venoseg.centerline.tree import Branch, Gap
from venoseg.lumen.assess import ENHANCED_HU
from venoseg.lumen.profile import ShutState, VesselProfile
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, Volume

# The middle of a cord, and the rings around a thin cord and around a clot of a vein's calibre.
_CORE_MM = 1.3
_RINGS_MM = ((4.0, 6.0), (9.5, 12.0))
_PIXEL_MM = 0.7

# A cord exceeds this share of the ring by this much; it may lie against muscle or an artery.
_RING_SHARE = 0.4
_CORD_CONTRAST_HU = 30.0

# Calcium in the cord shows within this of its middle, and blurs so far along it.
_SPOT_MM = 2.5
_SPOT_ALONG_MM = 5.0

# So far beyond the labels' end, and a slice farther, the image may show the lumen's own end: labels
# end between voxels, and blur.
_END_MM = 1.5

# Single stations do not decide: calcium, noise and a neighbour come and go.
_DECIDED_OVER_MM = 9.0

Verdict = tuple[ShutState, tuple[str, ...]]


def with_gaps(profile: VesselProfile, volume: Volume, segmentation: Segmentation) -> VesselProfile:
    """Judge the stations of a vein that lie in stretches without labelled lumen.

    Parameters
    ----------
    profile
        A vein whose other stations are measured.
    volume, segmentation
        The image and the labels it was measured on.
    """
    branch = profile.branch
    if not branch.gaps:
        return profile
    shut: list[ShutState | None] = [None] * len(branch.curve)
    flags = [list(words) for words in profile.flags]
    for gap in branch.gaps:
        stations = np.flatnonzero(gap_stations(branch, gap))
        for n, (state, words) in zip(
            stations, _verdicts(branch, gap, stations, volume, segmentation), strict=True
        ):
            shut[n] = state
            flags[n] = [f"course_from_{gap.source}", *words]
    return replace(profile, shut=tuple(shut), flags=tuple(map(tuple, flags)))


def gap_stations(branch: Branch, gap: Gap) -> BoolArray:
    """Tell which stations of a vein lie in a stretch without labelled lumen."""
    position = branch.curve.position_mm
    return np.asarray((position >= gap.start_mm) & (position <= gap.stop_mm))


def occluded_length_mm(profile: VesselProfile) -> float | None:
    """Return the length of a vein's occluded and bridged stretches.

    0 for a vein whose lumen is labelled from end to end; None where stretches without labels cannot
    be judged.
    """
    branch, length = profile.branch, 0.0
    for gap in branch.gaps:
        states = [profile.shut[n] for n in np.flatnonzero(gap_stations(branch, gap))]
        judged = sum(state in ("occluded", "bridged") for state in states)
        if states and judged == 0:
            return None
        length += (gap.stop_mm - gap.start_mm) * (judged / len(states) if states else 1.0)
    return length


def shut_warnings(profile: VesselProfile) -> list[str]:
    """Return what a reader must know of a vein with stretches without labelled lumen."""
    position = profile.branch.curve.position_mm
    step_mm = float(position[1] - position[0])
    words = {
        "occluded": "occluded along",
        "bridged": "no lumen and no cord seen, its course assumed, along",
        "unlabelled_lumen": "the labels miss the lumen along",
        "not_assessable": "no labels, and the image does not tell why, along",
    }
    counts = dict.fromkeys(words, 0)
    for state, flags in zip(profile.shut, profile.flags, strict=True):
        if state is not None:
            counts["unlabelled_lumen" if "unlabelled_lumen" in flags else state] += 1
    return [
        f"{profile.vessel}: {text} {counts[kind] * step_mm:.0f} mm"
        for kind, text in words.items()
        if counts[kind]
    ]


def _verdicts(
    branch: Branch,
    gap: Gap,
    stations: npt.NDArray[np.intp],
    volume: Volume,
    segmentation: Segmentation,
) -> list[Verdict]:
    count = len(stations)
    if volume.unit != "HU":
        return [("not_assessable", ("no_hounsfield_units",))] * count
    levels = [lumen_level_hu(volume, segmentation, end) for end in gap.ends_lps_mm]
    known = [level for level in levels if level is not None]
    if not known or min(known) < ENHANCED_HU:
        return [("not_assessable", ("lumen_beside_not_enhanced",))] * count
    if count == 0:
        return []
    curve = branch.curve.part(slice(int(stations[0]), int(stations[-1]) + 1))
    lumen, cord = _seen(volume, curve, min(known))
    missing = _missing(volume, curve)
    verdicts: list[Verdict] = []
    for n in range(count):
        if missing[n]:
            verdicts.append(("not_assessable", ("slice_gap",)))
        elif lumen[n]:
            verdicts.append(("not_assessable", ("unlabelled_lumen",)))
        elif gap.source == "labels" or cord[n]:
            verdicts.append(("occluded", ("cord_in_image" if cord[n] else "labelled_cord",)))
        else:
            verdicts.append(("bridged", ("no_cord_in_image",)))
    return verdicts


def _seen(volume: Volume, curve: Curve, level_hu: float) -> tuple[BoolArray, BoolArray]:
    """Tell at which stations lumen lies on the way, and at which a cord."""
    step_mm = curve.step_mm if len(curve) > 1 else 1.0

    def size(over_mm: float) -> int:
        return 2 * round(over_mm / step_mm / 2.0) + 1

    offsets = plane_offsets_mm(_RINGS_MM[-1][1], _PIXEL_MM)
    planes = sample_planes(volume.voxels, volume.grid, curve, offsets)
    away = np.hypot(offsets[:, None], offsets[None, :])
    core = np.median(planes[:, away <= _CORE_MM], axis=1)
    threshold = (level_hu + TISSUE_HU) / 2.0
    spot = planes[:, away <= _SPOT_MM].max(axis=1) > level_hu + CALCIUM_ABOVE_LUMEN_HU
    lumen = (core > threshold) & ~ndimage.maximum_filter1d(spot, size(_SPOT_ALONG_MM))
    contrast = np.full(len(curve), -np.inf)
    for inner, outer in _RINGS_MM:
        ring = planes[:, (away >= inner) & (away <= outer)]
        around = np.quantile(ring, _RING_SHARE, axis=1)
        contrast = np.maximum(contrast, np.minimum(core, threshold) - around)
    cord = (core > 0.0) & (contrast >= _CORD_CONTRAST_HU)
    over = size(_DECIDED_OVER_MM)
    lumen = ndimage.median_filter(lumen, over, mode="nearest")
    end = int((_END_MM + volume.grid.slice_and_pixel_mm[0]) / step_mm)
    return _beyond_ends(lumen, end), ndimage.median_filter(cord, over, mode="nearest")


def _beyond_ends(lumen: BoolArray, most: int) -> BoolArray:
    """Return where lumen lies, without what at either end is no longer than the end's blur."""
    found = lumen.copy()
    for seen in (found, found[::-1]):
        first = int(np.argmin(seen))
        if 0 < first <= most:
            seen[:first] = False
    return found


def _missing(volume: Volume, curve: Curve) -> BoolArray:
    """Tell at which stations the image holds no value."""
    if volume.missing is None:
        return np.zeros(len(curve), dtype=bool)
    index = np.round(volume.grid.to_index(curve.points_lps_mm)).astype(int)
    index = np.clip(index, 0, np.array(volume.grid.shape) - 1)
    return np.asarray(volume.missing[tuple(index.T)])
