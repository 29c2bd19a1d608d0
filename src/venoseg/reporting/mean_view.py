"""The mean of the image over a depth, as the ground of a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from venoseg.reporting.drawing import GRAYS
from venoseg.reporting.gray import gray_at
from venoseg.volume import FloatArray, Volume

Span = tuple[float, float]


def draw_mean_view(
    axes: Axes,
    volume: Volume,
    axis: int,
    spans_lps_mm: tuple[Span, Span, Span],
    *,
    pixel_mm: float,
    depth_step_mm: float,
) -> None:
    """Draw the mean of the image over the depth of the veins.

    Parameters
    ----------
    axes
        To draw in, in patient millimetres.
    volume
        The image.
    axis
        0: seen from the front, x runs across; 1: from the left, y does.
    spans_lps_mm
        Least and greatest x, y and z of what is drawn; that of the other axis is its depth.
    pixel_mm, depth_step_mm
        Distance of the samples in the picture and in depth.
    """
    other = 1 - axis
    depth = np.arange(*spans_lps_mm[other], depth_step_mm)
    across = np.arange(*spans_lps_mm[axis], pixel_mm)
    up = np.arange(*spans_lps_mm[2], pixel_mm)
    points = np.empty((len(up), len(across), len(depth), 3))
    points[..., axis] = across[None, :, None]
    points[..., other] = depth
    points[..., 2] = up[:, None, None]
    mean = _mean_seen(gray_at(volume, points))
    seen = mean[~np.isnan(mean)]
    dark, bright = np.percentile(seen, [2.0, 99.5]) if seen.size else (0.0, 1.0)
    axes.imshow(
        np.ma.masked_invalid(mean),
        cmap=GRAYS,
        vmin=dark,
        vmax=max(bright, dark + 1.0),
        origin="lower",
        interpolation="bilinear",
        aspect="auto",
        extent=(across[0], across[-1] + pixel_mm, up[0], up[-1] + pixel_mm),
    )


def _mean_seen(values: npt.NDArray[np.float32]) -> FloatArray:
    """Return the mean over the last axis of what is not NaN; NaN where all is."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=-1)
    total = np.where(seen, values, 0.0).sum(axis=-1, dtype=np.float64)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean
