"""What a vein's stations say of the stents in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.volume import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class StentSections:
    """The stents in the planes of n stations of a vein; NaN where none was measured.

    Attributes
    ----------
    covered
        (n,) True inside a stent, measured or not.
    area_mm2
        (n,) area inside the wires; of two stents side by side the sum.
    minimum_mm, maximum_mm
        (n,) least width of the narrower, greatest width of the wider stent.
    stenosis_percent
        (n,) 100 (1 - lumen area / stent area).
    """

    covered: BoolArray
    area_mm2: FloatArray
    minimum_mm: FloatArray
    maximum_mm: FloatArray
    stenosis_percent: FloatArray

    @classmethod
    def none(cls, count: int) -> StentSections:
        """Return stations without a stent."""
        unknown = [np.full(count, np.nan) for _ in range(4)]
        return cls(np.zeros(count, dtype=bool), *unknown)
