"""The frames of a run as they are looked at: native, or with a chosen mask taken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from venoseg.angiography import Run
from venoseg.angiography.masking import plan_subtraction
from venoseg.angiography.opacity import curve_of
from venoseg.angiography.registration import found_shift, shrink_of, still
from venoseg.angiography.resampling import Shift, moved, shrunk
from venoseg.angiography.run import Image, Stored
from venoseg.dicom.angiogram import Angiogram, Mask
from venoseg.errors import UsageError

# Of the gray values that are shown, this part is cut off at either end.
_CUT_PERCENT = 0.5
_STEP = 4

_DEFAULT_FPS = 6.0


class Cine:
    """A run in memory, and the mask that the reader chose.

    Parameters
    ----------
    run
        As `run_of` makes it.
    stored
        (frames, rows, columns) as stored.

    Attributes
    ----------
    mask
        First and last frame whose mean is the mask, counted from 0; None where none can be taken:
        the run was subtracted already, or has one frame.
    chosen
        Whether the reader chose it; else it is what the header or the pictures say.
    shift_px
        How far the mask is moved (down, right).
    """

    def __init__(self, run: Run, stored: Stored) -> None:
        def frames(numbers: Sequence[int]) -> Iterator[Stored]:
            return (stored[number] for number in numbers)

        self._whole = replace(run, frames=frames)
        self._curve = curve_of(self._whole)
        plan = plan_subtraction(self._whole, self._curve)
        self.mask: tuple[int, int] | None = None
        self.chosen = False
        self.shift_px: Shift = (0.0, 0.0)
        if plan.operation not in ("subtracted", "natural"):
            frames_of = plan.pairings[0].mask or (0,)
            self.mask = (min(frames_of), max(frames_of))
        self._mean: tuple[tuple[int, int], Image] | None = None
        self._placed: tuple[object, Image] | None = None

    @property
    def count(self) -> int:
        """Number of frames."""
        return self._whole.count

    @property
    def run(self) -> Run:
        """The run as it is measured: with the mask that the reader chose, if one was."""
        if not self.chosen or self.mask is None:
            return self._whole
        frames = tuple(range(self.mask[0], self.mask[1] + 1))
        # The header counts columns to the left; the pictures decide where a maker does not.
        shift = (self.shift_px[0], -self.shift_px[1])
        others = tuple((n, n) for n in range(self.count) if n not in frames)
        item = Mask("AVG_SUB", others, frames, sub_pixel_shift=shift)
        return replace(self._whole, masks=(item,))

    def choose_mask(self, first: int, last: int) -> None:
        """Take the mean of some frames, counted from 0, as mask.

        Raises
        ------
        UsageError
            When there are no such frames, or none is left to take it from.
        """
        if self.mask is None:
            raise UsageError("no mask can be taken off this run")
        if not 0 <= first <= last < self.count or last - first + 1 >= self.count:
            raise UsageError(
                f"frames {first + 1} to {last + 1} cannot be the mask of {self.count} frames",
                remedy="choose frames before contrast medium arrives",
            )
        self.mask, self.chosen = (first, last), True

    def move_mask(self, down_px: float, right_px: float) -> None:
        """Move the mask by so many pixels."""
        self.shift_px = (float(down_px), float(right_px))
        self.chosen = True

    def fitted_shift(self, frame: int) -> Shift:
        """Return by how much the mask must move (down, right) to lie on a frame; 0 if unclear."""
        if self.mask is None:
            return 0.0, 0.0
        shrink = shrink_of(self._whole.seen.shape[1])
        fixed = still(shrunk(self._mask_mean(), shrink), self._whole.seen, shrink)
        return found_shift(fixed, shrunk(self._attenuation(frame), shrink))

    def picture(self, frame: int, *, subtracted: bool) -> Image:
        """Return (rows, columns) of a frame: larger where more was in the way of the rays."""
        native = self._attenuation(frame)
        if not subtracted or self.mask is None:
            return native
        key = (self.mask, self.shift_px)
        if self._placed is None or self._placed[0] != key:
            self._placed = (key, moved(self._mask_mean(), self.shift_px))
        opacity = native - self._placed[1]
        result: Image = opacity - np.float32(np.median(opacity[::_STEP, ::_STEP]))
        return result

    def levels(self, *, subtracted: bool) -> tuple[float, float]:
        """Return the least and greatest value to show, for all frames."""
        seen = self._whole.seen[::_STEP, ::_STEP]
        chosen = sorted({0, self.count // 2, self.count * 3 // 4, self.count - 1})
        values = np.concatenate(
            [self.picture(n, subtracted=subtracted)[::_STEP, ::_STEP][seen] for n in chosen]
        )
        low, high = np.percentile(values, [_CUT_PERCENT, 100.0 - _CUT_PERCENT])
        return float(low), float(max(high, low + 1e-6))

    def _attenuation(self, frame: int) -> Image:
        return self._curve.attenuation(next(iter(self._whole.frames([frame]))))

    def _mask_mean(self) -> Image:
        assert self.mask is not None
        if self._mean is None or self._mean[0] != self.mask:
            first, last = self.mask
            total = np.zeros(self._whole.shape, dtype=np.float32)
            for number in range(first, last + 1):
                total += self._attenuation(number)
            self._mean = (self.mask, total / np.float32(last - first + 1))
        return self._mean[1]


def cine_of(angiogram: Angiogram, run: Run) -> Cine:
    """Decode a run once and keep it.

    Raises
    ------
    VenosegError
        When it cannot be decoded with certainty, or the mask that its header names is missing.
    """
    return Cine(run, angiogram.read())


def fps_of(angiogram: Angiogram) -> float:
    """Return the frames a second at which a run was taken; a usual rate where it does not say."""
    times = angiogram.frame_times_s
    if times is None or len(times) < 2 or times[-1] <= times[0]:
        return _DEFAULT_FPS
    return float((len(times) - 1) / (times[-1] - times[0]))
