"""What a reader must know of the measurements as a whole, one sentence each."""

from __future__ import annotations

from collections import Counter

import numpy as np

from venoseg.centerline import VesselTree
from venoseg.centerline.duplicated import FLAG as DUPLICATED
from venoseg.lumen.assess import APART, CONCAVE, DARK, METAL
from venoseg.lumen.implants import beside_implant
from venoseg.lumen.occlusion import shut_warnings
from venoseg.lumen.profile import VesselProfile
from venoseg.segmentation import LEAST_CONFIDENCE, Segmentation
from venoseg.volume import Volume

# A waist this long is no mouth of a tributary.
_LONG_CONCAVE_MM = 15.0


def _doubts(segmentation: Segmentation) -> list[str]:
    """Say of each vein what the segmentation doubts."""
    doubts = []
    for one in segmentation.confidence:
        words = "; ".join(one.reasons)
        labelled = one.vessel in segmentation.names.values()
        if labelled and one.confidence < LEAST_CONFIDENCE:
            words = f"low confidence in its labels ({one.confidence:.2f}): {words}"
        if words:
            doubts.append(f"{one.vessel}: {words}")
    return doubts + [
        f"{level.name} was not found: {'; '.join(level.reasons)}"
        for level in segmentation.levels
        if level.lps_mm is None
    ]


def warnings_of(
    volume: Volume,
    segmentation: Segmentation,
    tree: VesselTree,
    profiles: tuple[VesselProfile, ...],
) -> tuple[str, ...]:
    """Collect what concerns the whole."""
    warnings = [f"image: {flag}" for flag in volume.source.flags]
    warnings += [f"labels: {flag}" for flag in segmentation.flags]
    warnings += _doubts(segmentation)
    warnings += [f"{failure.vessel}: {failure.reason}" for failure in tree.failures]
    for profile in profiles:
        warnings += _of_course(profile) + _of_wall(profile)
    return tuple(warnings)


def _of_course(profile: VesselProfile) -> list[str]:
    """Say where a vein ends, is shut or is one of two."""
    vessel, warnings = profile.vessel, []
    if DUPLICATED in profile.branch.flags:
        warnings.append(
            f"{vessel}: there are two; only the one that the right iliac veins drain into is "
            "measured"
        )
    if any(profile.shut):
        warnings += shut_warnings(profile)
    elif not profile.measured.any():
        warnings.append(f"{vessel}: no station could be measured")
    elif profile.branch.parent is None and vessel != "ivc":
        warnings.append(f"{vessel}: it does not touch the vein it drains into")
    return warnings


def _of_wall(profile: VesselProfile) -> list[str]:
    """Say what may falsify the outline of a vein, and along how much of it."""
    vessel, warnings = profile.vessel, []
    step_mm = profile.branch.curve.step_mm
    stations = Counter(word for words in profile.flags for word in words)
    concave_mm = step_mm * stations[CONCAVE]
    if concave_mm >= _LONG_CONCAVE_MM:
        warnings.append(
            f"{vessel}: its outline has a waist along {concave_mm:.0f} mm; check that the labels "
            "hold no other vessel"
        )
    dark_mm = step_mm * stations[DARK]
    if dark_mm:
        warnings.append(
            f"{vessel}: its labels hold something far darker than blood along {dark_mm:.0f} mm: "
            "clot, a thick wall, tissue, or blood without contrast"
        )
    parted_mm = step_mm * len(np.unique(profile.lumens.stations))
    if parted_mm:
        warnings.append(
            f"{vessel}: several lumens side by side along {parted_mm:.0f} mm; areas are those of "
            "all together, each one's is in lumens.csv"
        )
    apart_mm = step_mm * stations[APART]
    if apart_mm:
        warnings.append(
            f"{vessel}: channels run apart along {apart_mm:.0f} mm; there it is not measured, "
            "as one of them is not the vein"
        )
    struck_mm = step_mm * float(beside_implant(profile).sum())
    if struck_mm:
        warnings.append(
            f"{vessel}: a metal implant lies in the slices of {struck_mm:.0f} mm; its streaks may "
            "falsify the figures there"
        )
    metal_mm = step_mm * stations[METAL]
    if metal_mm:
        unproven = "; if it is a stent, --stent-nominal has it measured as one"
        warnings.append(
            f"{vessel}: metal or calcium along {metal_mm:.0f} mm of its wall; there the lumen is "
            f"that of the labels{unproven if profile.stent is None else ''}"
        )
    return warnings
