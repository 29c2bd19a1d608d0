"""A run as the measuring code sees it: frames on demand, and what their header says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.volume import BoolArray, FloatArray

Image = npt.NDArray[np.float32]
"""(rows, columns) float32."""

Stored = npt.NDArray[Any]
"""(rows, columns) whole numbers as the file holds them."""

Relation = Literal["LIN", "LOG", "DISP"]
Operation = Literal["NONE", "AVG_SUB", "TID", "REV_TID"]


@dataclass(frozen=True, slots=True)
class MaskItem:
    """One way of subtracting that the header prescribes. Frames count from 0.

    Attributes
    ----------
    operation
        As in Mask Operation (0028,6101).
    applies_to
        First and last of the frames it is meant for; empty: all.
    mask_frames
        The frames whose mean is the mask of ``AVG_SUB``.
    contrast_averaging
        How many contrast frames are averaged, the current one first.
    sub_pixel_shift
        (row, column) as the header states it.
    tid_offset
        How many frames earlier the mask of time interval differencing lies.
    """

    operation: Operation
    applies_to: tuple[tuple[int, int], ...] = ()
    mask_frames: tuple[int, ...] = ()
    contrast_averaging: int = 1
    sub_pixel_shift: tuple[float, float] = (0.0, 0.0)
    tid_offset: int = 1

    def covers(self, frame: int) -> bool:
        """Whether it is meant for a frame."""
        ranges = self.applies_to
        return not ranges or any(first <= frame <= last for first, last in ranges)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Frames of one view over time.

    Attributes
    ----------
    frames
        Gives the frames of these numbers, from 0, as stored, one after the other.
    times_s
        (n,) of the frames, increasing.
    shape
        Rows and columns.
    bits_stored
        Stored values lie between 0 and ``2**bits_stored - 1``.
    relation
        What stored values are to X-ray intensity: proportional, logarithmic, or unknown because
        they are ready to be displayed.
    sign
        +1: lower values, less X-ray; -1: the reverse; 0: the header does not say.
    subtracted
        Whether the frames have been subtracted already.
    masks
        What the header prescribes.
    visible
        (rows, columns), False under shutters and collimators; None: all is visible.
    """

    frames: Callable[[Sequence[int]], Iterator[Stored]]
    times_s: FloatArray
    shape: tuple[int, int]
    bits_stored: int
    relation: Relation
    sign: int = 0
    subtracted: bool = False
    masks: tuple[MaskItem, ...] = ()
    visible: BoolArray | None = field(default=None)

    @classmethod
    def from_array(cls, stored: Stored, times_s: FloatArray, **header: Any) -> Run:
        """Make a run of (n, rows, columns) stored values; ``header`` as the attributes."""

        def frames(numbers: Sequence[int]) -> Iterator[Stored]:
            return (stored[number] for number in numbers)

        return cls(frames, times_s, (stored.shape[1], stored.shape[2]), **header)

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.times_s)

    @property
    def seen(self) -> BoolArray:
        """(rows, columns), True where the picture shows the patient."""
        return np.ones(self.shape, dtype=bool) if self.visible is None else self.visible
