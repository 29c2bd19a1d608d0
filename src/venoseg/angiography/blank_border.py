"""The border of a run without information: around a round field, beyond the patient."""

from __future__ import annotations

import numpy as np

from venoseg.angiography.run import Run
from venoseg.volume import BoolArray

# A blank border stands at either end of the range, to this part of it; it holds such a share of
# the picture, and what is blurred beside it is left out too.
_BLANK = 500
_BLANK_SHARE = 0.005
_BLANK_RIM_PX = 3


def blank_border(run: Run) -> BoolArray:
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
