"""Which frames serve as mask for which contrast frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.angiography.opacity import Curve
from venoseg.angiography.resampling import shrunk
from venoseg.angiography.run import Image, Run
from venoseg.dicom.angiogram import Mask
from venoseg.errors import SeriesError
from venoseg.volume import FloatArray

# Masks chosen here are averages of at most so many frames.
_AVERAGED = 8
_BLOCK_PX = 8
# Robust standard deviations by which the most opaque blocks must rise above the first frames.
_RISE = 6.0


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is subtracted from what, frames counted from 0.

    Attributes
    ----------
    contrast
        Frames that are averaged; the first gives the time.
    mask
        Frames that are averaged and subtracted.
    """

    contrast: tuple[int, ...]
    mask: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is subtracted.

    Attributes
    ----------
    operation
        ``AVG_SUB``, ``TID``, ``REV_TID``, ``own`` (mask frames chosen here), ``subtracted`` (done
        already) or ``natural`` (no subtraction).
    pairings
        One per picture that comes out; empty for the last two.
    shift_px
        The header's mask sub-pixel shift, (row, column).
    flags
        What is odd about it.
    """

    operation: str
    pairings: tuple[Pairing, ...]
    shift_px: tuple[float, float] = (0.0, 0.0)
    flags: tuple[str, ...] = ()


def plan_subtraction(run: Run, curve: Curve, frames: tuple[int, int] | None = None) -> Plan:
    """Decide how a run is subtracted.

    Parameters
    ----------
    run
        The frames and what their header prescribes.
    curve
        Stored value to attenuation.
    frames
        First and last contrast frame to use, counted from 0; None: all.

    Raises
    ------
    SeriesError
        When the header's mask frames do not exist in the run.
    """
    wanted = range(run.count) if frames is None else range(frames[0], frames[1] + 1)
    if run.subtracted:
        return Plan("subtracted", tuple(Pairing((n,), ()) for n in wanted))
    item = next((item for item in run.masks if item.operation != "NONE"), None)
    if item is not None:
        pairings = _prescribed(item, run.count)
        kept = tuple(pair for pair in pairings if pair.contrast[0] in wanted)
        if not kept and frames is None:
            raise SeriesError(
                f"the header's mask is meant for frames that a run of {run.count} does not have",
                remedy="export the whole run, its mask frames included",
            )
        if not kept:
            raise SeriesError(
                "none of the chosen frames is one that the header's mask is meant for",
                remedy="choose other frames",
            )
        return Plan(item.operation, kept, item.sub_pixel_shift)
    if run.masks or run.count == 1:
        flags = ("one_frame",) if run.count == 1 else ("subtraction_not_intended",)
        return Plan("natural", tuple(Pairing((n,), ()) for n in wanted), flags=flags)
    return _own(run, curve, wanted)


def _prescribed(item: Mask, count: int) -> list[Pairing]:
    numbers = [n for n in range(count - item.contrast_averaging + 1) if _covers(item, n)]
    if item.operation == "AVG_SUB":
        missing = [n for n in item.mask_frames if not 0 <= n < count]
        if missing or not item.mask_frames:
            named = f"mask frame {missing[0] + 1}" if missing else "the mask frame"
            raise SeriesError(
                f"{named} that the header names does not exist in a run of {count} frames",
                remedy="export the whole run, its mask frames included",
            )
        return [Pairing(_following(n, item), item.mask_frames) for n in numbers]
    first = item.applies_to[0][0] if item.applies_to else 0
    pairings = []
    for number in numbers:
        mask = (
            number - item.tid_offset
            if item.operation == "TID"
            else (first - item.tid_offset) - (number - first)
        )
        if 0 <= mask < count and mask != number:
            pairings.append(Pairing(_following(number, item), (mask,)))
    if not pairings:
        raise SeriesError(
            f"the masks of {item.operation} that the header describes lie outside the run",
            remedy="export the whole run",
        )
    return pairings


def _covers(item: Mask, frame: int) -> bool:
    return not item.applies_to or any(first <= frame <= last for first, last in item.applies_to)


def _following(number: int, item: Mask) -> tuple[int, ...]:
    return tuple(range(number, number + item.contrast_averaging))


def _own(run: Run, curve: Curve, wanted: range) -> Plan:
    """Take the frames just before contrast medium appears as mask."""
    blocks = [curve.of_means(shrunk(stored, _BLOCK_PX)) for stored in run.frames(range(run.count))]
    onset = _onset(_rises(np.stack(blocks)))
    flags: tuple[str, ...] = ()
    if onset is None:
        mask: tuple[int, ...] = (0,)
        flags = ("no_onset_seen",)
    elif onset <= 1:
        mask, flags = (0,), ("mask_may_hold_contrast",)
    else:
        # A frame of distance: the first contrast medium may be too faint to be noticed.
        mask = tuple(range(max(onset - 1 - _AVERAGED, 0), onset - 1))
    return Plan("own", tuple(Pairing((n,), mask) for n in wanted if n not in mask), flags=flags)


def _rises(coarse: Image) -> FloatArray:
    """Return (n,) how far the most opaque blocks stand above the first frame, in its scatter."""
    change = coarse - coarse[0]
    change -= np.median(change, axis=(1, 2), keepdims=True)
    step = np.diff(coarse[: min(4, len(coarse))], axis=0)
    step -= np.median(step, axis=(1, 2), keepdims=True)
    scatter = max(1.4826 * float(np.median(np.abs(step))), 1e-6)
    top: FloatArray = np.percentile(change, 99.7, axis=(1, 2)) / scatter
    return top


def _onset(rises: FloatArray) -> int | None:
    """Return the first frame from which on contrast medium is seen, or None."""
    enough = max(_RISE, 0.1 * float(rises.max()))
    seen = np.flatnonzero(rises > enough)
    return int(seen[0]) if len(seen) else None
