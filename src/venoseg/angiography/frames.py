"""The frames of a run as attenuation, a few in memory at a time, on two cores where there are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from venoseg.angiography.masking import Pairing
from venoseg.angiography.opacity import Curve
from venoseg.angiography.resampling import shrunk
from venoseg.angiography.run import Image, Run, Stored
from venoseg.processes import usable_cores
from venoseg.volume import FloatArray

_THREADS = 2

Of = TypeVar("Of")
_And = TypeVar("_And")


def contrast_attenuations(run: Run, curve: Curve, pairings: tuple[Pairing, ...]) -> Iterator[Image]:
    """Give the attenuation of the contrast frames of each pairing, averaged where it says so."""
    for stored in stored_frames(run, pairings):
        yield mean_of(curve, stored)


def stored_frames(run: Run, pairings: tuple[Pairing, ...]) -> Iterator[tuple[Stored, ...]]:
    """Give the contrast frames of each pairing as the file holds them."""
    if all(len(pair.contrast) == 1 for pair in pairings):
        for stored in run.frames([pair.contrast[0] for pair in pairings]):
            yield (stored,)
        return
    for pair in pairings:
        yield tuple(run.frames(pair.contrast))


def halved(whole: Sequence[Of], function: Callable[[Sequence[Of]], _And]) -> list[_And]:
    """Return what a function makes of the halves of a sequence, made at the same time."""
    half = (len(whole) + 1) // 2
    halves = [part for part in (whole[:half], whole[half:]) if len(part)]
    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        return list(pool.map(function, halves))


def ahead(
    function: Callable[[Of, _And], Image], arguments: Iterable[tuple[Of, _And]]
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


def shifted_at(
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


def mask_attenuation(run: Run, curve: Curve, pair: Pairing) -> Image:
    """Return the mean attenuation of a pairing's mask frames; 0 where it has none."""
    if not pair.mask:
        return np.zeros(run.shape, dtype=np.float32)
    return mean_attenuation(run, curve, pair.mask)


def mean_attenuation(run: Run, curve: Curve, frames: tuple[int, ...]) -> Image:
    """Return the mean attenuation of frames of these numbers."""
    return mean_of(curve, run.frames(frames))


def mean_of(curve: Curve, frames: Iterable[Stored]) -> Image:
    """Return the mean attenuation of frames as the file holds them."""
    return _mean(curve.attenuation(stored) for stored in frames)


def small_mean_of(curve: Curve, frames: Iterable[Stored], shrink: int) -> Image:
    """Return a small picture, of block means: the mean attenuation of frames in the file.

    Made smaller first, which takes a fraction of the time.
    """
    return _mean(curve.of_means(shrunk(stored, shrink)) for stored in frames)


def _mean(pictures: Iterable[Image]) -> Image:
    total, count = None, 0
    for attenuation in pictures:
        total = attenuation if total is None else total + attenuation
        count += 1
    assert total is not None
    return total if count == 1 else total / np.float32(count)
