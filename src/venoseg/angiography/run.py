"""A run as the measuring code sees it: frames on demand, and what their header says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.dicom.angiogram import Angiogram, Mask
from venoseg.volume import BoolArray, FloatArray

Image = npt.NDArray[np.float32]
"""(rows, columns) float32."""

Stored = npt.NDArray[Any]
"""(rows, columns) whole numbers as the file holds them."""

Relation = Literal["LIN", "LOG", "DISP"]


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
    timed
        Whether ``times_s`` are seconds; else they only count the frames.
    angles_degrees
        Primary and secondary angle of the first frame as in DICOM; None where not stated.
    """

    frames: Callable[[Sequence[int]], Iterator[Stored]]
    times_s: FloatArray
    shape: tuple[int, int]
    bits_stored: int
    relation: Relation
    sign: int = 0
    subtracted: bool = False
    masks: tuple[Mask, ...] = ()
    visible: BoolArray | None = None
    timed: bool = True
    angles_degrees: tuple[float | None, float | None] = (None, None)

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


def run_of(angiogram: Angiogram) -> Run:
    """Return an angiogram as a run; pixels of no stated relation count as made for display."""
    known: dict[str, Relation] = {"LIN": "LIN", "LOG": "LOG"}
    times = angiogram.frame_times_s
    count = angiogram.frame_count
    return Run(
        frames=angiogram.frames,
        times_s=np.arange(count, dtype=np.float64) if times is None else times,
        shape=(angiogram.rows, angiogram.columns),
        bits_stored=angiogram.bits,
        relation=known.get(angiogram.intensity, "DISP"),
        sign=angiogram.intensity_sign or 0,
        subtracted=angiogram.already_subtracted,
        masks=angiogram.masks,
        visible=angiogram.open_area() if angiogram.shutters else None,
        timed=times is not None,
        angles_degrees=(
            _first(angiogram.primary_angles_degrees),
            _first(angiogram.secondary_angles_degrees),
        ),
    )


def _first(angles: FloatArray | None) -> float | None:
    return None if angles is None else float(angles[0])
