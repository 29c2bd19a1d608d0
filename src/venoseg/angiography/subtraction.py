"""A run to pictures of contrast medium alone, a few frames in memory at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from venoseg.angiography.masking import Pairing, Plan, plan_subtraction
from venoseg.angiography.opacity import Curve, curve_of
from venoseg.angiography.registration import (
    Shift,
    Still,
    background_residual,
    found_field,
    found_shift,
    moved,
    still,
    warped_back,
)
from venoseg.angiography.run import Image, Run, Stored
from venoseg.errors import SeriesError
from venoseg.processes import usable_cores
from venoseg.volume import BoolArray, FloatArray

# A blank border stands at either end of the range, to this part of it; it holds such a share of
# the picture, and what is blurred beside it is left out too.
_BLANK = 500
_BLANK_SHARE = 0.005
_BLANK_RIM_PX = 3

# While nothing moves, every so many frames the whole picture is searched for motion.
_LOOK_AGAIN = 8

# Motion below this is not worth resampling a frame for.
_STILL_PX = 0.1

BACKGROUND_STEP = 4

_THREADS = 2

_Of = TypeVar("_Of")
_And = TypeVar("_And")

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
        frames = _stored(self.run, tuple(self.plan.pairings[number] for number in wanted))
        yield from _ahead(self._opacity, zip(wanted, frames, strict=True))

    def in_parts(
        self, of_some: Callable[[Iterator[Image]], _Of], numbers: Sequence[int] | None = None
    ) -> list[_Of]:
        """Return what a function makes of the `pictures` of either half of the numbers.

        The halves are gone through at the same time where there are cores for that, and are the
        same whatever the machine, so that the same run gives the same bytes everywhere.
        """

        def plain(part: Sequence[int]) -> Iterator[Image]:
            frames = _stored(self.run, tuple(self.plan.pairings[number] for number in part))
            return (self._opacity(n, stored) for n, stored in zip(part, frames, strict=True))

        wanted = range(len(self.plan.pairings)) if numbers is None else numbers
        return _halved(wanted, lambda part: of_some(plain(part)))

    def opacities_at(self, places: npt.NDArray[np.intp]) -> Iterator[Image]:
        """Give the (k,) opacities of some pixels, by their flat numbers, in every contrast frame.

        As `pictures` shows them, but linear between pixels where the patient has moved.
        """
        single = all(len(pair.contrast) == 1 for pair in self.plan.pairings)
        if self.mask is None or not single:
            yield from (picture.ravel()[places] for picture in self.pictures())
            return
        counted = np.zeros(self.run.shape, dtype=bool)
        counted[::BACKGROUND_STEP, ::BACKGROUND_STEP] = True
        background = np.flatnonzero(counted & self.seen)
        whole = np.concatenate([places, background])
        base = self.mask.ravel()[whole]
        line, column = np.divmod(whole, self.run.shape[1])

        def opacities(shift_px: FloatArray, stored: Stored) -> Image:
            if np.abs(shift_px).max() < _STILL_PX:
                values = self.curve.attenuation(stored.ravel()[whole])
            else:
                values = _shifted_at(self.curve, stored, (line, column), shift_px)
            values -= base
            return values[: len(places)] - np.float32(np.median(values[len(places) :]))

        frames = self.run.frames([pair.contrast[0] for pair in self.plan.pairings])
        yield from _ahead(opacities, zip(self.shifts_px, frames, strict=True))

    def _opacity(self, number: int, stored: tuple[Stored, ...]) -> Image:
        pair, (row, column) = self.plan.pairings[number], self.shifts_px[number]
        base = self.mask if self.mask is not None else _base(self.run, self.curve, pair)
        opacity = _mean_of(self.curve, stored)
        if max(abs(row), abs(column)) >= _STILL_PX:
            opacity = moved(opacity, (-float(row), -float(column)))
        opacity -= base
        if self.plan.operation == "natural":
            opacity = (opacity - _surroundings(opacity, self.seen)) * self.seen
        sample = opacity[::BACKGROUND_STEP, ::BACKGROUND_STEP]
        counted = self.seen[::BACKGROUND_STEP, ::BACKGROUND_STEP]
        opacity -= np.float32(np.median(sample[counted]))
        return opacity


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
    seen = run.seen if run.subtracted else run.seen & ~_blanked(run)
    if not seen.any():
        raise SeriesError("the shutter covers the whole picture", remedy="export it unshuttered")
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
    mask = _mean(run, curve, plan.pairings[0].mask)
    if not follow_motion:
        return _with_mask(resting, mask, np.zeros((count, 2)), (0.0, 0.0), None)
    return _followed(resting, mask)


def contrast_attenuations(run: Run, curve: Curve, pairings: tuple[Pairing, ...]) -> Iterator[Image]:
    """Give the attenuation of the contrast frames of each pairing, averaged where it says so."""
    for stored in _stored(run, pairings):
        yield _mean_of(curve, stored)


def _stored(run: Run, pairings: tuple[Pairing, ...]) -> Iterator[tuple[Stored, ...]]:
    """Give the contrast frames of each pairing as the file holds them."""
    if all(len(pair.contrast) == 1 for pair in pairings):
        for stored in run.frames([pair.contrast[0] for pair in pairings]):
            yield (stored,)
        return
    for pair in pairings:
        yield tuple(run.frames(pair.contrast))


def _halved(whole: Sequence[_Of], function: Callable[[Sequence[_Of]], _And]) -> list[_And]:
    """Return what a function makes of the halves of a sequence, made at the same time."""
    half = (len(whole) + 1) // 2
    halves = [part for part in (whole[:half], whole[half:]) if len(part)]
    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        return list(pool.map(function, halves))


def _ahead(
    function: Callable[[_Of, _And], Image], arguments: Iterable[tuple[_Of, _And]]
) -> Iterator[Image]:
    """Give a function's pictures in order, a few of them made ahead on other cores."""
    waiting: deque[Future[Image]] = deque()
    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        for one, other in arguments:
            waiting.append(pool.submit(function, one, other))
            # So few are made ahead that a long run takes no more memory than a short one.
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _shifted_at(
    curve: Curve,
    stored: Stored,
    places: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    shift_px: FloatArray,
) -> Image:
    """Return the (k,) attenuations of a frame, at rows and columns of pixels, moved back."""
    whole = np.floor(shift_px).astype(np.intp)
    part = (shift_px - whole).astype(np.float32)
    flat, columns = stored.ravel(), stored.shape[1]

    def along(more: int) -> Image:
        line = np.clip(places[0] + whole[0] + more, 0, stored.shape[0] - 1) * columns
        near, far = (
            curve.attenuation(flat[line + np.clip(places[1] + whole[1] + right, 0, columns - 1)])
            for right in (0, 1)
        )
        between: Image = near + part[1] * (far - near)
        return between

    upper, lower = along(0), along(1)
    values: Image = upper + part[0] * (lower - upper)
    return values


def native_attenuation(subtraction: Subtraction) -> Image:
    """Return a picture of the patient, devices included, as free of contrast as the run allows.

    It lies where the mask frames were taken, ``mask_shift_px`` up and left of the contrast frames:
    bringing it there would change the width of what is a few pixels wide.
    """
    first = subtraction.plan.pairings[0]
    return _mean(subtraction.run, subtraction.curve, first.mask or first.contrast)


def _followed(resting: Subtraction, mask: Image) -> Subtraction:
    """Find the motion of every frame against the mask and bring the mask to where most lie.

    No patient leaves for one frame: what single frames seem to do is not followed.
    """
    from scipy import ndimage

    run, curve, plan = resting.run, resting.curve, resting.plan
    fixed = still(mask, run.seen)
    found = _halved(
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
    for number, picture in enumerate(contrast_attenuations(run, curve, plan.pairings)):
        start = _stated(fixed, picture, plan.shift_px) if last is None else last
        found = found_shift(fixed, picture, start)
        # The patient may have jumped further than a search from the last place can follow.
        lost = found == (0.0, 0.0) and (last not in (None, found) or number % _LOOK_AGAIN == 0)
        last = found_shift(fixed, picture) if lost else found
        shifts[number] = last
    return shifts


def _local(mask: Image, picture: Image, seen: BoolArray) -> tuple[FloatArray, Still] | None:
    fixed = still(picture, seen)
    field = found_field(fixed, mask)
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


def _stated(fixed: Still, picture: Image, shift_px: Shift) -> Shift | None:
    """Return the header's shift of the mask in our sense: down and right.

    The standard counts columns to the left; not every maker does. The pictures decide.
    """
    if shift_px == (0.0, 0.0):
        return None
    row, column = shift_px
    ways: tuple[Shift, Shift] = ((row, -column), (row, column))
    return min(ways, key=lambda way: background_residual(fixed, moved(picture, (-way[0], -way[1]))))


def _surroundings(picture: Image, seen: BoolArray) -> Image:
    """Return what a picture shows at the scale of organs: all that is wider than a vein."""
    from scipy import ndimage

    sigma = _ORGANS * picture.shape[1]
    known = seen.astype(np.float32)
    total = ndimage.gaussian_filter(picture * known, sigma, truncate=2.5)
    wide: Image = total / np.maximum(ndimage.gaussian_filter(known, sigma, truncate=2.5), 1e-3)
    return wide


def _blanked(run: Run) -> BoolArray:
    """Return the border without information: around a round field, beyond the patient."""
    from scipy import ndimage

    probes = (0, run.count // 2, run.count - 1)
    frames = [stored.astype(np.int64) for stored in run.frames(probes)]
    top = 2**run.bits_stored - 1
    slack = max(top // _BLANK, 3)
    still = np.ones(run.shape, dtype=bool)
    for frame in frames:
        still &= (frame <= slack) | (frame >= top - slack)
    labels, count = ndimage.label(still)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    large = np.isin(np.arange(count + 1), rim[rim > 0]) & (sizes > _BLANK_SHARE * still.size)
    blank: BoolArray = ndimage.binary_dilation(large[labels], iterations=_BLANK_RIM_PX)
    return blank


def _base(run: Run, curve: Curve, pair: Pairing) -> Image:
    if not pair.mask:
        return np.zeros(run.shape, dtype=np.float32)
    return _mean(run, curve, pair.mask)


def _mean(run: Run, curve: Curve, frames: tuple[int, ...]) -> Image:
    return _mean_of(curve, run.frames(frames))


def _mean_of(curve: Curve, frames: Iterable[Stored]) -> Image:
    total, count = None, 0
    for stored in frames:
        attenuation = curve.attenuation(stored)
        total = attenuation if total is None else total + attenuation
        count += 1
    assert total is not None
    return total if count == 1 else total / np.float32(count)
