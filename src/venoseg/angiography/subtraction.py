"""A run to pictures of contrast medium alone, a few frames in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from venoseg.angiography.blank_border import blank_border
from venoseg.angiography.frames import (
    Of,
    ahead,
    contrast_attenuations,
    halved,
    mask_attenuation,
    mean_attenuation,
    mean_of,
    shifted_at,
    small_mean_of,
    stored_frames,
)
from venoseg.angiography.masking import Plan, plan_subtraction
from venoseg.angiography.opacity import Curve, curve_of
from venoseg.angiography.registration import (
    Still,
    background_residual,
    found_field,
    found_shift,
    shrink_of,
    still,
)
from venoseg.angiography.resampling import Shift, moved, shrunk, warped_back
from venoseg.angiography.run import Image, Run, Stored
from venoseg.errors import SeriesError
from venoseg.volume import BoolArray, FloatArray

# While nothing moves, every so many frames the whole picture is searched for motion.
_LOOK_AGAIN = 8

# Motion below this is not worth resampling a frame for.
_STILL_PX = 0.1

# So many pixels tell the level of the background.
_BACKGROUND = 2**14

# Standard deviation of the blur that leaves organs and no veins, as a share of the width.
_ORGANS = 1 / 16


@dataclass(frozen=True, slots=True, eq=False)
class Subtraction:
    """How the frames of a run become opacities; the frames themselves are made when asked for.

    Attributes
    ----------
    run, curve, plan
        What is subtracted and how.
    mask
        (rows, columns) attenuation without contrast, where the patient lies in the contrast
        frames; None when nothing is subtracted or the mask changes from frame to frame.
    shifts_px
        (p, 2) how far each contrast frame lies down and right of the place where most lie; zero
        where motion was not looked for.
    mask_shift_px
        (row, column) by which the mask was moved.
    locally_warped
        Whether the mask was also warped in parts.
    seen
        (rows, columns), True where all pictures show the patient.
    flags
        What is odd.
    """

    run: Run
    curve: Curve
    plan: Plan
    mask: Image | None
    shifts_px: FloatArray
    mask_shift_px: Shift
    locally_warped: bool
    seen: BoolArray
    flags: tuple[str, ...]

    @property
    def times_s(self) -> FloatArray:
        """(p,) times of the pictures."""
        return self.run.times_s[[pair.contrast[0] for pair in self.plan.pairings]]

    def pictures(self, numbers: Sequence[int] | None = None) -> Iterator[Image]:
        """Give the opacity of contrast frames, default all: larger where more contrast medium is.

        The median of each is taken off: exposure may change from frame to frame.
        """
        wanted = range(len(self.plan.pairings)) if numbers is None else numbers
        frames = stored_frames(self.run, tuple(self.plan.pairings[number] for number in wanted))
        yield from ahead(self._opacity, zip(wanted, frames, strict=True))

    def in_parts(
        self, of_some: Callable[[Iterator[Image]], Of], numbers: Sequence[int] | None = None
    ) -> list[Of]:
        """Return what a function makes of the `pictures` of either half of the numbers.

        The halves are gone through at the same time where there are cores for that, and are the
        same whatever the machine, so that the same run gives the same bytes everywhere.
        """

        def plain(part: Sequence[int]) -> Iterator[Image]:
            frames = stored_frames(self.run, tuple(self.plan.pairings[number] for number in part))
            return (self._opacity(n, stored) for n, stored in zip(part, frames, strict=True))

        wanted = range(len(self.plan.pairings)) if numbers is None else numbers
        return halved(wanted, lambda part: of_some(plain(part)))

    def opacities_at(self, places: npt.NDArray[np.intp]) -> Iterator[Image]:
        """Give the (k,) opacities of some pixels, by their flat numbers, in every contrast frame.

        As `pictures` shows them, but linear between pixels where the patient has moved.
        """
        single = all(len(pair.contrast) == 1 for pair in self.plan.pairings)
        if self.mask is None or not single:
            yield from (picture.ravel()[places] for picture in self.pictures())
            return
        counted = np.zeros(self.run.shape, dtype=bool)
        counted[self._sampled] = True
        background = np.flatnonzero(counted & self.seen)
        whole = np.concatenate([places, background])
        base = self.mask.ravel()[whole]
        line, column = np.divmod(whole, self.run.shape[1])

        def opacities(shift_px: FloatArray, stored: Stored) -> Image:
            if np.abs(shift_px).max() < _STILL_PX:
                values = self.curve.attenuation(stored.ravel()[whole])
            else:
                values = shifted_at(self.curve, stored, (line, column), shift_px)
            values -= base
            return values[: len(places)] - np.float32(np.median(values[len(places) :]))

        frames = self.run.frames([pair.contrast[0] for pair in self.plan.pairings])
        yield from ahead(opacities, zip(self.shifts_px, frames, strict=True))

    def _opacity(self, number: int, stored: tuple[Stored, ...]) -> Image:
        pair, (row, column) = self.plan.pairings[number], self.shifts_px[number]
        base = self.mask if self.mask is not None else mask_attenuation(self.run, self.curve, pair)
        opacity = mean_of(self.curve, stored)
        if max(abs(row), abs(column)) >= _STILL_PX:
            opacity = moved(opacity, (-float(row), -float(column)))
        opacity -= base
        if self.plan.operation == "natural":
            opacity = (opacity - _surroundings(opacity, self.seen)) * self.seen
        sample, counted = opacity[self._sampled], self.seen[self._sampled]
        opacity -= np.float32(np.median(sample[counted]))
        return opacity

    @property
    def _sampled(self) -> tuple[slice, slice]:
        """Evenly chosen rows and columns that tell the level of the background."""
        step = max(int(np.sqrt(self.seen.size / _BACKGROUND)), 1)
        return np.s_[::step, ::step]


def subtract(
    run: Run, frames: tuple[int, int] | None = None, *, follow_motion: bool = True
) -> Subtraction:
    """Prepare the subtraction of a run.

    Parameters
    ----------
    run
        The frames and what their header says.
    frames
        First and last contrast frame to use, counted from 0; None: all.
    follow_motion
        Whether frames and mask are brought to lie on each other.

    Raises
    ------
    SeriesError
        When the mask that the header prescribes does not exist, or no picture area is visible.
    """
    curve = curve_of(run)
    # What was subtracted already is as blank beside the vessels as at the border.
    seen = run.seen if run.subtracted else run.seen & ~blank_border(run)
    if not run.seen.any():
        raise SeriesError("the shutter covers the whole picture", remedy="export it unshuttered")
    if not seen.any():
        raise SeriesError(
            "every pixel is black or white: nothing is seen", remedy="export the run again"
        )
    run = replace(run, visible=seen)
    plan = plan_subtraction(run, curve, frames)
    flags = (*plan.flags, *(("polarity_assumed",) if curve.polarity == "assumed" else ()))
    if not curve.densitometric:
        flags = (*flags, "display_values")
    count = len(plan.pairings)
    resting = Subtraction(
        run, curve, plan, None, np.zeros((count, 2)), (0.0, 0.0), False, run.seen, flags
    )
    if plan.operation not in ("AVG_SUB", "own"):
        return resting
    mask = mean_attenuation(run, curve, plan.pairings[0].mask)
    if not follow_motion:
        return _with_mask(resting, mask, np.zeros((count, 2)), (0.0, 0.0), None)
    return _followed(resting, mask)


def native_attenuation(subtraction: Subtraction) -> Image:
    """Return a picture of the patient, devices included, as free of contrast as the run allows.

    It lies where the mask frames were taken, ``mask_shift_px`` up and left of the contrast frames:
    bringing it there would change the width of what is a few pixels wide.
    """
    first = subtraction.plan.pairings[0]
    return mean_attenuation(subtraction.run, subtraction.curve, first.mask or first.contrast)


def _followed(resting: Subtraction, mask: Image) -> Subtraction:
    """Find the motion of every frame against the mask and bring the mask to where most lie.

    No patient leaves for one frame: what single frames seem to do is not followed.
    """
    from scipy import ndimage

    run, curve, plan = resting.run, resting.curve, resting.plan
    shrink = shrink_of(run.shape[1])
    resting_frames = run.frames(plan.pairings[0].mask)
    fixed = still(small_mean_of(curve, resting_frames, shrink), run.seen, shrink)
    found = halved(
        plan.pairings, lambda part: _motion(fixed, run, curve, replace(plan, pairings=tuple(part)))
    )
    shifts = np.concatenate(found)
    shifts = ndimage.median_filter(shifts, size=(3, 1), mode="nearest")
    middle = np.median(shifts, axis=0)
    if np.abs(middle).max() < _STILL_PX:
        middle = np.zeros(2)
    to_frames: Shift = (float(middle[0]), float(middle[1]))
    placed = moved(mask, to_frames)
    # Of the frames that lie where most do the first has least contrast medium.
    nearest = int(np.hypot(*(shifts - middle).T).round(1).argmin())
    (picture,) = contrast_attenuations(run, curve, plan.pairings[nearest : nearest + 1])
    field = _local(placed, picture, run.seen)
    return _with_mask(resting, placed, shifts - middle, to_frames, field)


def _motion(fixed: Still, run: Run, curve: Curve, plan: Plan) -> FloatArray:
    """Return the (p, 2) shifts of the contrast frames of a plan against the mask."""
    shifts = np.empty((len(plan.pairings), 2))
    last: Shift | None = None
    for number, stored in enumerate(stored_frames(run, plan.pairings)):
        small = small_mean_of(curve, stored, fixed.shrink)
        start = _stated(fixed, small, plan.shift_px) if last is None else last
        found = found_shift(fixed, small, start)
        # The patient may have jumped further than a search from the last place can follow.
        lost = found == (0.0, 0.0) and (last not in (None, found) or number % _LOOK_AGAIN == 0)
        last = found_shift(fixed, small) if lost else found
        shifts[number] = last
    return shifts


def _local(mask: Image, picture: Image, seen: BoolArray) -> tuple[FloatArray, Still] | None:
    shrink = shrink_of(seen.shape[1])
    fixed = still(shrunk(picture, shrink), seen, shrink)
    field = found_field(fixed, shrunk(mask, shrink))
    return None if field is None else (field, fixed)


def _with_mask(
    resting: Subtraction,
    mask: Image,
    shifts_px: FloatArray,
    mask_shift_px: Shift,
    field: tuple[FloatArray, Still] | None,
) -> Subtraction:
    reach = 0
    if field is not None:
        mask = warped_back(mask, field[0], field[1].shrink)
        reach = int(np.ceil(np.abs(field[0]).max()))
    far = max(float(np.abs(shifts_px).max()), *(abs(part) for part in mask_shift_px))
    edge = reach + (int(np.ceil(far)) + 1 if far >= _STILL_PX else 0)
    seen = resting.seen.copy()
    if edge:
        seen[:edge] = seen[-edge:] = seen[:, :edge] = seen[:, -edge:] = False
    return Subtraction(
        resting.run,
        resting.curve,
        resting.plan,
        mask,
        shifts_px,
        mask_shift_px,
        field is not None,
        seen,
        resting.flags,
    )


def _stated(fixed: Still, small: Image, shift_px: Shift) -> Shift | None:
    """Return the header's shift of the mask in our sense: down and right.

    The standard counts columns to the left; not every maker does. The pictures decide.
    """
    if shift_px == (0.0, 0.0):
        return None
    row, column = shift_px
    ways: tuple[Shift, Shift] = ((row, -column), (row, column))
    return min(ways, key=lambda way: background_residual(fixed, small, way))


def _surroundings(picture: Image, seen: BoolArray) -> Image:
    """Return what a picture shows at the scale of organs: all that is wider than a vein."""
    from scipy import ndimage

    sigma = _ORGANS * picture.shape[1]
    known = seen.astype(np.float32)
    total = ndimage.gaussian_filter(picture * known, sigma, truncate=2.5)
    wide: Image = total / np.maximum(ndimage.gaussian_filter(known, sigma, truncate=2.5), 1e-3)
    return wide
