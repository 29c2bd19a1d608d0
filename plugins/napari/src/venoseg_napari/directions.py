"""Letters for the patient's directions."""

from __future__ import annotations

import numpy as np

from venoseg.volume import FloatArray

_POSITIVE, _NEGATIVE = "LPH", "RAF"


def direction(vector_lps: FloatArray) -> str:
    """Return L, R, A, P, H or F for the direction nearest to an LPS vector."""
    axis = int(np.argmax(np.abs(vector_lps)))
    return (_POSITIVE if vector_lps[axis] > 0 else _NEGATIVE)[axis]
