"""The blurred edge that the fits look up."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from venoseg.lumen.rays.gaussian import share_beyond


def test_the_table_is_the_exact_function_near_and_far():
    deviations = np.concatenate([np.linspace(-9.0, 9.0, 4001), [-1e6, 1e6]]).astype(np.float32)
    np.testing.assert_allclose(share_beyond(deviations), ndtr(-deviations), atol=1e-4)
