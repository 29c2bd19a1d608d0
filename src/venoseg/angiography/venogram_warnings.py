"""What a reader must know of a measured run, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from venoseg.angiography.lesions import NARROW_END, Lesion
from venoseg.angiography.meeting import MEETS
from venoseg.angiography.projection import Projection
from venoseg.angiography.slips import goes_round
from venoseg.angiography.strays import ASTRAY, BRIDGED
from venoseg.angiography.subtraction import Subtraction
from venoseg.dicom.calibration import Calibration
from venoseg.volume import FloatArray

# A course may leave the points it was given by this share of the vein's width.
_DEPARTURE = 0.4

BEST_FILLED = "best_filled_frame"
"""Flag of a run that stays unsubtracted, of which one frame was chosen."""

_WORDS = {
    BEST_FILLED: "motion is not followed in unsubtracted frames: only the frame in which vessels "
    "fill most was measured; choose another with --frames",
    "one_frame": "the run has one frame: it is measured unsubtracted and no flow is known",
    "subtraction_not_intended": "the header rules subtraction out: frames stay unsubtracted",
    "no_onset_seen": "the arrival of contrast medium was not seen; the first frame is the mask",
    "mask_may_hold_contrast": "contrast medium may be in the mask: the first frame is not empty",
    "polarity_assumed": "whether contrast medium is dark is not stated; dark was assumed",
    "display_values": "the pixels were made for display: amounts of contrast medium are not known",
}


def smeared(subtraction: Subtraction) -> bool:
    """Return whether the composite holds several frames of which the motion is not known."""
    return subtraction.plan.operation == "natural" and len(subtraction.plan.pairings) > 1


def departures(
    ways: Sequence[tuple[str, FloatArray]], projections: list[Projection]
) -> Iterator[str]:
    """Say where a course leaves the points of a vein that it was to follow: nothing fills there."""
    for (vessel, points_px), projection in zip(ways, projections, strict=False):
        course = projection.edges.course.points_px
        apart = np.linalg.norm(course[:, None] - points_px, axis=2).min(axis=0)
        allowed = max(_DEPARTURE * float(np.median(projection.edges.width_px)), 5.0)
        if apart.max() > allowed:
            yield (
                f"{vessel}: its course leaves the given points by up to {apart.max():.0f} px; "
                "where the vein is shut it may follow another vessel: look at the picture"
            )


def detours(projections: list[Projection], lesions: list[tuple[Lesion, ...]]) -> Iterator[str]:
    """Say where what looks like a narrowing may be a collateral round a shut stretch."""
    for projection, narrowed in zip(projections, lesions, strict=True):
        for lesion in narrowed:
            if goes_round(projection, lesion):
                at = projection.position_px[lesion.smallest]
                yield (
                    f"{projection.vessel}: in its narrowing {at:.0f} px from the central end the "
                    "course goes a roundabout way: it may follow a collateral, and the vein be "
                    "shut: look at the picture, and set waypoints in the vein"
                )


def strayed(projections: list[Projection]) -> Iterator[str]:
    """Say where other vessels fill in a vein's place."""
    for projection in projections:
        on_line = [n for n, flag in enumerate(projection.flags) if flag == BRIDGED]
        if on_line:
            hidden = any(projection.state[n] == "not_assessable" for n in on_line)
            what = "what becomes of the vein is hidden by them" if hidden else "the vein is shut"
            yield (
                f"{projection.vessel}: over {len(on_line)} px only other vessels fill beside its "
                f"line: {what}; its course there is a smooth line between its open ends"
            )
        if ASTRAY in projection.flags:
            yield (
                f"{projection.vessel}: its course ends in a much thinner vessel that does not go "
                "on from it, as a collateral: that stretch is not measured; set the end onto the "
                "vein"
            )


def run_warnings(
    subtraction: Subtraction,
    calibration: Calibration,
    projections: list[Projection],
    named: bool,
) -> tuple[str, ...]:
    """Say what is odd about a run, its calibration and its veins."""
    words = [_WORDS[flag] for flag in subtraction.flags]
    if smeared(subtraction):
        words.append(
            "motion is not followed in unsubtracted frames: a vessel that moves looks wider than "
            "it is, and no stenosis is given; choose one frame with --frames"
        )
    if not named:
        words.append("no seeds were given: the main vessel was chosen, its upper end as central")
    if not calibration.is_patient_length:
        words.append(f"no millimetres: {calibration.reason}")
    for projection in projections:
        flags = [set(flag.split(";")) for flag in projection.flags]
        for name, sentence in (
            ("saturated", "saturated pixels in the lumen"),
            (MEETS, "it meets another measured vein and is not measured"),
            ("profile_unlike_a_single_vein", "profiles unlike a single vein (overlap or branch)"),
        ):
            share = np.mean([name in flag for flag in flags])
            if share > 0.02:
                words.append(f"{projection.vessel}: {sentence} over {100 * share:.0f} % of it")
        if any(NARROW_END in flag for flag in flags):
            words.append(
                f"{projection.vessel}: it is narrow up to the end of its course, with no healthy "
                "vein seen beyond: that stretch may be another vessel and is not measured; set the "
                "end farther along the vein, or on it, or name the stretch as a vein that joins"
            )
    return tuple(words)
